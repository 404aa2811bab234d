"""The page in headless Chromium: what it shows, how it is filtered, and that it is for everyone."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from html import unescape
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import report_folder
from browser import PHONE, WIDE, Browser
from report_folder import Inputs
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait

from transfer_learning.photos.dataset import Rejected
from transfer_learning.reports.html import page

HOSTILE = (
    "<script>alert(1)</script>",
    "</style></title><img src=https://example.com/x onerror=alert(1)>",
    "\"quoted\" & 'single' {{ 7 * 7 }} #?&=%20+",
)
VERDICT = "small has an accuracy of 62.5 %; there is no other to compare."
# Violations of these are faults: WCAG 2 at levels A and AA, and what axe-core calls good practice.
RULES = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}


def render(inputs: Inputs) -> str:
    return page.html(
        inputs.params,
        inputs.data,
        inputs.comparison,
        inputs.thumbnails,
        reports=inputs.reports,
    )


def shown(browser: Browser) -> list[int]:
    """Return the numbers of the photos in the gallery, in its order."""
    names = browser.js(
        "[...document.querySelectorAll('#photos li:not([hidden])')]"
        ".map((item) => item.querySelector('.file').textContent)"
    )
    return [int(name.rsplit("/", 1)[1].split(".")[0]) for name in names]


def status(browser: Browser) -> str:
    return browser.one("[role=status]").text


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> str:
    return render(report_folder.build(tmp_path_factory.mktemp("plain")))


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> str:
    return render(
        report_folder.build(
            tmp_path_factory.mktemp("synthetic"), source="rendered", verdict=VERDICT
        )
    )


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> str:
    text = HOSTILE[0]
    inputs = report_folder.build(
        tmp_path_factory.mktemp("hostile"),
        classes=HOSTILE,
        suffix=".jpg",
        rejected=(Rejected(text, text),),
        about={text: text},
        credits={f"{text}/0.jpg": HOSTILE[1]},
        verdict=text,
    )
    return render(inputs)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Everything that a page can have, with long names."""
    inputs = report_folder.build(
        tmp_path_factory.mktemp("full"),
        classes=("daisy", "Rudbeckia_hirta_with_a_very_long_name_in_one_word", "sweet alyssum"),
        backbones=("small", "large", "a_backbone_with_a_rather_long_name_v2"),
        source="rendered",
        rejected=(Rejected("daisy/" + 80 * "x" + ".jpg", "image file is truncated"),),
        about={"citation": "@ONLINE {flowers,\n  url = {https://" + 90 * "x" + "}\n}"},
        credits={"daisy/0.jpg": "A. Photographer, CC BY 2.0, " + 60 * "y"},
    )
    return render(inputs)


def embedded(encoded: bytes) -> str:
    return base64.b64encode(encoded).decode()


def test_every_photo_and_figure_is_embedded_once(tmp_path: Path) -> None:
    inputs = report_folder.build(tmp_path)
    figures = sorted(inputs.reports.rglob("*.png"))
    for number, path in enumerate(figures):
        path.write_bytes(path.read_bytes() + bytes([number]) * 64)

    html = render(inputs)

    assert len(figures) == 15
    assert {html.count(embedded(path.read_bytes())) for path in figures} == {1}
    assert {html.count(embedded(photo)) for photo in inputs.thumbnails.values()} == {1}
    assert len(inputs.thumbnails) == 8


def test_the_page_of_400_photos_and_two_backbones_stays_below_5_megabytes(tmp_path: Path) -> None:
    inputs = report_folder.build(tmp_path, copies=50)
    photos = {id: number.to_bytes(5_000, "big") for number, id in enumerate(inputs.thumbnails)}

    html = render(replace(inputs, thumbnails=photos))

    figures = 15 * 70_000 * 4 / 3
    assert len(html.encode()) + figures < 5_000_000


def test_equal_inputs_give_equal_bytes(tmp_path: Path) -> None:
    first = render(report_folder.build(tmp_path / "a"))
    second = render(report_folder.build(tmp_path / "b"))

    assert first == second


