"""The page's gallery in headless Chromium: how photos are filtered, sorted, paged and addressed."""

from __future__ import annotations

import csv
import io
import time
from dataclasses import replace
from pathlib import Path

import pytest
import report_folder
from browser import PHONE, WIDE, Browser
from rendered_pages import HOSTILE, render, shown, status
from selenium.webdriver.support.wait import WebDriverWait

ALL = "#gallery?result=any"
PER_PAGE = 42


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> str:
    """400 test photos; of every eight, two of four daisies are wrong, and a tulip."""
    return render(report_folder.build(tmp_path_factory.mktemp("many"), copies=50))


def settled(browser: Browser, condition: str) -> None:
    WebDriverWait(browser.driver, 10).until(lambda _: browser.js(condition))


def test_the_gallery_begins_with_the_wrong_photos_the_most_confident_first(
    browser: Browser, plain: str
) -> None:
    browser.open(plain)

    assert shown(browser) == [3, 2, 7]
    assert status(browser) == "3 of 8 photos"
    assert browser.state() == ""


def test_where_no_photo_is_wrong_it_begins_with_all(browser: Browser, tmp_path: Path) -> None:
    inputs = report_folder.build(tmp_path, backbones=("small",))
    file = inputs.reports / "small/predictions.csv"
    rows = [line.split(",") for line in file.read_text().splitlines()]
    file.write_text("\n".join(",".join([a, b, b, *rest]) for a, b, _, *rest in rows))

    browser.open(render(inputs))

    assert shown(browser) == [0, 1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    ("choices", "expected"),
    [
        ({}, [0, 1, 2, 3, 4, 5, 6, 7]),
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
        ({"order": "most confident first"}, [3, 0, 4, 5, 6, 1, 2, 7]),
        ({"order": "least confident first", "backbone": "large"}, [3, 6, 2, 1, 4, 7, 5, 0]),
        ({"order": "most confident first", "result": "wrong"}, [3, 2, 7]),
    ],
)
def test_the_gallery_filters_and_sorts(
    choices: dict[str, str], expected: list[int], browser: Browser, plain: str
) -> None:
    browser.open(plain, state=ALL)

    for name, text in choices.items():
        browser.choose(name, text)

    assert shown(browser) == expected
    assert status(browser) == f"{len(expected)} of 8 photos"


def test_no_match_says_so_and_offers_all(browser: Browser, plain: str) -> None:
    browser.open(plain)
    browser.choose("true", "tulips")
    browser.choose("predicted", "roses")

    none = browser.one("#none")
    assert none.is_displayed()
    assert none.text.startswith("No photo matches.")
    assert not browser.one("#download").is_enabled()
    browser.one("#none-show-all").click()

    assert shown(browser) == [0, 1, 2, 3, 4, 5, 6, 7]
    assert not browser.one("#none").is_displayed()


def test_show_all_undoes_every_filter(browser: Browser, plain: str) -> None:
    browser.open(plain)
    browser.choose("true", "daisy")

    browser.one("#show-all").click()

    assert shown(browser) == [0, 1, 2, 3, 4, 5, 6, 7]
    assert browser.state() == ALL[1:]


def test_the_state_is_in_the_address_and_comes_back_from_it(browser: Browser, plain: str) -> None:
    browser.open(plain, state=ALL)
    browser.choose("backbone", "large")
    browser.choose("true", "daisy")
    browser.choose("order", "most confident first")
    state = browser.state()

    browser.open(plain, state=f"#{state}")

    assert state == "gallery?backbone=large&true=daisy&order=confident"
    assert shown(browser) == [0, 1, 2, 3]
    assert browser.one("#gallery-heading").rect["y"] - browser.js("scrollY") < WIDE[1]


def test_an_address_that_names_no_such_class_or_page_shows_what_there_is(
    browser: Browser, plain: str
) -> None:
    browser.open(plain, state="#gallery?true=cactus&nothing=1&result=wrong&page=-7&photo=x")
    assert shown(browser) == [2, 3, 7]

    browser.open(plain, state="#gallery?result=wrong&page=99")
    assert shown(browser) == [2, 3, 7]


def test_a_page_of_photos_at_a_time(browser: Browser, many: str) -> None:
    browser.open(many, state=ALL)

    first = shown(browser)
    browser.one(".bar .on").click()
    second = shown(browser)

    assert first == list(range(PER_PAGE))
    assert second == list(range(PER_PAGE, 2 * PER_PAGE))
    assert browser.one(".bar .page").text == "Page 2 of 10"
    assert browser.state() == "gallery?page=2"
    browser.open(many, state="#gallery?page=10")
    assert shown(browser) == list(range(9 * PER_PAGE, 400))
    assert not browser.one(".bar .on").is_enabled()


def test_back_restores_page_and_filter(browser: Browser, many: str) -> None:
    browser.open(many)
    browser.choose("result", "any")
    browser.choose("order", "of the data set")
    browser.one(".bar .on").click()
    browser.choose("true", "tulips")
    assert status(browser) == "50 of 400 photos"

    browser.js("history.back()")
    settled(browser, "document.querySelector('.bar .page').textContent === 'Page 2 of 10'")
    assert shown(browser) == list(range(PER_PAGE, 2 * PER_PAGE))
    for state in ("#gallery?result=any", "#gallery?order=confident", ""):
        browser.js("history.back()")
        settled(browser, f"location.hash === '{state}'")
    settled(browser, "document.getElementById('shown').textContent === '150 of 400 photos'")


