"""The charts of one backbone show the numbers that were given."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from chart_samples import BINS, HISTORY, STRENGTHS, drawings, tick_labels
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text

from transfer_learning.evaluation.calibration import Bin
from transfer_learning.evaluation.predictions import Prediction
from transfer_learning.reports.charts import backbone, confusion, drawing


def test_slanted_names_are_a_line_apart(tmp_path: Path, drawn: list[Figure]) -> None:
    drawings(20)["confusion"](tmp_path / "confusion.png")

    labels = drawn[0].axes[0].get_xticklabels()
    places = [label.get_transform().transform(label.get_position())[0] for label in labels]
    (height,) = {round(label.get_fontsize() * drawing.DPI / 72) for label in labels}
    assert {label.get_rotation() for label in labels} == {45}
    assert np.diff(places).min() * np.sqrt(0.5) > height * 1.2


def test_a_dollar_sign_in_a_name_is_no_mathematics(tmp_path: Path, drawn: list[Figure]) -> None:
    confusion.draw(tmp_path / "confusion.png", [], ["$x_1$ rose"], title="$1$")

    (label,) = drawn[0].axes[0].get_yticklabels()
    plain = Text(0, 0, "$x_1$ rose", fontproperties=label.get_fontproperties(), parse_math=False)
    plain.set_figure(drawn[0])
    assert label.get_window_extent().width == pytest.approx(plain.get_window_extent().width)


def test_curves_show_training_and_validation_over_whole_epochs(
    tmp_path: Path, drawn: list[Figure]
) -> None:
    backbone.curves(tmp_path / "curves.png", HISTORY, title="")

    lines = {
        (axes.get_title("left"), line.get_label()): list(line.get_ydata())
        for axes in drawn[0].axes
        for line in axes.lines
    }
    assert lines == {
        ("accuracy", "training"): [0.5, 0.75],
        ("accuracy", "validation"): [0.5, 0.625],
        ("loss", "training"): [1.5, 0.5],
        ("loss", "validation"): [1.25, 1.0],
    }
    assert [text.get_text() for text in tick_labels(drawn[0].axes[0].xaxis)] == ["1", "2"]


def test_a_path_of_strengths_marks_the_chosen_and_ends_with_the_weakest(
    tmp_path: Path, drawn: list[Figure]
) -> None:
    backbone.strength_path(tmp_path / "curves.png", STRENGTHS, title="")

    _, loss = drawn[0].axes
    lines = {line.get_label(): line for line in loss.lines}
    assert list(lines) == ["training", "validation", "chosen: 1000"]
    assert list(lines["validation"].get_ydata()) == [item.val_loss for item in STRENGTHS]
    assert list(lines["chosen: 1000"].get_xdata()) == [1000, 1000]
    left, right = loss.get_xlim()
    assert left > 100_000 and right < 1
    labels = {text.get_position()[0]: text.get_text() for text in tick_labels(loss.xaxis)}
    # Which powers of ten they are is matplotlib's choice.
    assert len(labels) == 3
    assert list(labels.values()) == [f"{place:.0f}" for place in labels]


def test_a_single_epoch_is_marked(tmp_path: Path, drawn: list[Figure]) -> None:
    backbone.curves(tmp_path / "curves.png", HISTORY[:1], title="")

    assert [text.get_text() for text in tick_labels(drawn[0].axes[0].xaxis)] == ["1"]
    assert [line.get_marker() for line in drawn[0].axes[0].lines] == ["o", "s"]


def test_the_confusion_matrix_has_true_classes_in_rows_and_percentages_of_them(
    tmp_path: Path, drawn: list[Figure]
) -> None:
    predictions = [Prediction("", "rose", "daisy", ())] * 3 + [Prediction("", "rose", "rose", ())]

    confusion.draw(tmp_path / "confusion.png", predictions, ["daisy", "rose"], title="")

    axes = drawn[0].axes[0]
    cells = {text.get_position(): text.get_text() for text in axes.texts}
    # Positions are (column, row); a count of 0 is left out, and "daisy" has no photos.
    assert cells == {(0, 1): "3\n75 %", (1, 1): "1\n25 %"}
    np.testing.assert_allclose(axes.images[0].get_array(), [[0, 0], [0.75, 0.25]])
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted", "true")
    assert [text.get_text() for text in axes.get_yticklabels()] == ["daisy", "rose"]


def test_of_many_classes_the_most_frequent_mistakes_are_shown_with_their_part_of_the_matrix(
    tmp_path: Path, drawn: list[Figure]
) -> None:
    classes = [f"c{n:02d}" for n in range(41)]
    pairs = [*[("c40", "c07")] * 3, ("c40", "c40"), *[("c07", "c20")] * 2, ("c01", "c01")]
    # Many more kinds of mistake than are shown, each once.
    pairs += [("c30", name) for name in classes if name != "c30"]

    confusion.draw(
        tmp_path / "confusion.png", [Prediction("", *pair, ()) for pair in pairs], classes, title=""
    )

    matrix, bars = drawn[0].axes
    assert bars.get_title("left") == "the 20 most frequent of 42 kinds of mistake (45 photos wrong)"
    names = [text.get_text() for text in bars.get_yticklabels()]
    assert names[:3] == ["c40 → c07", "c07 → c20", "c30 → c00"]
    assert [bar.get_width() for bar in bars.patches] == [3, 2, *[1] * 18]
    assert [text.get_text() for text in bars.texts][:2] == [" 3 (75 %)", " 2 (100 %)"]
    rows = [text.get_text() for text in matrix.get_yticklabels()]
    assert rows[:4] == ["c40", "c07", "c20", "c30"]
    assert [text.get_text() for text in matrix.get_xticklabels()] == [*rows, "any other"]
    cells = {text.get_position(): text.get_text() for text in matrix.texts}
    assert cells[1, 0] == "3\n75" and cells[0, 0] == "1\n25"
    # Of the 40 mistakes with c30, those with the 14 other classes shown have cells of their own.
    assert cells[len(rows), rows.index("c30")].startswith("26\n")


def test_many_classes_without_a_mistake_are_drawn(tmp_path: Path, drawn: list[Figure]) -> None:
    classes = [f"c{n:02d}" for n in range(41)]
    right = [Prediction("", name, name, ()) for name in classes]

    confusion.draw(tmp_path / "confusion.png", right, classes, title="")

    matrix, bars = drawn[0].axes
    assert bars.get_title("left") == "no test photo is predicted wrongly"
    assert len(matrix.texts) == len(matrix.get_yticklabels())


def test_reliability_shows_each_bins_gap_from_the_diagonal_and_its_photos(
    tmp_path: Path, drawn: list[Figure]
) -> None:
    after = [Bin(0.6, 0.8, 5, 0.75, 0.8)]

    backbone.reliability(tmp_path / "reliability.png", {"before": BINS, "after": after}, title="")

    first, histogram, second, _ = drawn[0].axes
    assert (first.get_title("left"), second.get_title("left")) == ("before", "after")
    gaps, dots = first.collections
    (_, (_, up)), (_, (_, down)) = gaps.get_segments()
    assert (up, down) == (1, 0.75)
    np.testing.assert_allclose([gap[0] for gap in gaps.get_segments()], [[0.5, 0.5], [0.9, 0.9]])
    np.testing.assert_allclose(dots.get_offsets(), [[0.5, 1], [0.9, 0.75]])
    assert dots.get_sizes()[1] > dots.get_sizes()[0]
    bars = [(bar.get_x(), bar.get_width(), bar.get_height()) for bar in histogram.patches]
    np.testing.assert_allclose(bars, [(0.4, 0.2, 1), (0.8, 0.2, 4)])
    np.testing.assert_allclose(second.collections[1].get_offsets(), [[0.75, 0.8]])


def test_a_bin_of_few_photos_is_pale_and_both_panels_have_one_colour(
    tmp_path: Path, drawn: list[Figure]
) -> None:
    bins = [Bin(0.4, 0.5, 9, 0.45, 0.5), Bin(0.5, 0.6, 10, 0.55, 0.5)]

    backbone.reliability(tmp_path / "reliability.png", {"a": bins, "b": bins}, title="")

    for axes in (drawn[0].axes[0], drawn[0].axes[2]):
        few, enough = axes.collections[1].get_facecolor()
        assert tuple(few[:3]) == tuple(enough[:3]) == to_rgb(drawing.look(0)[2])
        assert few[3] < 0.5 and enough[3] == 1