def test_nothing_is_asked_of_a_network(browser: Browser, hostile: str) -> None:
    browser.open(hostile)

    events = [
        json.loads(entry["message"])["message"] for entry in browser.driver.get_log("performance")
    ]
    asked = [
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    ]
    assert {urlsplit(url).scheme for url in asked} == {"file", "data"}


def test_a_picture_from_elsewhere_would_be_refused(browser: Browser, plain: str) -> None:
    browser.open(plain)

    browser.js(
        "new Promise((done) => document.body.append(Object.assign(new Image(), "
        "{src: 'https://example.com/x.png', onerror: done})))"
    )

    (refused,) = browser.driver.get_log("browser")
    assert "Content Security Policy" in refused["message"]


def test_the_browser_has_nothing_to_complain_of(browser: Browser, full: str) -> None:
    browser.open(full)

    assert browser.driver.get_log("browser") == []


def test_synthetic_data_and_the_verdict_are_on_the_first_screen(
    browser: Browser, synthetic: str
) -> None:
    browser.open(synthetic, size=PHONE)

    banner, verdict = browser.one(".synthetic"), browser.one(".verdict")
    assert banner.text.startswith("Synthetic data. The photos are drawn by this project")
    assert verdict.text == VERDICT
    for item in (banner, verdict):
        assert item.rect["y"] + item.rect["height"] < PHONE[1]
    assert browser.driver.title.endswith("(synthetic data)")


def test_real_data_is_not_called_synthetic(plain: str) -> None:
    assert "Synthetic data" not in plain
    assert "synthetic data" not in plain


def test_the_backbones_stand_side_by_side_with_interval_and_cost(
    browser: Browser, plain: str
) -> None:
    browser.open(plain)

    lines = [item.text for item in browser.find(".measures tr")]
    assert lines[0] == "measure small selected large what it is"
    for line in (
        "Accuracy 62.5 % 75.0 % share of the test photos that are right",
        "95 % interval 30.6 to 86.3 % 30.6 to 86.3 % of the accuracy on photos like these (Wilson)",
        "Right 5 of 8 6 of 8 test photos",
        "Multiply-adds 301 301 for one photo, in millions",
        "Weights 8.9 8.9 file size, MB",
        "Features 1,280 (5.1 kB) 1,280 (5.1 kB) numbers for one photo",
        "Engine openvino, float32 openvino, float32 that computed the features",
    ):
        assert line in lines


def test_a_pair_is_compared_in_numbers_and_words(browser: Browser, tmp_path: Path) -> None:
    inputs = report_folder.build(tmp_path)

    browser.open(render(inputs))

    cells = [item.text for item in browser.find("[aria-label^=Pairs] tbody tr > *")]
    assert cells == [
        *("small", "large", "4", "1", "2", "1", "+12.5", "−25.0 to +50.0", "1.00"),
        inputs.comparison.pairs[0].verdict,
    ]


def test_one_backbone_alone_is_compared_with_none(browser: Browser, tmp_path: Path) -> None:
    html = render(report_folder.build(tmp_path, backbones=("small",)))

    browser.open(html)

    assert browser.find("[aria-label^=Pairs]") == []
    assert browser.find("select[name=agreement]") == []
    assert "disagree" not in browser.one("main").text
    browser.choose("result", "wrong")
    assert shown(browser) == [2, 3, 7]


