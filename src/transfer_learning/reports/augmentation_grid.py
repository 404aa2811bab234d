"""``reports/T/augmentation.png``: training photos, and what epochs make of them."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from transfer_learning.reports.photo_grids import LEVELS
from transfer_learning.reports.typography import (
    BLACK,
    GAP,
    LEADING,
    TEXT,
    TITLE,
    WIDTH,
    fitted,
    font,
    wrapped,
)

ROWS, COLUMNS = 5, 8
SIDE = (WIDTH - (COLUMNS + 1) * GAP) // COLUMNS
LINE = round(TEXT * LEADING)


def draw(path: Path, rows: Mapping[str, Sequence[np.ndarray]], *, title: str) -> None:
    """Draw a row of versions for each photo, its label above, and each column's epoch.

    Args:
        path: of the PNG file.
        rows: by label, uint8 [R, R, 3] of the epochs from 1 on.
        title: above all.
    """
    head = wrapped(title, WIDTH - 2 * GAP, size=TITLE)
    top = 2 * GAP + len(head) * round(TITLE * LEADING)
    height = LINE + SIDE + GAP
    page = Image.new("RGB", (WIDTH, top + LINE + height * len(rows)), "white")
    pen = ImageDraw.Draw(page)
    for number, line in enumerate(head):
        place = (GAP, GAP + number * round(TITLE * LEADING))
        pen.text(place, line, fill=BLACK, font=font(TITLE))
    for column in range(COLUMNS):
        pen.text((_left(column), top), f"epoch {column + 1}", fill=BLACK, font=font())
    for row, (label, versions) in enumerate(rows.items()):
        y = top + LINE + row * height
        pen.text((GAP, y), fitted(label, WIDTH - 2 * GAP), fill=BLACK, font=font())
        for column, pixels in enumerate(versions):
            photo = Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.BOX)
            page.paste(photo.point(LEVELS), (_left(column), y + LINE))
    path.parent.mkdir(parents=True, exist_ok=True)
    page.save(path, compress_type=zlib.Z_RLE)


def _left(column: int) -> int:
    return GAP + column * (SIDE + GAP)
