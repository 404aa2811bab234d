"""The page in headless Chromium is for everyone, asks no network, and runs no text of names."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import report_folder
from browser import PHONE, WIDE, Browser
from rendered_pages import HOSTILE, render, shown, status
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select

# Violations of these are faults: WCAG 2 at levels A and AA, and what axe-core calls good practice.
RULES = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}


def faults(browser: Browser) -> list[tuple[str, str]]:
    """Return what axe-core finds wrong: a rule, and the first element that breaks it."""
    axe = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    browser.driver.execute_script(axe)
    result = browser.driver.execute_async_script(
        "axe.run(document, {runOnly: arguments[0]}).then(arguments[1])", RULES
    )
    assert "color-contrast" in {item["id"] for item in result["passes"]}
    return [(item["id"], item["nodes"][0]["html"]) for item in result["violations"]]


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
    browser.press(Keys.UP)

    assert shown(browser) == [0, 4, 5, 6, 1]
    assert "solid 3px" in outline
    browser.press(Keys.TAB, Keys.TAB, Keys.TAB, Keys.ENTER)
    assert status(browser) == "8 of 8 photos"


@pytest.mark.parametrize("size", [WIDE, PHONE])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_core_finds_no_fault(
    size: tuple[int, int], scheme: str, browser: Browser, full: str
) -> None:
    browser.open(full, size=size, scheme=scheme, state="#gallery?result=wrong")

    assert faults(browser) == []


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


def test_of_twenty_classes_the_row_names_stay_and_the_column_names_stand_upright(
    browser: Browser, tmp_path: Path
) -> None:
    classes = [f"class_{number:02d}_of_the_garden" for number in range(20)]
    browser.open(render(report_folder.build(tmp_path, classes=classes)), size=PHONE)
    box = "document.querySelector('.confusion').parentElement"

    assert browser.js(f"{box}.scrollWidth > {box}.clientWidth")
    browser.js(f"{box}.scrollLeft = 400")
    places = browser.js(
        "[...document.querySelectorAll('.confusion')[0].querySelectorAll('tbody th')].map("
        "(name) => name.getBoundingClientRect().left - "
        f"{box}.getBoundingClientRect().left)"
    )
    header = browser.one(".confusion .upright")

    assert len(places) == 20 and set(places) == {0}
    assert header.rect["height"] > 100 > 3 * header.rect["width"] / 2


def test_a_phone_shows_every_measure_and_pair_without_scrolling(
    browser: Browser, full: str
) -> None:
    browser.open(full, size=PHONE)

    cells = browser.js(
        "[...document.querySelectorAll('.stacked tbody :is(th, td)')].map((cell) => {"
        "const box = cell.getBoundingClientRect();"
        "return [cell.textContent, box.left, box.right, cell.scrollWidth - cell.clientWidth]; })"
    )
    labels = browser.js(
        "[...document.querySelectorAll('.measures tbody td:not(.words)')].map((cell) => "
        "getComputedStyle(cell, '::before').content)"
    )

    assert len(cells) > 60
    assert [cell for cell in cells if cell[1] < 0 or cell[2] > PHONE[0] or cell[3] > 0] == []
    # With places to break at.
    labels = [label.replace("\u200b", "") for label in labels]
    assert set(labels) == {'"small"', '"large"', '"a_backbone_with_a_rather_long_name_v2"'}


def test_the_words_in_figures_stay_readable_on_a_phone_by_keyboard_too(
    browser: Browser, full: str
) -> None:
    browser.open(full, size=PHONE)

    shrunk = browser.js(
        "[...document.querySelectorAll('.picture img')].map((image) => "
        "image.getBoundingClientRect().width / 688)"
    )
    stops = browser.js("[...document.querySelectorAll('.picture')].map((box) => box.tabIndex)")
    # Words of 15 px.
    assert 15 * min(shrunk) > 11
    assert set(stops) == {0}

    browser.open(full)
    assert browser.js("document.querySelectorAll('.picture[tabindex=\"0\"]').length") == 0


def test_names_break_at_their_joints_and_are_laid_out_by_themselves(
    browser: Browser, tmp_path: Path
) -> None:
    inputs = report_folder.build(
        tmp_path, classes=("ורד (2024)", "sweet_alyssum", "tulips"), backbones=("net_v2-lite",)
    )
    html = render(inputs)

    assert "<bdi>ורד (2024)</bdi>" in html
    assert "<bdi>sweet_<wbr>alyssum</bdi>" in html
    assert "<bdi>net_<wbr>v2-<wbr>lite</bdi>" in html


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


def test_without_scripts_tables_and_figures_are_there_and_a_line_says_what_is_not(
    browser: Browser, plain: str
) -> None:
    browser.open(plain, scripts=False)

    assert len(browser.find(".measures tr")) > 10
    assert all(item.is_displayed() for item in browser.find("table, figure img"))
    assert (
        "The gallery and the map are drawn by this page’s own script"
        in browser.one("#gallery").text
    )
    for part in ("form", ".bar", "#none", ".pager", "dialog", "canvas"):
        assert not any(item.is_displayed() for item in browser.find(part)), part


def options(browser: Browser, name: str) -> Sequence[str]:
    return [item.text for item in Select(browser.one(f"select[name={name}]")).options]


def test_text_from_names_is_shown_and_never_run(browser: Browser, hostile: str) -> None:
    browser.open(hostile)

    assert options(browser, "true") == ["any", *HOSTILE]
    assert browser.one(".verdict").text == HOSTILE[0]
    assert browser.one("#data dl").text.split("\n") == [HOSTILE[0], HOSTILE[0]]
    assert browser.js("document.scripts.length") == 2
    assert browser.js("document.querySelectorAll('img:not([src^=\"data:\"])').length") == 0
    assert browser.driver.get_log("browser") == []


@pytest.mark.parametrize("number", [0, 1, 2])
def test_any_class_name_is_found_again_from_the_address(
    number: int, browser: Browser, hostile: str
) -> None:
    browser.open(hostile, state="#gallery?result=any")
    browser.choose("true", HOSTILE[number])
    shown, state = len(browser.find("#photos li")), browser.state()

    browser.open(hostile, state=f"#{state}")

    assert shown == [4, 3, 1][number]
    assert len(browser.find("#photos li")) == shown
