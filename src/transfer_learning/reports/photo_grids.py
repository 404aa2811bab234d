"""The figures made of photos, as PNG files whose bytes depend on nothing but what is drawn.

Pillow alone draws them: it pastes photos many times faster than matplotlib, which a stage that
draws no chart need not start.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageOps

from transfer_learning.evaluation.predictions import Prediction
from transfer_learning.evaluation.wording import whole_percent
from transfer_learning.photos import pixels
from transfer_learning.reports.typography import (
    BLACK,
    GAP,
    LEADING,
    TEXT,
    TITLE,
    WIDTH,
    fitted,
    wrapped,
    write,
)

BLUE, RED = "#1f5fbf", "#c62828"
# Five side by side fill the page.
PHOTO = (WIDTH - 6 * GAP) // 5
LINE = round(TEXT * LEADING)
# PNG packs photos badly and git keeps each version, so a channel gets by with 32 levels.
LEVELS = [round(round(value / 255 * 31) / 31 * 255) for value in range(256)] * 3
MOST = 12
# How many photos are drawn from the front of their split: of the test photos, as in the chapter,
# and of the training photos.
GRID, EXAMPLES = 30, 20


@dataclass(frozen=True)
class Cell:
    """A photo and the lines (text, colour) that go with it, each cut to fit."""

    photo: Image.Image
    lines: Sequence[tuple[str, str]]


def examples(path: Path, photos: Sequence[bytes], names: Sequence[str], *, title: str) -> None:
    """Draw example photos, which are encoded images, with their labels."""
    cells = [
        Cell(_decode(photo), [(name, BLACK)]) for photo, name in zip(photos, names, strict=True)
    ]
    _save(path, cells, columns=5, title=title)


def prediction_grid(
    path: Path, predictions: Sequence[Prediction], thumbnails: Mapping[str, bytes], *, title: str
) -> None:
    """Draw photos with their prediction: blue ✓ where right, else red ✗ "Predicted (Actual)".

    ``predictions`` are drawn in their order; ``thumbnails`` are encoded images by photo id.
    """
    cells = [
        Cell(
            _decode(thumbnails[item.id]),
            [_verdict(item), *([(f"({item.true})", RED)] * (not item.correct))],
        )
        for item in predictions
    ]
    _save(path, cells, columns=5, title=title)


def most_wrong(
    path: Path, predictions: Sequence[Prediction], thumbnails: Mapping[str, bytes], *, title: str
) -> None:
    """Draw the wrongly predicted photos, the most confident first and at most 12.

    ``predictions`` are all test photos'; ``thumbnails`` are encoded images by photo id.
    """
    wrong = sorted(
        (item for item in predictions if not item.correct),
        key=lambda item: (-max(item.probabilities), item.id),
    )
    cells = [
        Cell(
            _decode(thumbnails[item.id]),
            [
                _verdict(item),
                (f"{whole_percent(max(item.probabilities))} confident", RED),
                (f"true: {item.true}", BLACK),
            ],
        )
        for item in wrong[:MOST]
    ]
    note = f"Wrong on {len(wrong)} of {len(predictions)} photos."
    _save(path, cells, columns=4, title=title, notes=[note])


def disagreements(
    path: Path,
    predictions: Mapping[str, Sequence[Prediction]],
    thumbnails: Mapping[str, bytes],
    *,
    title: str,
) -> None:
    """Draw photos that the backbones predict differently, with what each says; at most 12.

    Those come first on which even the least confident backbone is confident.

    ``predictions`` holds by backbone those of the same photos; ``thumbnails`` are encoded images
    by photo id.
    """
    by_photo: dict[str, list[Prediction]] = {}
    for items in predictions.values():
        for item in items:
            by_photo.setdefault(item.id, []).append(item)
    differing = sorted(
        (items for items in by_photo.values() if len({item.predicted for item in items}) > 1),
        key=lambda items: (-min(max(item.probabilities) for item in items), items[0].id),
    )
    letters = [chr(ord("A") + row) for row in range(len(predictions))]
    cells = [
        Cell(
            _decode(thumbnails[items[0].id]),
            [
                (f"true: {items[0].true}", BLACK),
                *(
                    _verdict(item, f"{letter} ", f"{whole_percent(max(item.probabilities))} ")
                    for letter, item in zip(letters, items, strict=True)
                ),
            ],
        )
        for items in differing[:MOST]
    ]
    notes = [f"The backbones disagree on {len(differing)} of {len(by_photo)} photos."]
    for row, (letter, name) in enumerate(zip(letters, predictions, strict=True)):
        correct = sum(items[row].correct for items in differing)
        words = f"{letter} {fitted(name, 0.6 * WIDTH)}: right on {correct} of these"
        notes += [words] * bool(cells)
    _save(path, cells, columns=2, title=title, notes=notes, beside=True)


def findings(
    path: Path,
    cells: Sequence[tuple[bytes, Sequence[str]]],
    *,
    title: str,
    notes: Sequence[str],
) -> None:
    """Draw photos, which are encoded images, two in a row with their lines beside them."""
    drawn = [Cell(_decode(photo), [(line, BLACK) for line in lines]) for photo, lines in cells]
    _save(path, drawn, columns=2, title=title, notes=notes, beside=True)


def _verdict(item: Prediction, before: str = "", between: str = "") -> tuple[str, str]:
    mark, colour = ("✓", BLUE) if item.correct else ("✗", RED)
    return f"{before}{mark} {between}{item.predicted}", colour


def _save(
    path: Path,
    cells: Sequence[Cell],
    *,
    columns: int,
    title: str,
    notes: Sequence[str] = (),
    beside: bool = False,
) -> None:
    """Draw rows of photos below a title and notes, their lines under or beside them."""
    head = [(line, TITLE) for line in wrapped(title, WIDTH - 2 * GAP, size=TITLE)]
    head += [(line, TEXT) for note in notes for line in wrapped(note, WIDTH - 2 * GAP)]
    rows = [cells[start : start + columns] for start in range(0, len(cells), columns)]
    words = [LINE * max(len(cell.lines) for cell in row) for row in rows]
    heights = [GAP + (max(PHOTO, text) if beside else PHOTO + text) for text in words]
    top = 2 * GAP + sum(round(size * LEADING) for _, size in head)
    page = Image.new("RGB", (WIDTH, top + sum(heights)), "white")
    y = GAP
    for line, size in head:
        write(page, (GAP, y), line, size=size)
        y += round(size * LEADING)
    y = top
    width = (WIDTH - (columns + 1) * GAP) // columns
    right, down = (PHOTO + GAP, 0) if beside else (0, PHOTO)
    for row, height in zip(rows, heights, strict=True):
        for column, cell in enumerate(row):
            x = GAP + column * (width + GAP)
            # Whole, as the network gets it: a square of the middle would hide a third of most.
            whole = ImageOps.pad(cell.photo, (PHOTO, PHOTO), color="white")
            page.paste(whole.point(LEVELS), (x, y))
            for number, (text, colour) in enumerate(cell.lines):
                place = (x + right, y + down + number * LINE)
                write(page, place, fitted(text, width - right), colour=colour)
        y += height
    path.parent.mkdir(parents=True, exist_ok=True)
    # Runs are all that is worth looking for in photos: other ways take twenty times as long.
    page.save(path, compress_type=zlib.Z_RLE)


def _decode(encoded: bytes) -> Image.Image:
    return pixels.rgb(pixels.open_photo(encoded))