@pytest.mark.parametrize("size", [WIDE, PHONE])
def test_whoever_filters_deep_in_the_gallery_stays_in_it_and_sees_the_count(
    size: tuple[int, int], browser: Browser, many: str
) -> None:
    browser.open(many, size=size, state=ALL)
    browser.js("document.querySelectorAll('#photos li')[40].scrollIntoView()")

    # As a control that is in view only on a wide screen would do it.
    browser.choose("true", "tulips")
    browser.choose("result", "right")
    settled(browser, "document.getElementById('shown').textContent === '0 of 400 photos'")
    browser.choose("result", "wrong")

    top = browser.js("document.getElementById('photos').getBoundingClientRect().top")
    bar = browser.js("document.querySelector('.bar').getBoundingClientRect().bottom")
    count = browser.js("document.getElementById('shown').getBoundingClientRect().top")
    assert status(browser) == "50 of 400 photos"
    assert 0 <= count < bar <= top < size[1]


def test_the_last_button_of_a_page_leads_to_the_top_of_the_next(
    browser: Browser, many: str
) -> None:
    browser.open(many, state=ALL)
    button = browser.one("#pager-below .on")
    browser.js("arguments[0].scrollIntoView({block: 'center'})", button)

    button.click()

    first = browser.js("document.activeElement.closest('li').querySelector('.file').textContent")
    assert first == "daisy/42.jpg"
    assert 0 <= browser.js("document.activeElement.getBoundingClientRect().top") < WIDE[1] / 2


def test_a_number_of_the_confusion_table_leads_to_its_photos(browser: Browser, plain: str) -> None:
    browser.open(plain)

    # small: daisy taken for roses.
    link = browser.one("#details section:first-of-type [data-filter*='true=daisy&predicted=roses']")
    assert link.text == "2"
    link.click()
    WebDriverWait(browser.driver, 10).until(lambda _: status(browser) != "3 of 8 photos")

    assert shown(browser) == [2, 3]
    assert browser.driver.switch_to.active_element.get_attribute("id") == "gallery-heading"


@pytest.mark.parametrize(
    ("alt", "words", "expected"),
    [
        ("Photos on which the backbones disagree", "All 3 in the gallery", [2, 6, 7]),
        ("Confusion matrix. 5 of 8", "The wrong photos", [2, 3, 7]),
        ("Confusion matrix. 6 of 8", "The wrong photos", [3, 6]),
        ("The most confident mistakes. Of 3", "All 3 wrong photos, most", [3, 2, 7]),
    ],
)
def test_a_figure_leads_to_its_photos_from_anywhere_in_it(
    alt: str, words: str, expected: list[int], browser: Browser, plain: str
) -> None:
    browser.open(plain, state=ALL)

    image = browser.one(f"figure img[alt^='{alt}']")
    browser.js("arguments[0].scrollIntoView({block: 'center'})", image)
    link = browser.js("arguments[0].closest('figure').querySelector('a')", image)
    box = browser.js("arguments[0].getBoundingClientRect().toJSON()", image)
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    hit = browser.js("document.elementFromPoint(arguments[0], arguments[1])", *middle)

    assert hit == link
    assert link.text.startswith(words)
    browser.js("arguments[0].click()", link)
    settled(browser, f"document.getElementById('shown').textContent.startsWith('{len(expected)}')")
    assert shown(browser) == expected


def test_a_figure_without_wrong_photos_leads_nowhere(tmp_path: Path) -> None:
    inputs = report_folder.build(tmp_path, backbones=("small",))
    small = inputs.comparison.backbones["small"]
    perfect = replace(small, metrics=replace(small.metrics, right=small.metrics.photos))
    comparison = replace(inputs.comparison, backbones={"small": perfect})

    assert "The wrong photos" not in render(replace(inputs, comparison=comparison))


def downloaded(browser: Browser, folder: Path) -> bytes:
    browser.cdp("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder))
    browser.one("#download").click()
    file = folder / "photos.csv"
    end = time.monotonic() + 10
    while not file.is_file():
        assert time.monotonic() < end
        time.sleep(0.05)
    return file.read_bytes()


def test_the_list_as_filtered_can_be_saved(browser: Browser, many: str, tmp_path: Path) -> None:
    browser.open(many)
    browser.choose("true", "tulips")

    text = downloaded(browser, tmp_path).decode("utf-8-sig")

    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0] == [
        *("id", "true", "small predicted", "small probability"),
        *("large predicted", "large probability"),
    ]
    # All of them, not the page that is shown.
    assert len(rows) == 51
    assert rows[1] == ["tulips/7.jpg", "tulips", "daisy", "0.500", "tulips", "0.900"]


def test_a_spreadsheet_takes_no_name_in_the_list_for_a_formula(
    browser: Browser, tmp_path: Path
) -> None:
    classes = ('=HYPERLINK("https://example.com","x")', "@SUM(1)", "-1, +2")
    browser.open(render(report_folder.build(tmp_path, classes=classes)), state=ALL)

    text = downloaded(browser, tmp_path).decode("utf-8-sig")

    rows = list(csv.reader(io.StringIO(text)))[1:]
    assert len(rows) == 8
    assert rows[0][1] == f"'{classes[0]}"
    assert not [cell for row in rows for cell in row if cell[:1] in ("=", "@", "-", "+")]


def test_hostile_names_are_whole_in_the_list(
    browser: Browser, hostile: str, tmp_path: Path
) -> None:
    browser.open(hostile, state=ALL)

    rows = list(csv.reader(io.StringIO(downloaded(browser, tmp_path).decode("utf-8-sig"))))

    assert {row[1] for row in rows[1:]} == set(HOSTILE)
