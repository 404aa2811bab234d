"""Pages of ``report_folder``, and what the browser shows of them."""

from __future__ import annotations

from pathlib import Path

import report_folder
from browser import Browser
from report_folder import Inputs

from transfer_learning.photos.dataset import Rejected
from transfer_learning.reports.html import page

VERDICT = "small has an accuracy of 62.5 %; there is no other to compare."
HOSTILE = (
    "<script>alert(1)</script>",
    "</style></title><img src=https://example.com/x onerror=alert(1)>",
    "\"quoted\" & 'single' {{ 7 * 7 }} #?&=%20+",
)


# On a map of 2 × 2 parts; large has no maps.
LOOKING = {"small": lambda asked: dict.fromkeys(asked, "0369")}


def render(inputs: Inputs) -> str:
    return page.html(
        inputs.params,
        inputs.data,
        inputs.comparison,
        inputs.pictures,
        inputs.neighbours,
        LOOKING,
        inputs.quality,
        reports=inputs.reports,
    )


def shown(browser: Browser) -> list[int]:
    """Return the numbers of the photos in the gallery, in its order."""
    names = browser.js(
        "[...document.querySelectorAll('#photos li')]"
        ".map((item) => item.querySelector('.file').textContent)"
    )
    return [int(name.rsplit("/", 1)[1].split(".")[0]) for name in names]


def status(browser: Browser) -> str:
    return browser.one("[role=status]").text


def plain(folder: Path) -> str:
    return render(report_folder.build(folder))


def synthetic(folder: Path) -> str:
    return render(report_folder.build(folder, source="rendered", verdict=VERDICT))


def hostile(folder: Path) -> str:
    """Every text that comes from elsewhere wants to be run."""
    text = HOSTILE[0]
    inputs = report_folder.build(
        folder,
        classes=HOSTILE,
        suffix=".jpg",
        rejected=(Rejected(text, text),),
        about={text: text},
        credits={f"{text}/0.jpg": HOSTILE[1]},
        verdict=text,
    )
    return render(inputs)


def full(folder: Path) -> str:
    """Everything that a page can have, with long names."""
    inputs = report_folder.build(
        folder,
        classes=("daisy", "Rudbeckia_hirta_with_a_very_long_name_in_one_word", "sweet alyssum"),
        backbones=("small", "large", "a_backbone_with_a_rather_long_name_v2"),
        source="rendered",
        rejected=(Rejected("daisy/" + 80 * "x" + ".jpg", "image file is truncated"),),
        about={"citation": "@ONLINE {flowers,\n  url = {https://" + 90 * "x" + "}\n}"},
        warnings=("only 8 test photos, so chance moves an accuracy by 35 points or so",) * 2,
        credits={"daisy/0.jpg": "A. Photographer, CC BY 2.0, " + 60 * "y"},
    )
    return render(inputs)
