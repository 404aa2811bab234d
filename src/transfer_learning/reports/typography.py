"""The words in figures: their sizes in pixels, and as much of them as fits.

A screen of 400 px shows a figure of WIDTH at 0.58 of its size: TEXT then looks like 9 px.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from PIL import ImageFont

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


def fitted(text: str, width: float, *, size: int = TEXT) -> str:
    """Return the text on one line, with its end cut to "…" where it is wider than ``width``."""
    text = " ".join(text.split())
    if font(size).getlength(text) <= width:
        return text
    while text and font(size).getlength(text + "…") > width:
        text = text[:-1]
    return text.rstrip() + "…"


def wrapped(text: str, width: float, *, size: int = TEXT) -> list[str]:
    """Return the text in lines no wider than ``width``, broken between words."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if font(size).getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(fitted(word, width, size=size))
    return [line for line in lines if line]