@pytest.mark.parametrize(
    ("start", "numbers"),
    [
        ("Test accuracy with its 95 % interval", "small 62.5 % (30.6 to 86.3 %); large 75.0 %"),
        ("F1 of every class", "small: lowest daisy 0.60, highest tulips 0.80; large: lowest"),
        # Surest four of small: 0.95 (wrong), 0.90, 0.80, 0.70; of large 0.99, 0.95, 0.90, 0.85.
        (
            "Accuracy on the photos kept",
            "small: 62.5 % on all, 75.0 % on the surer half; large: 75.0 % on all, 100.0 % on",
        ),
        ("Photos on which the backbones disagree", "disagree on 3 of 8 test photos."),
        (
            "Learning curves over 2 epochs",
            "training accuracy from 0.50 to 0.80, validation accuracy from 0.60 to 0.70, "
            "training loss from 1.50 to 0.50, validation loss from 1.25 to 0.75.",
        ),
        (
            "Confusion matrix",
            "5 of 8 test photos are right. Most frequent mistake: daisy taken for roses, 2 times.",
        ),
        ("Reliability diagram", "0.123 as trained, 0.057 with temperature 1.37."),
        ("The first 8 test photos", "5 right, 3 wrong."),
        (
            "The most confidently wrong",
            "Of 3 wrong photos the surest is daisy/3.jpg: daisy, predicted roses with 95.0 %.",
        ),
    ],
)
def test_a_figures_alternative_text_says_what_is_seen(start: str, numbers: str, plain: str) -> None:
    texts = map(unescape, re.findall(r'alt="([^"]*)"', plain))

    assert numbers in next(text for text in texts if text.startswith(start))


def test_a_backbone_without_mistakes_is_described(browser: Browser, tmp_path: Path) -> None:
    inputs = report_folder.build(tmp_path)
    predictions = inputs.reports / "small/predictions.csv"
    text = predictions.read_text()
    for number, (wrong, true) in {2: ("roses", "daisy"), 3: ("roses", "daisy")}.items():
        text = text.replace(f"{number}.jpg,{true},{wrong}", f"{number}.jpg,{true},{true}")
    predictions.write_text(text.replace("7.jpg,tulips,daisy", "7.jpg,tulips,tulips"))

    html = render(inputs)

    assert "No test photo is wrong." in html


def test_the_gallery_shows_all_photos_in_the_order_of_the_data_set(
    browser: Browser, plain: str
) -> None:
    browser.open(plain)

    assert shown(browser) == [0, 1, 2, 3, 4, 5, 6, 7]
    assert status(browser) == "8 of 8 photos"


@pytest.mark.parametrize(
    ("choices", "expected"),
    [
        ({"true": "daisy"}, [0, 1, 2, 3]),
        ({"predicted": "daisy"}, [0, 1, 7]),
        ({"predicted": "daisy", "backbone": "large"}, [0, 1, 2]),
        ({"result": "wrong"}, [2, 3, 7]),
        ({"result": "right"}, [0, 1, 4, 5, 6]),
        ({"result": "wrong", "backbone": "large"}, [3, 6]),
        ({"agreement": "they disagree"}, [2, 6, 7]),
        ({"agreement": "they agree"}, [0, 1, 3, 4, 5]),
        ({"true": "daisy", "predicted": "roses", "agreement": "they agree"}, [3]),
        ({"true": "tulips", "result": "right"}, []),
        ({"order": "surest first"}, [3, 0, 4, 5, 6, 1, 2, 7]),
        ({"order": "least sure first", "backbone": "large"}, [3, 6, 2, 1, 4, 7, 5, 0]),
        ({"order": "surest first", "result": "wrong"}, [3, 2, 7]),
    ],
)
def test_the_gallery_filters_and_sorts(
    choices: dict[str, str], expected: list[int], browser: Browser, plain: str
) -> None:
    browser.open(plain)

    for name, text in choices.items():
        browser.choose(name, text)

    assert shown(browser) == expected
    assert status(browser) == f"{len(expected)} of 8 photos"


def test_show_all_undoes_every_filter(browser: Browser, plain: str) -> None:
    browser.open(plain)
    browser.choose("result", "wrong")
    browser.choose("order", "surest first")

    browser.one("#show-all").click()

    assert shown(browser) == [0, 1, 2, 3, 4, 5, 6, 7]
    assert browser.state() == "gallery"


def test_the_state_is_in_the_address_and_comes_back_from_it(browser: Browser, plain: str) -> None:
    browser.open(plain)
    browser.choose("backbone", "large")
    browser.choose("true", "daisy")
    browser.choose("order", "surest first")
    state = browser.state()

    browser.open(plain, state=f"#{state}")

    assert state == "gallery?backbone=large&true=daisy&order=surest"
    assert shown(browser) == [0, 1, 2, 3]
    assert browser.one("#gallery-heading").rect["y"] - browser.js("scrollY") < WIDE[1]


