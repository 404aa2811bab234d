"""The grids of photos: the right photos with the right words, nothing cut or covered."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from imports import SRC
from PIL import Image, ImageDraw

from transfer_learning.evaluation.predictions import Prediction
from transfer_learning.reports import photo_grids
from transfer_learning.reports.photo_grids import BLACK, BLUE, PHOTO, RED

# Levels of those that a photo keeps.
GREEN, NAVY = (25, 123, 41), (0, 0, 132)
Draw = Callable[[Path], None]
Box = tuple[float, float, float, float]


class Words(NamedTuple):
    """A line that was drawn: its text, colour, and box (left, top, right, bottom) in pixels."""

    text: str
    colour: str
    box: Box


@pytest.fixture
def words(monkeypatch: pytest.MonkeyPatch) -> list[Words]:
    """Collect the lines that are drawn, top to bottom."""
    collected: list[Words] = []
    original = ImageDraw.ImageDraw.text

    def text(self: ImageDraw.ImageDraw, xy: Any, line: str, fill: str, font: Any) -> None:
        collected.append(Words(line, fill, self.textbbox(xy, line, font=font)))
        original(self, xy, line, fill=fill, font=font)

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", text)
    return collected


def class_names(count: int) -> list[str]:
    """Return long names, with characters that mean something to other programs."""
    return [f"Ωδή <b>${n}_x$ Common Water-Hyacinth" for n in range(count)]


def png(image: Image.Image) -> bytes:
    encoded = io.BytesIO()
    image.save(encoded, "PNG")
    return encoded.getvalue()


def thumbnail(colour: tuple[int, int, int] = GREEN) -> bytes:
    return png(Image.new("RGB", (PHOTO, PHOTO), colour))


def prediction(photo: str, true: str, predicted: str, probability: float = 0.5) -> Prediction:
    rest = (1 - probability) / 2
    return Prediction(photo, true, predicted, (rest, probability, rest))


def some_predictions(classes: list[str], count: int, *, shift: int = 0) -> list[Prediction]:
    """Return predictions of which every third is wrong, by a class that depends on ``shift``."""
    size = len(classes)
    return [
        prediction(f"{n}", classes[n % size], classes[(n + (n % 3 == shift)) % size])
        for n in range(count)
    ]


def drawings(classes: int, count: int, backbones: int = 2) -> dict[str, Draw]:
    names = class_names(classes)
    predictions = some_predictions(names, count)
    thumbnails = {item.id: thumbnail() for item in predictions}
    by_backbone = {
        f"a_backbone_with_a_long_name_that_goes_on_and_on_number_{n}": some_predictions(
            names, count, shift=n
        )
        for n in range(backbones)
    }
    # The longest note of a real run: it must be seen whole.
    title = "efficientnet_lite2: test photos, a long title that needs two lines (synthetic photos)"
    return {
        "examples": lambda path: photo_grids.examples(
            path, list(thumbnails.values()), [item.true for item in predictions], title=title
        ),
        "predictions": lambda path: photo_grids.prediction_grid(
            path, predictions, thumbnails, title=title
        ),
        "most_wrong": lambda path: photo_grids.most_wrong(
            path, predictions, thumbnails, title=title
        ),
        "disagreements": lambda path: photo_grids.disagreements(
            path, by_backbone, thumbnails, title=title
        ),
    }


KINDS = list(drawings(2, 1))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [1, 7])
def test_a_grid_drawn_twice_has_equal_bytes(kind: str, count: int, tmp_path: Path) -> None:
    first, second = tmp_path / "new" / "a.png", tmp_path / "b.png"

    drawings(2, count)[kind](first)
    drawings(2, count)[kind](second)

    with Image.open(first) as picture:
        assert (picture.format, picture.info) == ("PNG", {})
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("classes", "count", "backbones"), [(2, 1, 1), (2, 30, 2), (20, 30, 4), (20, 30, 9)]
)
def test_words_cover_no_words_and_no_photo_and_stay_on_the_page(
    kind: str, classes: int, count: int, backbones: int, tmp_path: Path, words: list[Words]
) -> None:
    drawings(classes, count, backbones)[kind](tmp_path / "grid.png")

    page = np.asarray(Image.open(tmp_path / "grid.png"))
    green = (page == GREEN).all(axis=2)
    for line in words:
        left, top, right, bottom = map(round, line.box)
        assert min(left, top) >= 0, line
        assert right <= page.shape[1] and bottom <= page.shape[0], line
        assert not green[top:bottom, left:right].any(), line
    boxes = [line.box for line in words]
    assert not [(a, b) for i, a in enumerate(boxes) for b in boxes[:i] if _overlap(a, b)]
    assert "(synthetic photos)" in " ".join(line.text for line in words)


@pytest.mark.parametrize(
    ("kind", "shown"),
    [("examples", 14), ("predictions", 14), ("most_wrong", 5), ("disagreements", 10)],
)
def test_every_chosen_photo_is_shown_whole(kind: str, shown: int, tmp_path: Path) -> None:
    # Of photos 0 to 13 every third is wrong, from 0 with one backbone, from 1 with the other.
    drawings(5, 14)[kind](tmp_path / "grid.png")

    page = np.asarray(Image.open(tmp_path / "grid.png"))
    assert (page == GREEN).all(axis=2).sum() == shown * PHOTO**2


def test_a_photo_keeps_few_levels_from_black_to_white(tmp_path: Path) -> None:
    ramp = Image.linear_gradient("L").resize((PHOTO, PHOTO)).convert("RGB")

    photo_grids.examples(tmp_path / "grid.png", [png(ramp)], ["ramp"], title="")

    page = np.asarray(Image.open(tmp_path / "grid.png"))
    photo = page[16 : 16 + PHOTO, 8 : 8 + PHOTO]
    assert len(np.unique(photo)) == 32
    assert np.abs(photo - np.asarray(ramp).astype(float)).max() <= 4
    assert (page[0, 0] == 255).all()


@pytest.mark.parametrize("size", [(60, 20), (20, 60)])
def test_wide_and_tall_photos_are_shown_whole(size: tuple[int, int], tmp_path: Path) -> None:
    photo = Image.new("RGB", size, GREEN)

    photo_grids.examples(tmp_path / "grid.png", [png(photo)], ["whole"], title="")

    rows, columns = np.nonzero((np.asarray(Image.open(tmp_path / "grid.png")) == GREEN).all(axis=2))
    extents = np.ptp(columns) + 1, np.ptp(rows) + 1
    longer, shorter = (extents[size.index(pick(size))] for pick in (max, min))
    assert longer == PHOTO
    assert abs(shorter - PHOTO / 3) <= 1


def test_right_predictions_are_blue_ticks_and_wrong_ones_red_crosses(
    tmp_path: Path, words: list[Words]
) -> None:
    predictions = [prediction("a", "daisy", "daisy"), prediction("b", "tulip", "rose")]
    thumbnails = {"a": thumbnail(GREEN), "b": thumbnail(NAVY)}

    photo_grids.prediction_grid(tmp_path / "grid.png", predictions, thumbnails, title="")

    assert [(line.text, line.colour) for line in words] == [
        ("✓ daisy", BLUE),
        ("✗ rose", RED),
        ("(tulip)", RED),
    ]
    page = np.asarray(Image.open(tmp_path / "grid.png"))
    for line, colour in zip(words, (GREEN, NAVY), strict=False):
        # The photo ends above its first line.
        assert tuple(page[round(line.box[1]) - 10, round(line.box[0])]) == colour


def test_the_most_confident_of_the_wrong_come_first(tmp_path: Path, words: list[Words]) -> None:
    predictions = [
        prediction("a", "daisy", "daisy", 0.99),
        prediction("b", "tulip", "rose", 0.6),
        prediction("d", "daisy", "tulip", 0.8),
        prediction("c", "tulip", "daisy", 0.8),
    ]
    thumbnails = {item.id: thumbnail() for item in predictions}

    photo_grids.most_wrong(tmp_path / "grid.png", predictions, thumbnails, title="")

    # Of equally sure ones the first by id comes first.
    assert [(line.text, line.colour) for line in words] == [
        ("Wrong on 3 of 4 photos.", BLACK),
        ("✗ daisy", RED),
        ("80 % confident", RED),
        ("true: tulip", BLACK),
        ("✗ tulip", RED),
        ("80 % confident", RED),
        ("true: daisy", BLACK),
        ("✗ rose", RED),
        ("60 % confident", RED),
        ("true: tulip", BLACK),
    ]


@pytest.mark.parametrize("kind", ["most_wrong", "disagreements"])
def test_no_more_than_twelve_photos_are_shown(kind: str, tmp_path: Path) -> None:
    drawings(5, 60)[kind](tmp_path / "grid.png")

    page = np.asarray(Image.open(tmp_path / "grid.png"))
    assert (page == GREEN).all(axis=2).sum() == 12 * PHOTO**2


def test_disagreements_say_what_each_backbone_predicts(tmp_path: Path, words: list[Words]) -> None:
    predictions = {
        "first": [
            prediction("a", "daisy", "daisy", 0.9),
            prediction("b", "daisy", "rose", 0.7),
            prediction("c", "rose", "tulip", 0.8),
        ],
        # In another order: photos are matched by id.
        "second": [
            prediction("c", "rose", "rose", 0.85),
            prediction("b", "daisy", "tulip", 0.95),
            prediction("a", "daisy", "daisy", 0.9),
        ],
    }
    thumbnails = {photo: thumbnail() for photo in "abc"}

    photo_grids.disagreements(tmp_path / "grid.png", predictions, thumbnails, title="")

    # The least confident prediction is more confident on c (0.8) than on b (0.7).
    assert [(line.text, line.colour) for line in words] == [
        ("The backbones disagree on 2 of 3 photos.", BLACK),
        ("A first: right on 0 of these", BLACK),
        ("B second: right on 1 of these", BLACK),
        ("true: rose", BLACK),
        ("A ✗ 80 % tulip", RED),
        ("B ✓ 85 % rose", BLUE),
        ("true: daisy", BLACK),
        ("A ✗ 70 % rose", RED),
        ("B ✗ 95 % tulip", RED),
    ]


@pytest.mark.parametrize("backbones", [1, 3])
def test_backbones_that_agree_and_are_right_leave_a_sentence(
    backbones: int, tmp_path: Path, words: list[Words]
) -> None:
    predictions = [prediction("a", "daisy", "daisy"), prediction("b", "rose", "rose")]
    thumbnails = {"a": thumbnail(), "b": thumbnail()}
    by_backbone = dict.fromkeys(map(str, range(backbones)), predictions)

    photo_grids.most_wrong(tmp_path / "wrong.png", predictions, thumbnails, title="")
    photo_grids.disagreements(tmp_path / "other.png", by_backbone, thumbnails, title="")

    assert [line.text for line in words] == [
        "Wrong on 0 of 2 photos.",
        "The backbones disagree on 0 of 2 photos.",
    ]


def test_drawing_a_grid_starts_no_matplotlib(tmp_path: Path) -> None:
    script = (
        "import io, sys; from pathlib import Path; from PIL import Image\n"
        "photo = io.BytesIO(); Image.new('RGB', (9, 9)).save(photo, 'PNG')\n"
        "from transfer_learning.reports import photo_grids\n"
        "photo_grids.examples(Path(sys.argv[1]), [photo.getvalue()], ['a'], title='b')\n"
        "sys.exit('matplotlib' in sys.modules)"
    )

    path = tmp_path / "grid.png"
    done = subprocess.run(
        [sys.executable, "-c", script, path], env={"PYTHONPATH": str(SRC)}, check=False
    )

    assert (done.returncode, path.exists()) == (0, True)


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
