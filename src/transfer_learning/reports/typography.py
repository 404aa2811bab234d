"""The words in figures: their sizes in pixels, and as much of them as fits.

A screen of 400 px shows a figure of WIDTH at 0.58 of its size: TEXT then looks like 9 px.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from transfer_learning.reports import scripts

WIDTH, GAP = 688, 8
SMALL, TEXT, TITLE = 13, 15, 18
LEADING = 1.25
BLACK = "#1a1a1a"


@lru_cache
def font(size: int = TEXT) -> ImageFont.FreeTypeFont:
    """Return DejaVu Sans, which comes with matplotlib, in a size in pixels."""
    # Importing matplotlib would take longer than drawing a figure without it.
    package = find_spec("matplotlib")
    assert package is not None and package.origin is not None
    file = Path(package.origin).parent / "mpl-data/fonts/ttf/DejaVuSans.ttf"
    # The other layout engine loads a library of the machine, so bytes could differ.
    return ImageFont.truetype(str(file), size, layout_engine=ImageFont.Layout.BASIC)


def length(text: str, size: int = TEXT) -> float:
    """Return the width of the text in pixels."""
    return font(size).getlength(text) if scripts.plain(text) else scripts.length(text, size)


def write(
    page: Image.Image, place: tuple[int, int], text: str, *, size: int = TEXT, colour: str = BLACK
) -> None:
    """Write a line of text with its upper left corner at a place in pixels."""
    if scripts.plain(text):
        ImageDraw.Draw(page).text(place, text, fill=colour, font=font(size))
    else:
        baseline = place[1] + font(size).getmetrics()[0]
        scripts.draw(page, (place[0], baseline), text, size=size, colour=colour)


def fitted(text: str, width: float, *, size: int = TEXT) -> str:
    """Return the text on one line, with its end cut to "…" where it is wider than ``width``."""
    # Names of files on macOS have their accents apart.
    text = unicodedata.normalize("NFC", " ".join(text.split()))
    if length(text, size) <= width:
        return text
    while text and length(text + "…", size) > width:
        text = text[:-1]
    return text.rstrip() + "…"


def wrapped(text: str, width: float, *, size: int = TEXT) -> list[str]:
    """Return the text in lines no wider than ``width``, broken between words."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if length(longer, size) <= width:
            lines[-1] = longer
        else:
            lines.append(fitted(word, width, size=size))
    return [line for line in lines if line]
