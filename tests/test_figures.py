"""The figures: equal bytes, readable titles, pictures that show."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from PIL import Image

from transfer_learning import figures
from transfer_learning.tables import Prediction

HISTORY = {
    "epoch": [1.0, 2.0],
    "accuracy": [0.5, 0.75],
    "val_accuracy": [0.5, 0.625],
    "loss": [1.5, 0.5],
    "val_loss": [1.25, 1.0],
}
GREEN = (20, 120, 40)
Draw = Callable[[Path], None]


def class_names(count: int) -> list[str]:
    """Return long names, with characters that mean something to matplotlib."""
    return [f"Common Wamms_{n:02d} at ${n}_x$ or \\alpha" for n in range(count)]


def some_predictions(classes: list[str], count: int) -> list[Prediction]:
    """Return predictions of which every third is wrong."""
    size = len(classes)
    return [
        Prediction(f"{n}.jpg", classes[n % size], classes[(n + (n % 3 == 0)) % size], ())
        for n in range(count)
    ]


def photos(count: int) -> list[Image.Image]:
    """Return plain photos, wide and tall ones in turn."""
    return [Image.new("RGB", (30, 20) if n % 2 else (20, 30), GREEN) for n in range(count)]


def drawings(classes: int, count: int) -> dict[str, Draw]:
    names = class_names(classes)
    predictions = some_predictions(names, count)
    pictures = photos(count)
    labels = [item.true for item in predictions]
    # The longest note of a real run: it must be seen whole.
    title = "efficientnet_lite2: test photos (synthetic photos)"
    return {
        "curves": lambda path: figures.curves(path, HISTORY, title=title),
        "grid": lambda path: figures.prediction_grid(path, pictures, predictions, title=title),
        "examples": lambda path: figures.examples(path, pictures, labels, title=title),
        "confusion": lambda path: figures.confusion(path, predictions, names, title=title),
    }


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """Collect the figures that are saved."""
    collected: list[Figure] = []
    save = figures._save

    def collect(figure: Figure, path: Path, **options: int) -> None:
        save(figure, path, **options)
        FigureCanvasAgg(figure).draw()
        collected.append(figure)

    monkeypatch.setattr(figures, "_save", collect)
    return collected


@pytest.fixture
def grids(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], list[str]]]:
    """Collect the titles and colours of grids, and draw none."""
    collected: list[tuple[list[str], list[str]]] = []

    def collect(path: Path, images: Any, titles: Any, colours: Any, **_: Any) -> None:
        collected.append((list(titles), list(colours)))

    monkeypatch.setattr(figures, "_grid", collect)
    return collected


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ["curves", "grid", "examples", "confusion"])
@pytest.mark.parametrize(("classes", "count"), [(2, 1), (2, 30), (20, 7)])
def test_a_figure_drawn_twice_has_equal_bytes(
    name: str, classes: int, count: int, tmp_path: Path
) -> None:
    first, second = tmp_path / "new" / "a.png", tmp_path / "b.png"

    drawings(classes, count)[name](first)
    drawings(classes, count)[name](second)

    with Image.open(first) as picture:
        picture.load()
        assert picture.format == "PNG"
        assert "Software" not in picture.info
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("name", ["curves", "grid", "examples", "confusion"])
def test_the_users_matplotlib_settings_change_no_figure(name: str, tmp_path: Path) -> None:
    draw = drawings(2, 3)[name]

    draw(tmp_path / "a.png")
    settings = {"font.family": "serif", "font.size": 15, "axes.facecolor": "black"}
    with matplotlib.rc_context(settings):
        draw(tmp_path / "b.png")

    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_right_predictions_are_blue_ticks_and_wrong_ones_red_crosses(
    grids: list[tuple[list[str], list[str]]],
) -> None:
    predictions = [
        Prediction("a.jpg", "daisy", "daisy", ()),
        Prediction("b.jpg", "tulip", "rose", ()),
    ]

    figures.prediction_grid(Path("unused.png"), photos(2), predictions, title="")

    assert grids == [(["✓ daisy", "✗ rose (tulip)"], ["#1f5fbf", "#c62828"])]


def test_titles_stand_above_their_own_photo(tmp_path: Path, drawn: list[Figure]) -> None:
    predictions = [
        Prediction("a.jpg", "daisy", "daisy", ()),
        Prediction("b.jpg", "tulip", "rose", ()),
    ]
    pictures = [Image.new("RGB", (9, 9), "navy"), Image.new("RGB", (9, 9), "olive")]

    figures.prediction_grid(tmp_path / "grid.png", pictures, predictions, title="")

    shown = {
        axes.get_title(): tuple(axes.images[0].get_array()[100, 100])
        for axes in drawn[0].axes
        if axes.images
    }
    assert shown == {"✓ daisy": (0, 0, 128), "✗ rose (tulip)": (128, 128, 0)}


@pytest.mark.parametrize("name", ["grid", "examples"])
@pytest.mark.parametrize("count", [1, 7])
def test_a_grid_shows_every_picture(name: str, count: int, tmp_path: Path) -> None:
    path = tmp_path / "grid.png"

    drawings(2, count)[name](path)

    pixels = np.asarray(Image.open(path).convert("RGB"))
    green = (pixels == GREEN).all(axis=2).sum()
    # A picture is at least 1.4 inches wide and high at 110 pixels each.
    assert green > count * 150 * 150


@pytest.mark.parametrize("name", ["grid", "examples"])
@pytest.mark.parametrize("classes", [2, 20])
def test_titles_of_long_names_neither_overlap_nor_leave_the_figure(
    name: str, classes: int, tmp_path: Path, drawn: list[Figure]
) -> None:
    drawings(classes, 12)[name](tmp_path / "grid.png")

    titles = [axes.title.get_window_extent() for axes in drawn[0].axes if axes.get_title()]
    assert len(titles) == 12
    assert all(_within(drawn[0], box) for box in titles)
    assert not [(a, b) for i, a in enumerate(titles) for b in titles[:i] if a.overlaps(b)]


@pytest.mark.parametrize("name", ["curves", "grid", "examples", "confusion"])
def test_the_title_is_seen_whole(name: str, tmp_path: Path, drawn: list[Figure]) -> None:
    drawings(2, 6)[name](tmp_path / "figure.png")

    (title,) = [text for text in drawn[0].findobj(Text) if "(synthetic photos)" in text.get_text()]
    assert _within(drawn[0], title.get_window_extent())


@pytest.mark.parametrize("classes", [2, 20])
def test_names_beside_the_confusion_matrix_are_seen_whole(
    classes: int, tmp_path: Path, drawn: list[Figure]
) -> None:
    drawings(classes, 40)["confusion"](tmp_path / "confusion.png")

    axes = drawn[0].axes[0]
    labels = [*axes.get_xticklabels(), *axes.get_yticklabels()]
    assert len(labels) == 2 * classes
    assert all(_within(drawn[0], label.get_window_extent()) for label in labels)
    rows = [label.get_window_extent() for label in axes.get_yticklabels()]
    assert not [(a, b) for i, a in enumerate(rows) for b in rows[:i] if a.overlaps(b)]


def test_the_confusion_matrix_counts_true_by_row_and_predicted_by_column(
    tmp_path: Path, drawn: list[Figure]
) -> None:
    predictions = [Prediction("", "rose", "daisy", ())] * 3 + [Prediction("", "rose", "rose", ())]

    figures.confusion(tmp_path / "confusion.png", predictions, ["daisy", "rose"], title="")

    axes = drawn[0].axes[0]
    counts = {text.get_position(): text.get_text() for text in axes.texts}
    # Positions are (column, row); a count of 0 is left out.
    assert counts == {(0, 1): "3", (1, 1): "1"}
    np.testing.assert_allclose(axes.images[0].get_array(), [[0, 0], [0.75, 0.25]])
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted", "true")


def test_a_dollar_sign_in_a_name_is_no_mathematics(tmp_path: Path, drawn: list[Figure]) -> None:
    figures.examples(tmp_path / "examples.png", photos(1), ["$x_1$ rose"], title="")

    title = drawn[0].axes[0].title
    plain = Text(0, 0, "x", fontproperties=title.get_fontproperties(), parse_math=False)
    plain.set_figure(drawn[0])
    plain.set_text("$x_1$ rose")
    assert title.get_window_extent().width == pytest.approx(plain.get_window_extent().width)


def test_curves_show_training_and_validation_over_whole_epochs(
    tmp_path: Path, drawn: list[Figure]
) -> None:
    figures.curves(tmp_path / "curves.png", HISTORY, title="")

    lines = {
        (axes.get_ylabel(), line.get_label()): list(line.get_ydata())
        for axes in drawn[0].axes
        for line in axes.lines
    }
    assert lines == {
        ("accuracy", "training"): [0.5, 0.75],
        ("accuracy", "validation"): [0.5, 0.625],
        ("loss", "training"): [1.5, 0.5],
        ("loss", "validation"): [1.25, 1.0],
    }
    ticks = drawn[0].axes[0].get_xticks()
    assert all(tick == round(tick) for tick in ticks)


def _within(figure: Figure, box: Bbox) -> bool:
    page = figure.bbox
    return bool(box.x0 >= page.x0 and box.x1 <= page.x1 and box.y0 >= 0 and box.y1 <= page.y1)
