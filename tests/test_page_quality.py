"""The page's section on the photos, in a browser: what it shows, and the file that ticks make."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import report_folder
from browser import Browser

from transfer_learning.quality.findings import Findings
from transfer_learning.reports.html import quality
from transfer_learning.sources import corrections
from transfer_learning.sources.source import Photo

SECTION = "document.getElementById('quality')"
# The text of the file that the button would save, without a folder to save it in.
SAVED = """
let saved;
const create = URL.createObjectURL;
URL.createObjectURL = (blob) => { saved = blob; return create(blob); };
HTMLAnchorElement.prototype.click = function () { window.savedAs = this.download; };
document.querySelector("#ticked button").click();
return saved.text();
"""


def text(browser: Browser) -> str:
    return browser.js(f"{SECTION}.innerText")


def boxes(browser: Browser, photo: str) -> list[str]:
    """The state of each box of a photo, by what it asks for."""
    return browser.js(
        f"[...{SECTION}.querySelectorAll('input')].filter((box) => box.dataset.id === '{photo}')"
        ".map((box) => `${box.dataset.action} ${box.dataset.label} ${box.checked}`)"
    )


def tick(browser: Browser, photo: str, action: str) -> None:
    browser.js(
        f"[...{SECTION}.querySelectorAll('input')].find((box) => box.dataset.id === '{photo}'"
        f" && box.dataset.action === '{action}').click()"
    )


def saved(browser: Browser) -> str:
    return browser.driver.execute_script(SAVED)


def test_every_finding_is_shown(browser: Browser, plain: str) -> None:
    browser.open(plain)

    shown = text(browser)
    for words in (
        "the same picture, mirrored; a leak",
        "labelled daisy (5 %), looks like roses (90 %)",
        "1.62 times as far as usual",
        "blurred",
        "photos are nearly grey",
        "fewer than 50 photos: roses (3).",
        "gave 1 photo another label",
        "kept 2 photos of 1 group of copies together, for which 1 photo moved",
    ):
        assert words in shown
    pictures = browser.js(
        f"[...{SECTION}.querySelectorAll('img')].filter((image) => image.naturalWidth > 0).length"
    )
    assert pictures == 2 + 3 + 1 + 1


def test_ticks_are_saved_as_exclude_csv_with_the_lines_in_force(
    browser: Browser, plain: str, tmp_path: Path
) -> None:
    browser.open(plain)
    # Photo 0 is in a pair and an outlier: its boxes agree.
    tick(browser, "daisy/0.jpg", "exclude")
    tick(browser, "daisy/2.jpg", "exclude")
    tick(browser, "daisy/2.jpg", "relabel")
    tick(browser, "daisy/1.jpg", "exclude")
    tick(browser, "daisy/1.jpg", "exclude")

    written = saved(browser)

    assert browser.js("window.savedAs") == "exclude.csv"
    assert boxes(browser, "daisy/0.jpg") == ["exclude  true"] * 2
    assert boxes(browser, "daisy/2.jpg") == ["exclude  false", "relabel roses true"]
    assert list(csv.reader(io.StringIO(written))) == [
        corrections.HEADER,
        ["tulips/7.jpg", "relabel", "tulips", 'a "reason"'],
        ["daisy/0.jpg", "exclude", "", "the same picture, mirrored as daisy/1.jpg"],
        ["daisy/2.jpg", "relabel", "roses", "suspect label"],
    ]
    # And it is such a file.
    (tmp_path / "exclude.csv").write_text(written, encoding="utf-8")
    rows = corrections.read(tmp_path / "exclude.csv")
    photos = [Photo("tulips/7.jpg", 0), Photo("daisy/0.jpg", 0), Photo("daisy/2.jpg", 0)]
    found = corrections.apply(rows, photos, report_folder.CLASSES)
    assert [item.action for item in found.values()] == ["relabel", "exclude", "relabel"]


def test_hostile_names_are_text_in_the_page_and_in_the_file(browser: Browser, hostile: str) -> None:
    browser.open(hostile)
    browser.js(f"{SECTION}.querySelector('input').click()")

    rows = list(csv.reader(io.StringIO(saved(browser))))

    assert rows[0] == corrections.HEADER
    assert rows[-1][0] == "<script>alert(1)</script>/0.jpg"
    assert browser.js(f"{SECTION}.querySelectorAll('script').length") == 0


def test_the_section_without_findings_says_so(tmp_path: Path) -> None:
    found = report_folder.findings(report_folder.build(tmp_path).data)
    none = Findings(**(vars(found) | dict.fromkeys(("pairs", "suspects", "outliers", "odd"), ())))

    section = quality.section(none, {})

    assert [part.rows for part in section.parts] == [[], [], [], []]
    assert section.ids == []
    assert section.size == 0