def test_an_address_that_names_no_such_class_shows_all(browser: Browser, plain: str) -> None:
    browser.open(plain, state="#gallery?true=cactus&nothing=1&result=wrong")

    assert shown(browser) == [2, 3, 7]


def test_a_number_of_the_confusion_table_leads_to_its_photos(browser: Browser, plain: str) -> None:
    browser.open(plain)

    # small: daisy taken for roses.
    link = browser.one("#details section:first-of-type [data-filter*='true=daisy&predicted=roses']")
    assert link.text == "2"
    link.click()
    WebDriverWait(browser.driver, 10).until(lambda _: status(browser) != "8 of 8 photos")

    assert shown(browser) == [2, 3]
    assert browser.driver.switch_to.active_element.get_attribute("id") == "gallery-heading"


def test_the_first_tab_leads_past_the_heading(browser: Browser, plain: str) -> None:
    browser.open(plain)

    browser.one("body").send_keys(Keys.TAB)
    skip = browser.driver.switch_to.active_element

    assert skip.text == "Skip to the results"
    assert skip.rect["x"] >= 0
    browser.press(Keys.ENTER)
    assert browser.driver.switch_to.active_element.get_attribute("id") == "main"


def test_the_filters_are_reached_seen_and_used_by_keyboard(browser: Browser, plain: str) -> None:
    browser.open(plain)
    focused = browser.driver.switch_to.active_element
    focused.send_keys(Keys.TAB)
    for _ in range(60):
        if browser.driver.switch_to.active_element.get_attribute("name") == "result":
            break
        browser.press(Keys.TAB)

    outline = browser.js("getComputedStyle(document.activeElement).outline")
    browser.press(Keys.DOWN, Keys.DOWN)

    assert shown(browser) == [2, 3, 7]
    assert "solid 3px" in outline
    browser.press(Keys.TAB, Keys.TAB, Keys.TAB, Keys.ENTER)
    assert status(browser) == "8 of 8 photos"


@pytest.mark.parametrize(("size", "scheme"), [(WIDE, "light"), (PHONE, "dark")])
def test_axe_core_finds_no_fault(
    size: tuple[int, int], scheme: str, browser: Browser, full: str
) -> None:
    browser.open(full, size=size, scheme=scheme, state="#gallery?result=wrong")
    axe = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")

    browser.driver.execute_script(axe)
    result = browser.driver.execute_async_script(
        "axe.run(document, {runOnly: arguments[0]}).then(arguments[1])", RULES
    )

    assert [(item["id"], item["nodes"][0]["html"]) for item in result["violations"]] == []
    assert "color-contrast" in {item["id"] for item in result["passes"]}


def test_the_page_follows_the_browsers_light_and_dark(browser: Browser, plain: str) -> None:
    colours = []
    for scheme in ("light", "dark"):
        browser.open(plain, scheme=scheme)
        colours.append(browser.js("getComputedStyle(document.body).backgroundColor"))

    assert colours == ["rgb(255, 255, 255)", "rgb(21, 24, 28)"]


def test_a_phone_scrolls_tables_but_not_the_page_sideways(browser: Browser, full: str) -> None:
    browser.open(full, size=PHONE)

    inside = browser.js("document.documentElement.clientWidth")
    assert browser.js("document.documentElement.scrollWidth") <= inside <= PHONE[0]
    assert browser.js("document.querySelector('.measures').scrollWidth") > PHONE[0]


