"""The charts across backbones show the numbers that were given, one backbone unlike another."""

from __future__ import annotations

from pathlib import Path

from chart_samples import class_scores, drawings, sure
from matplotlib.figure import Figure

from transfer_learning.reports.charts import across
from transfer_learning.reports.classes import WORST


def test_the_comparison_shows_accuracy_interval_and_cost(
    tmp_path: Path, drawn: list[Figure]
) -> None:
    across.comparison(
        tmp_path / "comparison.png",
        ["small", "large"],
        accuracy=[0.91, 0.96],
        intervals=[(0.838, 0.952), (0.902, 0.984)],
        multiply_adds=[300_774_272, 1_490_000_000],
        title="",
    )

    left, right = drawn[0].axes
    drawn_lines = [(line.get_xdata()[0], line.get_xdata()[-1]) for line in left.lines]
    assert drawn_lines == [(0.838, 0.952), (0.91, 0.91), (0.902, 0.984), (0.96, 0.96)]
    assert [text.get_text() for text in left.texts] == [
        "small",
        "91.0 % (83.8 to 95.2)",
        "large",
        "96.0 % (90.2 to 98.4)",
    ]
    assert [bar.get_width() for bar in right.patches] == [300_774_272, 1_490_000_000]
    assert [text.get_text() for text in right.texts] == ["301 million", "1.49 billion"]
    # The first backbone stands above the second.
    assert left.get_ylim()[0] > left.get_ylim()[1]


def test_each_class_has_a_bar_for_each_backbone_and_the_worst_class_is_first(
    tmp_path: Path, drawn: list[Figure]
) -> None:
    f1 = {
        name: class_scores(["daisy", "rose", "tulip"], [7, 9, 0], values)
        for name, values in {"one": [0.9, 0.5, 0.0], "two": [0.8, 0.75, 0.0]}.items()
    }

    across.per_class(tmp_path / "f1.png", f1, title="")

    axes = drawn[0].axes[0]
    labels = [text.get_text() for text in axes.get_yticklabels()]
    assert labels == ["rose (9)", "daisy (7)", "tulip (0)"]
    bars = {
        container.get_label(): [bar.get_width() for bar in container]
        for container in axes.containers
    }
    assert bars == {"one": [0.5, 0.9, 0.0], "two": [0.75, 0.8, 0.0]}
    assert [text.get_text() for text in axes.texts] == [
        *("0.50", "0.90", "– (no test photos)"),
        *("0.75", "0.80", "– (no test photos)"),
    ]
    # The first row and in it the first backbone are above the next.
    one, two = (container[0].get_y() for container in axes.containers)
    assert one < two and axes.get_ylim()[0] > axes.get_ylim()[1]


def test_without_colours_six_backbones_still_look_different(
    tmp_path: Path, drawn: list[Figure]
) -> None:
    drawings(2, 6)["abstain"](tmp_path / "abstain.png")
    drawings(2, 6)["per_class"](tmp_path / "per_class.png")

    lines = drawn[0].axes[0].lines
    assert len({(line.get_linestyle(), line.get_marker()) for line in lines}) == 6
    assert len({line.get_color() for line in lines}) == 6
    assert len({bars[0].get_hatch() for bars in drawn[1].axes[0].containers}) == 6


def test_the_abstain_curve_starts_where_a_tenth_is_kept(
    tmp_path: Path, drawn: list[Figure]
) -> None:
    predictions = sure(*[(1 - n / 100, n != 0) for n in range(40)])

    across.abstain(tmp_path / "abstain.png", {"one": predictions}, title="")

    (line,) = drawn[0].axes[0].lines
    assert (line.get_xdata()[0], line.get_ydata()[0]) == (0.1, 0.75)
    assert (line.get_xdata()[-1], line.get_ydata()[-1]) == (1.0, 39 / 40)
    # Accuracies above 100 % are not offered.
    assert drawn[0].axes[0].get_ylim()[1] < 1.05


def test_of_many_classes_the_worst_have_bars_and_all_are_in_the_curves(
    tmp_path: Path, drawn: list[Figure]
) -> None:
    values = [(7 * n % 50) / 50 for n in range(50)]
    scores = class_scores([f"class {n}" for n in range(50)], [0, *[9] * 49], values)

    across.per_class(tmp_path / "f1.png", {"one": scores}, title="")

    bars, curves = drawn[0].axes
    assert [bar.get_width() for bar in bars.patches] == sorted(values)[1 : WORST + 1]
    assert bars.get_title("left") == "the 20 lowest of 50 classes (test photos)"
    (line,) = curves.lines
    # The first class, of F1 0, has no test photos.
    assert list(line.get_ydata()) == sorted(values)[1:]
