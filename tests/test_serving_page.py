"""The server's page in headless Chromium: photos in, answers seen, by everyone, from here alone."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from browser import PHONE, WIDE, Browser
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver import ActionChains
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait
from served import Colours, Served, described, photo, serve
from test_page_access import RULES

from transfer_learning.serving.limits import Limits

LONG = ("red", "Rudbeckia_hirta_with_a_very_long_name_in_one_word", "sweet alyssum", "d", "e", "f")
# What a script of the page does where a person pastes or drops.
HAND_OVER = """
const [kind, name, bytes] = arguments;
const data = new DataTransfer();
data.items.add(new File([new Uint8Array(bytes)], name, { type: "image/png" }));
document.dispatchEvent(kind === "paste"
  ? new ClipboardEvent("paste", { clipboardData: data, bubbles: true })
  : new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    classifier = Colours(described(classes=LONG, synthetic=True))
    with serve(classifier, Limits(photo_mb=0.5)) as running:
        yield running


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    """A sure one, an unsure one, one that is broken, one that no browser shows, a large one."""
    contents = {
        "sure.png": photo("red", (300, 200)),
        "unsure <b>&.png": photo((90, 85, 80), (200, 300)),
        "broken.jpg": b"no photo at all",
        "other.tif": photo("red", (30, 20), "TIFF"),
        "large.bmp": photo("red", (500, 500), "BMP"),
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    return [tmp_path / name for name in contents]


def show(
    browser: Browser,
    server: Served,
    path: str = "/",
    *,
    size: tuple[int, int] = WIDE,
    scheme: str = "light",
    scripts: bool = True,
) -> None:
    # An empty page first, which sets the screen and clears the logs.
    browser.open("<!DOCTYPE html>", size=size, scheme=scheme, scripts=scripts)
    browser.driver.get(server.url + path)


def choose(browser: Browser, *paths: Path) -> None:
    browser.one("#files").send_keys("\n".join(map(str, paths)))
    settle(browser, f"{len(paths)} photo{'s' if len(paths) > 1 else ''} done")


def settle(browser: Browser, text: str) -> None:
    end = time.monotonic() + 20
    while browser.one("#status").text != text:
        assert time.monotonic() < end, browser.one("#status").text
        time.sleep(0.02)


def press(browser: Browser, key: str) -> None:
    # Not Browser.press: keys that are sent to a file's input are taken for the file's name.
    ActionChains(browser.driver).send_keys(key).perform()


def answers(browser: Browser) -> list[list[str]]:
    return [item.text.split("\n") for item in browser.find("#answers > li")]


def test_chosen_photos_are_answered_in_their_order(
    browser: Browser, server: Served, pictures: list[Path]
) -> None:
    show(browser, server)

    choose(browser, *pictures)

    sure, unsure, broken, other, large = answers(browser)
    assert sure[:4] == ["red", "sure.png", "red", "99.2 %"]
    assert unsure[0].endswith("unsure")
    assert unsure[1] == "unsure <b>&.png"
    assert broken[:3] == ["No preview", "No answer", "broken.jpg"]
    assert broken[3].startswith("no photo: not one of JPEG")
    assert other[:2] == ["No preview", "red"]
    assert large[2] == "the photo has more than 0.5 MB"


def test_bars_are_as_long_as_their_numbers(
    browser: Browser, server: Served, pictures: list[Path]
) -> None:
    show(browser, server)
    choose(browser, pictures[1])

    shares = [float(item.text.removesuffix(" %")) for item in browser.find(".percent")]
    widths = [
        100 * item.rect["width"] / item.find_element("xpath", "..").rect["width"]
        for item in browser.find(".bar > span")
    ]

    assert shares == sorted(shares, reverse=True)
    assert widths == pytest.approx(shares, abs=0.5)
    assert len(shares) == 5
    assert browser.one(".bars + .note").text == "and 1 more class"


@pytest.mark.parametrize("kind", ["paste", "drop"])
def test_a_photo_can_be_pasted_or_dropped(kind: str, browser: Browser, server: Served) -> None:
    show(browser, server)

    browser.driver.execute_script(HAND_OVER, kind, "x.png", list(photo("red")))

    settle(browser, "1 photo done")
    assert answers(browser)[0][0].startswith("red")


def test_the_newest_photos_are_above_the_older_ones(
    browser: Browser, server: Served, pictures: list[Path]
) -> None:
    show(browser, server)
    choose(browser, pictures[0])

    browser.one("#files").send_keys(str(pictures[1]))
    settle(browser, "2 photos done")

    assert [item[1] for item in answers(browser)] == [pictures[1].name, pictures[0].name]


def test_it_is_used_by_keyboard_alone(
    browser: Browser, server: Served, pictures: list[Path]
) -> None:
    show(browser, server)

    press(browser, Keys.TAB)
    assert browser.driver.switch_to.active_element.text == "Skip to the photos"
    press(browser, Keys.TAB)
    assert browser.js("document.activeElement.id") == "files"
    assert "3px" in browser.js(
        "getComputedStyle(document.querySelector('label[for=files]')).outline"
    )
    choose(browser, pictures[0])
    # To "Clear" and back.
    for _ in range(3):
        press(browser, Keys.TAB)
        if browser.js("document.activeElement.id") == "clear":
            break
    press(browser, Keys.ENTER)

    assert answers(browser) == []
    assert browser.one("#status").text == ""
    assert browser.js("document.activeElement.id") == "files"


def test_a_phone_offers_its_camera_and_a_desk_does_not(browser: Browser, server: Served) -> None:
    show(browser, server)
    assert not browser.one("label.camera").is_displayed()

    browser.cdp("Emulation.setTouchEmulationEnabled", enabled=True)
    camera = browser.one("#camera")
    try:
        assert browser.one("label.camera").is_displayed()
        assert not browser.one(".drop-here").is_displayed()
        assert camera.get_attribute("capture") == "environment"
        assert camera.get_attribute("accept") == "image/*"
    finally:
        browser.cdp("Emulation.setTouchEmulationEnabled", enabled=False)


@pytest.mark.parametrize(("size", "scheme"), [(WIDE, "light"), (PHONE, "dark"), (PHONE, "light")])
def test_axe_core_finds_no_fault(
    size: tuple[int, int], scheme: str, browser: Browser, server: Served, pictures: list[Path]
) -> None:
    show(browser, server, size=size, scheme=scheme)
    choose(browser, *pictures)
    axe = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")

    browser.driver.execute_script(axe)
    result = browser.driver.execute_async_script(
        "axe.run(document, {runOnly: arguments[0]}).then(arguments[1])", RULES
    )

    assert [(item["id"], item["nodes"][0]["html"]) for item in result["violations"]] == []
    assert "color-contrast" in {item["id"] for item in result["passes"]}


def test_a_phone_does_not_scroll_sideways(
    browser: Browser, server: Served, pictures: list[Path]
) -> None:
    show(browser, server, size=PHONE)
    choose(browser, *pictures)

    inside = browser.js("document.documentElement.clientWidth")
    assert browser.js("document.documentElement.scrollWidth") <= inside <= PHONE[0]


def test_it_follows_the_browsers_light_and_dark(browser: Browser, server: Served) -> None:
    colours = []
    for scheme in ("light", "dark"):
        show(browser, server, scheme=scheme)
        colours.append(browser.js("getComputedStyle(document.body).backgroundColor"))

    assert colours == ["rgb(255, 255, 255)", "rgb(21, 24, 28)"]


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_nothing_is_asked_of_another_host_and_nothing_complained_of(
    path: str, browser: Browser, server: Served, pictures: list[Path]
) -> None:
    show(browser, server, path)
    if path == "/":
        choose(browser, pictures[0])
    else:
        end = time.monotonic() + 20
        while not browser.find(".opblock") and time.monotonic() < end:
            time.sleep(0.05)

    asked = [
        urlsplit(message["params"]["request"]["url"])
        for entry in browser.driver.get_log("performance")
        if (message := json.loads(entry["message"])["message"])["method"]
        == "Network.requestWillBeSent"
    ]
    hosts = {url.netloc for url in asked if url.scheme in ("http", "https")}
    assert hosts == {f"127.0.0.1:{server.port}"}
    assert browser.driver.get_log("browser") == []


def test_the_api_can_be_read_and_tried_offline(browser: Browser, server: Served) -> None:
    show(browser, server, "/docs")
    end = time.monotonic() + 20
    while len(routes := browser.find(".opblock")) < 7 and time.monotonic() < end:
        time.sleep(0.05)
    assert len(routes) == 7

    (ready,) = (item for item in routes if "/readyz" in item.text)
    ready.click()
    for selector in (".try-out__btn", ".execute"):
        while not browser.find(selector):
            time.sleep(0.05)
        browser.driver.execute_script("arguments[0].click()", browser.one(selector))
    while not browser.find(".live-responses-table .microlight"):
        assert time.monotonic() < end
        time.sleep(0.05)

    assert '"status": "ready"' in browser.one(".live-responses-table .microlight").text


def test_a_picture_from_elsewhere_would_be_refused(browser: Browser, server: Served) -> None:
    show(browser, server)

    browser.js(
        "new Promise((done) => document.body.append(Object.assign(new Image(), "
        "{src: 'https://example.com/x.png', onerror: done})))"
    )

    (refused,) = browser.driver.get_log("browser")
    assert "Content Security Policy" in refused["message"]


def test_a_full_server_is_asked_again(browser: Browser) -> None:
    classifier = Colours()
    classifier.gate.clear()
    with serve(classifier, Limits(waiting=1, photos=1)) as server:
        show(browser, server)
        for _ in range(2):
            browser.driver.execute_script(HAND_OVER, "drop", "x.png", list(photo("red")))
        time.sleep(0.5)
        classifier.gate.set()
        settle(browser, "2 photos done")

        assert [item[0] for item in answers(browser)] == ["red", "red"]


def test_a_server_that_is_gone_is_told(browser: Browser, pictures: list[Path]) -> None:
    with serve() as server:
        show(browser, server)
    choose(browser, pictures[0])

    assert answers(browser)[0][2] == "the file cannot be read, or the server does not answer"


def test_without_scripts_a_photo_can_be_sent_still(
    browser: Browser, server: Served, pictures: list[Path]
) -> None:
    show(browser, server, scripts=False)
    browser.one("#files").send_keys(str(pictures[0]))

    browser.one("noscript button").click()

    # The page that is left may be seen first.
    WebDriverWait(browser.driver, 10, ignored_exceptions=[StaleElementReferenceException]).until(
        lambda _: '"label":"red"' in browser.one("body").text
    )
    browser.cdp("Emulation.setScriptExecutionDisabled", value=False)
