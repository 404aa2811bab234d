"""The page's gallery in headless Chromium: how photos are filtered, sorted and addressed."""

from __future__ import annotations

import pytest
from browser import WIDE, Browser
from rendered_pages import shown, status
from selenium.webdriver.support.wait import WebDriverWait


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