def test_on_paper_it_is_dark_on_white_and_without_controls(browser: Browser, full: str) -> None:
    browser.open(full, scheme="dark", media="print")

    assert browser.js("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not browser.one("form").is_displayed()
    assert not browser.one("nav").is_displayed()


def test_headings_go_down_by_one(browser: Browser, full: str) -> None:
    browser.open(full)

    levels = [int(item.tag_name[1]) for item in browser.find("h1, h2, h3, h4, h5, h6")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(deeper - level <= 1 for level, deeper in pairwise(levels))


def test_without_scripts_all_photos_are_there_and_no_filters(browser: Browser, plain: str) -> None:
    browser.open(plain, scripts=False)

    shown = browser.find("#photos li")
    assert len(shown) == 8
    assert all(item.is_displayed() for item in shown)
    assert not browser.one("form").is_displayed()
    assert status(browser) == "8 of 8 photos"


def options(browser: Browser, name: str) -> Sequence[str]:
    return [item.text for item in Select(browser.one(f"select[name={name}]")).options]


def test_text_from_names_is_shown_and_never_run(browser: Browser, hostile: str) -> None:
    browser.open(hostile)

    assert options(browser, "true") == ["any", *HOSTILE]
    assert browser.one(".verdict").text == HOSTILE[0]
    assert browser.one("dl").text.split("\n") == [HOSTILE[0], HOSTILE[0]]
    assert browser.js("document.scripts.length") == 1
    assert browser.js("document.querySelectorAll('img:not([src^=\"data:\"])').length") == 0
    assert browser.driver.get_log("browser") == []


@pytest.mark.parametrize("number", [0, 1, 2])
def test_any_class_name_is_found_again_from_the_address(
    number: int, browser: Browser, hostile: str
) -> None:
    browser.open(hostile)
    browser.choose("true", HOSTILE[number])
    shown, state = len(browser.find("#photos li:not([hidden])")), browser.state()

    browser.open(hostile, state=f"#{state}")

    assert shown == [4, 3, 1][number]
    assert len(browser.find("#photos li:not([hidden])")) == shown


def test_credits_stand_at_the_photo_and_in_a_list_of_the_photos_shown(
    browser: Browser, tmp_path: Path
) -> None:
    lines = {
        "daisy/0.jpg": "Ann, CC BY 2.0",
        "train/17.jpg": "Bob, CC BY 2.0",
        "train/20.jpg": "Cy, CC BY 2.0",
    }
    html = render(report_folder.build(tmp_path, credits=lines))

    browser.open(html)

    assert "Ann, CC BY 2.0" in browser.one("#photos li").text
    browser.one("summary").click()
    # Of the training photos 20 are shown as examples: 0 to 19.
    assert browser.one("summary").text == "Credits of 2 photos shown on this page"
    listed = [item.text for item in browser.find("details li")]
    assert listed == ["daisy/0.jpg Ann, CC BY 2.0", "train/17.jpg Bob, CC BY 2.0"]


def test_the_data_is_summed_up(browser: Browser, full: str) -> None:
    browser.open(full)

    text = browser.one("#data").text
    assert "29 photos found, 28 kept, 1 rejected; 3 classes." in text
    assert "train train[25%:] 20 20 7 7 6" in text
    assert "test train[:10%] 8 8 4 3 1" in text
    assert "width 320 500 500" in text
    assert "image file is truncated" in text
    assert "@ONLINE {flowers," in text


def test_parameters_software_and_commands_of_the_run_are_there(
    browser: Browser, plain: str
) -> None:
    browser.open(plain)

    lines = browser.one("#run").text.split("\n")
    for line in (
        "make repro",
        "dvc exp run -S selected=large -n large",
        "dvc metrics diff HEAD large",
        "dataset.source folder",
        "dataset.folder.path data/photos",
        "dataset.folder.classes null",
        "backbones.large.handle pypi:large==1.0",
        "extract.precision float32",
        "train.learning_rate 0.001",
        "selected small",
    ):
        assert line in lines
    assert any(line.startswith("Python 3.") for line in lines)
    assert any(line.startswith("numpy ") for line in lines)


def test_parameters_of_sources_that_are_not_used_are_left_out(browser: Browser, plain: str) -> None:
    # They rerun no stage when they change, so the page could not keep up with them.
    browser.open(plain)

    assert "dataset.rendered" not in browser.one("#run").text
    assert "dataset.tfds" not in browser.one("#run").text
