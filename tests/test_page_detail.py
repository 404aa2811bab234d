"""The detail view of a photo in headless Chromium."""

from __future__ import annotations

from pathlib import Path

import pytest
import report_folder
from browser import PHONE, WIDE, Browser
from rendered_pages import HOSTILE, render
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait
from test_page_access import faults

ALL = "#gallery?result=any"


def opened(browser: Browser) -> bool:
    return browser.js("document.getElementById('photo').open")


def open_card(browser: Browser, number: int) -> None:
    browser.js(f"document.querySelectorAll('#photos button')[{number}].click()")


def facts(browser: Browser) -> dict[str, str]:
    return dict(item.text.split("\n") for item in browser.find("#photo-facts div"))


def test_a_click_shows_all_that_is_known_of_a_photo(browser: Browser, tmp_path: Path) -> None:
    credits = {"daisy/2.jpg": "Ann, CC BY 2.0"}
    browser.open(render(report_folder.build(tmp_path, credits=credits)), state=ALL)

    browser.find("#photos button")[2].click()

    assert opened(browser)
    assert browser.one("#photo-title").text == "daisy"
    assert facts(browser) == {
        "File": "daisy/2.jpg",
        "Size": "320 × 240 pixels",
        "Split": "test",
        "Credit": "Ann, CC BY 2.0",
    }
    captions = [" ".join(item.text.split()) for item in browser.find("#photo-answers caption")]
    assert captions == ["small ✗ wrong: roses", "large ✓ right: daisy"]
    assert [" ".join(item.text.split()) for item in browser.find("#photo-answers tr")] == [
        *("roses 55.0 %", "daisy 22.5 %", "tulips 22.5 %"),
        *("daisy 65.0 %", "roses 17.5 %", "tulips 17.5 %"),
    ]
    near = [item.text.split("\n") for item in browser.find("#photo-near li")]
    # Near to test photo 2 are training photos 2 to 6, of classes 2, 0, 1, 2 and 0.
    assert near == [
        ["tulips", "0.90"], ["daisy", "0.80"], ["roses", "0.75"], ["tulips", "0.70"],
        ["daisy", "0.50"],
    ]  # fmt: skip


def test_the_photo_is_whole_in_its_shape_or_square_as_the_network_gets_it(
    browser: Browser, plain: str
) -> None:
    browser.open(plain, state=ALL)
    open_card(browser, 0)

    shapes = []
    for text in ("the whole photo", "as the networks get it"):
        Select(browser.one("#photo-view")).select_by_visible_text(text)
        size = browser.one("#photo-picture").size
        shapes.append(round(size["width"] / size["height"], 2))

    assert shapes == [1.33, 1.0]


def test_where_a_backbone_looked_is_shown_of_what_it_gets_wrong(
    browser: Browser, plain: str
) -> None:
    browser.open(plain, state=ALL)
    open_card(browser, 2)

    select = Select(browser.one("#photo-view"))
    select.select_by_visible_text("where small looked")

    # The made-up map is 0 3 / 6 9: its red, from black to orange.
    cells = browser.js(
        "[...document.getElementById('photo-looked').getContext('2d').getImageData(0, 0, 2, 2)"
        ".data].filter((_, i) => i % 4 === 0)"
    )
    assert cells[0] < 3
    assert cells == sorted(cells)
    assert cells[3] > 250
    picture, canvas = (browser.one(f"#photo-{part}").rect for part in ("picture", "looked"))
    assert picture == canvas
    assert "speaks for roses rather than for daisy" in browser.one("#photo-view-note").text
    browser.press(Keys.ESCAPE)
    open_card(browser, 0)
    assert len(Select(browser.one("#photo-view")).options) == 2
    assert not browser.one("#photo-looked").is_displayed()


def test_keys_open_turn_and_close_it_and_the_focus_comes_back(browser: Browser, plain: str) -> None:
    browser.open(plain, state=ALL)
    browser.js("document.querySelectorAll('#photos button')[1].focus()")

    browser.press(Keys.ENTER)
    assert facts(browser)["File"] == "daisy/1.jpg"
    browser.press(Keys.ARROW_RIGHT)
    assert facts(browser)["File"] == "daisy/2.jpg"
    browser.press(Keys.ARROW_LEFT, Keys.ARROW_LEFT)
    assert facts(browser)["File"] == "daisy/0.jpg"
    assert not browser.one("#photo-back").is_enabled()
    browser.press(Keys.ESCAPE)

    assert not opened(browser)
    card = browser.js("document.activeElement.closest('li').querySelector('.file').textContent")
    assert card == "daisy/1.jpg"


def test_it_has_an_address_and_back_closes_it(browser: Browser, plain: str) -> None:
    browser.open(plain, state=ALL)
    open_card(browser, 3)
    state = browser.state()
    assert state == "gallery?photo=daisy%2F3.jpg"

    browser.js("history.back()")
    WebDriverWait(browser.driver, 10).until(lambda _: not opened(browser))
    assert browser.state() == ALL[1:]

    browser.open(plain, state=f"#{state}")
    assert opened(browser)
    assert facts(browser)["File"] == "daisy/3.jpg"
    browser.one("#photo-close").click()
    WebDriverWait(browser.driver, 10).until(lambda _: "photo" not in browser.state())


def test_a_training_photo_near_to_it_opens_in_its_place(browser: Browser, plain: str) -> None:
    browser.open(plain, state=ALL)
    open_card(browser, 0)

    browser.find("#photo-near button")[3].click()

    assert facts(browser)["File"] == "train/3.jpg"
    assert facts(browser)["Split"] == "training"
    assert browser.find("#photo-answers table") == []


@pytest.mark.parametrize(("size", "scheme"), [(WIDE, "light"), (PHONE, "dark")])
def test_axe_core_finds_no_fault_in_it(
    size: tuple[int, int], scheme: str, browser: Browser, full: str
) -> None:
    browser.open(full, size=size, scheme=scheme, state="#gallery?photo=daisy%2F3.jpg")
    assert opened(browser)

    assert faults(browser) == []


def test_on_a_phone_it_scrolls_down_but_not_sideways(browser: Browser, full: str) -> None:
    browser.open(full, size=PHONE, state="#gallery?photo=daisy%2F3.jpg")

    wide = browser.js("document.getElementById('photo').scrollWidth")
    assert wide <= browser.js("document.getElementById('photo').clientWidth") <= PHONE[0]


def test_names_in_it_are_text(browser: Browser, hostile: str) -> None:
    browser.open(hostile, state=ALL)

    open_card(browser, 0)

    assert browser.one("#photo-title").text == HOSTILE[0]
    assert facts(browser)["Credit"] == HOSTILE[1]
    assert browser.js("document.querySelectorAll('img:not([src^=\"data:\"])').length") == 0
    assert browser.driver.get_log("browser") == []
