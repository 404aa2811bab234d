"""The map of the photos in headless Chromium: by pointer, by keyboard, and on a phone."""

from __future__ import annotations

from pathlib import Path

import pytest
import report_folder
from browser import PHONE, WIDE, Browser
from rendered_pages import HOSTILE, render
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select
from test_page_detail import facts, opened

# Test photo n of eight lies at (125 n, 125 n) of 1,000 steps, training photo n at (100 n, 0).
STEPS, MARGIN = 1000, 14


def at(browser: Browser, x: int, y: int) -> ActionChains:
    """Point at a place of the map."""
    canvas = browser.one("#map-canvas")
    browser.js("arguments[0].scrollIntoView({block: 'center'})", canvas)
    side = canvas.size["width"]
    scale = (side - 2 * MARGIN) / STEPS
    # From the middle of the canvas, downwards.
    right, down = MARGIN + x * scale - side / 2, side / 2 - MARGIN - y * scale
    return ActionChains(browser.driver).move_to_element_with_offset(canvas, right, down)


def shown(browser: Browser) -> list[str]:
    return browser.one("#map-shown").text.split("\n")


def drawn(browser: Browser) -> int:
    """The number of pixels of the map that are not empty."""
    return browser.js(
        "(() => { const c = document.getElementById('map-canvas');"
        "const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        "return d.filter((v, i) => i % 4 === 3 && v > 0).length; })()"
    )


@pytest.mark.parametrize("size", [WIDE, PHONE])
def test_a_pointer_shows_a_photo_and_a_click_opens_it(
    size: tuple[int, int], browser: Browser, plain: str
) -> None:
    browser.open(plain, size=size)

    at(browser, 375, 375).perform()
    assert shown(browser)[0] == "daisy"
    assert "95.0 %" in browser.one("#map-shown .wrong").text
    assert shown(browser)[-1] == "test: daisy/3.jpg"
    assert browser.one("#map-shown img").size["width"] > 50
    at(browser, 300, 0).perform()
    assert shown(browser) == ["daisy", "training: train/3.jpg"]
    at(browser, 875, 875).click().perform()

    assert opened(browser)
    assert facts(browser)["File"] == "tulips/7.jpg"


def test_arrows_move_to_the_next_photo_and_enter_opens_it(browser: Browser, plain: str) -> None:
    browser.open(plain, state="#gallery?result=any")
    browser.js("document.getElementById('map-canvas').focus()")

    # It begins with the first photo of the gallery's list.
    assert shown(browser)[-1] == "test: daisy/0.jpg"
    browser.press(Keys.ARROW_UP)
    assert shown(browser)[-1] == "test: daisy/1.jpg"
    browser.press(Keys.ARROW_UP, Keys.ARROW_RIGHT)
    assert shown(browser)[-1] == "test: daisy/3.jpg"
    browser.press(Keys.ENTER)
    assert facts(browser)["File"] == "daisy/3.jpg"
    browser.press(Keys.ESCAPE)

    assert browser.js("document.activeElement.id") == "map-canvas"


def test_it_is_drawn_and_rings_the_wrong_photos_of_the_chosen_backbone(
    browser: Browser, plain: str
) -> None:
    browser.open(plain)
    small = drawn(browser)

    browser.choose("backbone", "large")

    # Three photos of small are wrong, and two of large.
    assert small > drawn(browser) > 0


def test_a_class_can_be_picked_out(browser: Browser, plain: str) -> None:
    browser.open(plain)
    before = browser.js("document.getElementById('map-canvas').toDataURL()")

    Select(browser.one("#map-class")).select_by_visible_text("roses")

    assert browser.js("document.getElementById('map-canvas').toDataURL()") != before


def test_every_class_of_20_has_a_mark_of_its_own(browser: Browser, tmp_path: Path) -> None:
    classes = [f"class {n}" for n in range(20)]
    browser.open(render(report_folder.build(tmp_path, classes=classes)))

    marks = [
        (item.get_attribute("d"), item.get_attribute("fill"))
        for item in browser.find("#map-legend path")
    ]
    assert len(set(marks)) == 20
    assert [item.text for item in browser.find("#map-legend li")] == classes


def test_names_on_the_map_are_text(browser: Browser, hostile: str) -> None:
    browser.open(hostile)
    browser.js("document.getElementById('map-canvas').focus()")

    assert shown(browser)[0] in HOSTILE
    assert browser.driver.get_log("browser") == []
