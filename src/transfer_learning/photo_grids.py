"""The figures made of photos, as PNG files whose bytes depend on nothing but what is drawn.

Pillow alone draws them: it pastes photos many times faster than matplotlib, which stages that
draw no chart need not start.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, ImageOps

from transfer_learning.tables import Prediction

BLACK, BLUE, RED = "#1a1a1a", "#1f5fbf", "#c62828"
# Five photos of a thumbnail's size side by side: on a screen of 400 px, 15 px look like 9.
PHOTO, GAP = 128, 8
WIDTH = 5 * PHOTO + 6 * GAP
TEXT, TITLE, LEADING = 15, 18, 1.25
# PNG packs photos badly and git keeps each version, so the photos get by with a palette.
COLOURS = 256
MOST = 12

Line = tuple[str, str]


@dataclass(frozen=True)
class Cell:
    """A photo and the lines (text, colour) that go with it, each cut to fit."""

    photo: Image.Image
    lines: Sequence[Line]


def prediction_grid(
    path: Path, predictions: Sequence[Prediction], thumbnails: Mapping[str, bytes], *, title: str
) -> None:
    """Draw photos with their prediction: blue ✓ where right, else red ✗ "Predicted (Actual)".

    ``thumbnails`` holds encoded images by photo id; ``predictions`` are drawn in their order.
    """
    cells = [
        Cell(
            _decode(thumbnails[item.id]),
            [(f"✓ {item.predicted}", BLUE)]
            if item.right
            else [(f"✗ {item.predicted}", RED), (f"({item.true})", RED)],
        )
        for item in predictions
    ]
    _grid(path, cells, title=title, columns=5)


def examples(
    path: Path, images: Sequence[Image.Image], names: Sequence[str], *, title: str
) -> None:
    """Draw example photos with their labels."""
    cells = [Cell(image, [(name, BLACK)]) for image, name in zip(images, names, strict=True)]
    _grid(path, cells, title=title, columns=5)


def most_wrong(
    path: Path, predictions: Sequence[Prediction], thumbnails: Mapping[str, bytes], *, title: str
) -> None:
    """Draw up to 12 wrongly predicted photos, the surest first, with the prediction's probability.

    ``predictions`` are all of them; the ones to draw are chosen here.
    """
    wrong = sorted(
        (item for item in predictions if not item.right),
        key=lambda item: (-max(item.probabilities), item.id),
    )
    cells = [
        Cell(
            _decode(thumbnails[item.id]),
            [
                (f"✗ {item.predicted}", RED),
                (f"{max(item.probabilities):.0%} sure", RED),
                (f"true: {item.true}", BLACK),
            ],
        )
        for item in wrong[:MOST]
    ]
    note = f"{len(wrong)} of {len(predictions)} test photos are predicted wrongly"
    _grid(path, cells, title=title, columns=4, notes=[note])


def disagreements(
    path: Path,
    predictions: Mapping[str, Sequence[Prediction]],
    thumbnails: Mapping[str, bytes],
    *,
    title: str,
) -> None:
    """Draw up to 12 photos that not all backbones predict alike, with each one's prediction.

    ``predictions`` holds by backbone those of the same photos. The photos come first on which
    the least sure backbone is the surest.
    """
    by_id = {name: {item.id: item for item in items} for name, items in predictions.items()}
    photos = [[items[photo] for items in by_id.values()] for photo in next(iter(by_id.values()))]
    differing = sorted(
        (items for items in photos if len({item.predicted for item in items}) > 1),
        key=lambda items: (-min(max(item.probabilities) for item in items), items[0].id),
    )
    cells = [
        Cell(
            _decode(thumbnails[items[0].id]),
            [
                (f"true: {items[0].true}", BLACK),
                *(
                    (
                        f"{letter} {'✓' if item.right else '✗'} "
                        f"{max(item.probabilities):.0%} {item.predicted}",
                        BLUE if item.right else RED,
                    )
                    for letter, item in zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", items, strict=False)
                ),
            ],
        )
        for items in differing[:MOST]
    ]
    notes = [f"the backbones disagree on {len(differing)} of {len(photos)} test photos"]
    notes += [
        f"{letter}: {name}, right on {sum(items[row].right for items in differing)} of these"
        for row, (letter, name) in enumerate(
            zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", predictions, strict=False)
        )
    ]
    _grid(path, cells, title=title, columns=2, notes=notes, beside=True)


def _grid(
    path: Path,
    cells: Sequence[Cell],
    *,
    title: str,
    columns: int,
    notes: Sequence[str] = (),
    beside: bool = False,
) -> None:
    """Draw the cells in rows under a title and notes, the words under or beside their photo."""
    line = round(TEXT * LEADING)
    width = (WIDTH - (columns + 1) * GAP) // columns
    indent = PHOTO + GAP if beside else 0
    head = [(part, TITLE) for part in _wrapped(title, TITLE)]
    head += [(part, TEXT) for note in notes for part in _wrapped(note, TEXT)]
    rows = [cells[start : start + columns] for start in range(0, len(cells), columns)]
    heights = [
        GAP
        + (
            max(PHOTO, line * max(len(cell.lines) for cell in row))
            if beside
            else PHOTO + line * max(len(cell.lines) for cell in row)
        )
        for row in rows
    ]
    top = GAP + sum(round(size * LEADING) for _, size in head)
    page = Image.new("RGB", (WIDTH, top + GAP + sum(heights)), "white")
    draw = ImageDraw.Draw(page)
    y = GAP
    for part, size in head:
        draw.text((GAP, y), part, fill=BLACK, font=_font(size))
        y += round(size * LEADING)
    y += GAP
    for row, height in zip(rows, heights, strict=True):
        for column, cell in enumerate(row):
            x = GAP + column * (width + GAP)
            page.paste(ImageOps.fit(cell.photo, (PHOTO, PHOTO)), (x, y))
            for number, (text, colour) in enumerate(cell.lines):
                draw.text(
                    (x + indent, y + number * line + (0 if beside else PHOTO)),
                    _fitted(text, width - indent),
                    fill=colour,
                    font=_font(TEXT),
                )
        y += height
    path.parent.mkdir(parents=True, exist_ok=True)
    page.quantize(COLOURS).save(path, optimize=True)


def _fitted(text: str, width: float, size: int = TEXT) -> str:
    """Return the text, cut to the width in pixels."""
    text = " ".join(text.split())
    if _font(size).getlength(text) <= width:
        return text
    while text and _font(size).getlength(text + "…") > width:
        text = text[:-1]
    return text + "…"


def _wrapped(text: str, size: int) -> list[str]:
    """Return the text in lines that fit the page."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if _font(size).getlength(longer) <= WIDTH - 2 * GAP:
            lines[-1] = longer
        else:
            lines.append(_fitted(word, WIDTH - 2 * GAP, size))
    return [line for line in lines if line]


@lru_cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    # The font comes with matplotlib, whose import would take longer than the drawing.
    package = find_spec("matplotlib")
    assert package is not None and package.origin is not None
    file = Path(package.origin).parent / "mpl-data/fonts/ttf/DejaVuSans.ttf"
    # The other layout engine loads a library of the machine: its bytes would differ.
    return ImageFont.truetype(str(file), size, layout_engine=ImageFont.Layout.BASIC)


def _decode(encoded: bytes) -> Image.Image:
    return Image.open(io.BytesIO(encoded)).convert("RGB")
