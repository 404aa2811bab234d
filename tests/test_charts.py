"""The charts: equal bytes, words that are seen whole, the numbers that were given."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from PIL import Image

from transfer_learning.evaluation import selective
from transfer_learning.evaluation.calibration import Bin
from transfer_learning.evaluation.predictions import Prediction
from transfer_learning.reports import charts
from transfer_learning.reports.text import WIDTH

HISTORY = {
    "epoch": [1.0, 2.0],
    "accuracy": [0.5, 0.75],
    "val_accuracy": [0.5, 0.625],
    "loss": [1.5, 0.5],
    "val_loss": [1.25, 1.0],
}
LONG = {name: np.linspace(0.005, 1, 200) for name in HISTORY} | {"epoch": np.arange(1, 201)}
BINS = [Bin(0.4, 0.6, 1, 0.5, 1.0), Bin(0.8, 1.0, 4, 0.9, 0.75)]
Draw = Callable[[Path], None]


def class_names(count: int) -> list[str]:
    """Return long names, with characters that mean something to matplotlib."""
    return [f"Ωδή_{n:02d} <b>${n}_x$ or \\alpha & on" for n in range(count)]


def some_predictions(classes: list[str], count: int) -> list[Prediction]:
    """Return predictions of which every third is wrong, all unsure to a different degree."""
    size = len(classes)
    return [
        Prediction(
            f"{n}.jpg", classes[n % size], classes[(n + (n % 3 == 0)) % size], (1 - n / 1000, 0)
        )
        for n in range(count)
    ]


def drawings(classes: int, backbones: int = 2, photos: int = 100) -> dict[str, Draw]:
    names = class_names(classes)
    predictions = some_predictions(names, photos)
    long_name = "a_backbone_with_${}$_a_name_as_long_as_nobody_will_ever_give"
    rows = [long_name.format(n) for n in range(backbones)]
    # The longest note of a real run: it must be seen whole.
    title = "efficientnet_lite2: test photos, a title of more than one line (synthetic photos)"
    return {
        "curves": lambda path: charts.curves(path, HISTORY if classes == 2 else LONG, title=title),
        "confusion": lambda path: charts.confusion(path, predictions, names, title=title),
        "reliability": lambda path: charts.reliability(
            path,
            {"as trained, ECE 0.123": BINS, "temperature 10.00, ECE 0.123": BINS},
            title=title,
        ),
        "comparison": lambda path: charts.comparison(
            path,
            rows,
            accuracy=[1.0] * backbones,
            intervals=[(0.9, 1.0)] * backbones,
            multiply_adds=[123_456_789 * 10**n for n in range(backbones)],
            title=title,
        ),
        "per_class": lambda path: charts.per_class(
            path,
            names,
            [0, *[99_999] * (classes - 1)],
            {row: [0.0, *[1.0] * (classes - 1)] for row in rows},
            title=title,
        ),
        "abstain": lambda path: charts.abstain(path, dict.fromkeys(rows, predictions), title=title),
    }


CHARTS = list(drawings(2))


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """Collect the figures that are saved."""
    collected: list[Figure] = []
    save = charts._save

    def collect(figure: Figure, path: Path) -> None:
        save(figure, path)
        collected.append(figure)

    monkeypatch.setattr(charts, "_save", collect)
    return collected


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("chart", CHARTS)
@pytest.mark.parametrize(("classes", "backbones", "photos"), [(2, 1, 1), (20, 2, 100)])
def test_a_chart_drawn_twice_has_equal_bytes(
    chart: str, classes: int, backbones: int, photos: int, tmp_path: Path
) -> None:
    first, second = tmp_path / "new" / "a.png", tmp_path / "b.png"

    drawings(classes, backbones, photos)[chart](first)
    drawings(classes, backbones, photos)[chart](second)

    with Image.open(first) as picture:
        assert (picture.format, picture.info) == ("PNG", {})
    assert first.read_bytes() == second.read_bytes()
    # Git keeps each version.
    assert first.stat().st_size < 60_000


@pytest.mark.parametrize("chart", CHARTS)
def test_the_users_matplotlib_settings_change_no_chart(chart: str, tmp_path: Path) -> None:
    draw = drawings(2)[chart]

    draw(tmp_path / "a.png")
    settings = {"font.family": "serif", "font.size": 15, "axes.facecolor": "black"}
    with matplotlib.rc_context(settings):
        draw(tmp_path / "b.png")

    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


@pytest.mark.parametrize("chart", CHARTS)
@pytest.mark.parametrize(
    ("classes", "backbones", "photos"), [(2, 1, 1), (5, 2, 100), (11, 3, 500), (20, 6, 2000)]
)
def test_words_cover_no_words_and_stay_on_the_page(
    chart: str, classes: int, backbones: int, photos: int, tmp_path: Path, drawn: list[Figure]
) -> None:
    drawings(classes, backbones, photos)[chart](tmp_path / "chart.png")

    boxes = _words(drawn[0])
    page = drawn[0].bbox
    outside = [
        text
        for text, box in boxes
        if box.x0 < 0 or box.y0 < 0 or box.x1 > page.width or box.y1 > page.height
    ]
    assert not outside
    # The box of a slanted name is larger than the name; their own test is below.
    level = [(text, box) for text, box in boxes if text.get_rotation() != 45]
    assert not [
        (one.get_text(), other.get_text())
        for (one, a), (other, b) in combinations(level, 2)
        if a.overlaps(b)
    ]
    (title,) = [text.get_text() for text, _ in boxes if "(synthetic" in text.get_text()]
    assert title.split()[-1] == "photos)"


@pytest.mark.parametrize("chart", ["curves", "per_class", "abstain"])
def test_the_key_covers_no_axes(chart: str, tmp_path: Path, drawn: list[Figure]) -> None:
    drawings(2, 6)[chart](tmp_path / "chart.png")

    (key,) = drawn[0].legends
    assert not [axes for axes in drawn[0].axes if axes.bbox.overlaps(key.get_window_extent())]


@pytest.mark.parametrize("chart", CHARTS)
def test_a_chart_is_as_wide_as_a_phone_shows_well(chart: str, tmp_path: Path) -> None:
    drawings(12, 6)[chart](tmp_path / "chart.png")

    with Image.open(tmp_path / "chart.png") as picture:
        assert picture.width == WIDTH


def test_slanted_names_are_a_line_apart(tmp_path: Path, drawn: list[Figure]) -> None:
    drawings(20)["confusion"](tmp_path / "confusion.png")

    labels = drawn[0].axes[0].get_xticklabels()
    places = [label.get_transform().transform(label.get_position())[0] for label in labels]
    (height,) = {round(label.get_fontsize() * charts.DPI / 72) for label in labels}
    assert {label.get_rotation() for label in labels} == {45}
    assert np.diff(places).min() * np.sqrt(0.5) > height * 1.2


def test_a_dollar_sign_in_a_name_is_no_mathematics(tmp_path: Path, drawn: list[Figure]) -> None:
    charts.confusion(tmp_path / "confusion.png", [], ["$x_1$ rose"], title="$1$")

    (label,) = drawn[0].axes[0].get_yticklabels()
    plain = Text(0, 0, "$x_1$ rose", fontproperties=label.get_fontproperties(), parse_math=False)
    plain.set_figure(drawn[0])
    assert label.get_window_extent().width == pytest.approx(plain.get_window_extent().width)


def test_curves_show_training_and_validation_over_whole_epochs(
    tmp_path: Path, drawn: list[Figure]
) -> None:
    charts.curves(tmp_path / "curves.png", HISTORY, title="")

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
    assert [text.get_text() for text in _tick_labels(drawn[0].axes[0].xaxis)] == ["1", "2"]


def test_a_single_epoch_is_marked(tmp_path: Path, drawn: list[Figure]) -> None:
    once = {name: values[:1] for name, values in HISTORY.items()}

    charts.curves(tmp_path / "curves.png", once, title="")

    assert [text.get_text() for text in _tick_labels(drawn[0].axes[0].xaxis)] == ["1"]
    assert [line.get_marker() for line in drawn[0].axes[0].lines] == ["o", "s"]


def test_the_confusion_matrix_has_true_classes_in_rows_and_percentages_of_them(
    tmp_path: Path, drawn: list[Figure]
) -> None:
    predictions = [Prediction("", "rose", "daisy", ())] * 3 + [Prediction("", "rose", "rose", ())]

    charts.confusion(tmp_path / "confusion.png", predictions, ["daisy", "rose"], title="")

    axes = drawn[0].axes[0]
    cells = {text.get_position(): text.get_text() for text in axes.texts}
    # Positions are (column, row); a count of 0 is left out, and "daisy" has no photos.
    assert cells == {(0, 1): "3\n75 %", (1, 1): "1\n25 %"}
    np.testing.assert_allclose(axes.images[0].get_array(), [[0, 0], [0.75, 0.25]])
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted", "true")
    assert [text.get_text() for text in axes.get_yticklabels()] == ["daisy", "rose"]


def test_reliability_shows_each_bins_gap_from_the_diagonal_and_its_photos(
    tmp_path: Path, drawn: list[Figure]
) -> None:
    after = [Bin(0.6, 0.8, 5, 0.75, 0.8)]

    charts.reliability(tmp_path / "reliability.png", {"before": BINS, "after": after}, title="")

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


def test_the_comparison_shows_accuracy_interval_and_cost(
    tmp_path: Path, drawn: list[Figure]
) -> None:
    charts.comparison(
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
    f1 = {"one": [0.9, 0.5, 0.0], "two": [0.8, 0.75, 0.0]}

    charts.per_class(tmp_path / "f1.png", ["daisy", "rose", "tulip"], [7, 9, 0], f1, title="")

    axes = drawn[0].axes[0]
    labels = [text.get_text() for text in axes.get_yticklabels()]
    assert labels == ["rose (9)", "daisy (7)", "tulip (0)"]
    bars = {
        container.get_label(): [bar.get_width() for bar in container]
        for container in axes.containers
    }
    assert bars == {"one": [0.5, 0.9, 0.0], "two": [0.75, 0.8, 0.0]}
    assert [text.get_text() for text in axes.texts] == [
        *("0.50", "0.90", "no test photos"),
        *("0.75", "0.80", "no test photos"),
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


def sure(*confidences_and_right: tuple[float, bool]) -> list[Prediction]:
    return [
        Prediction(str(number), "a", "a" if right else "b", (1 - confidence, confidence))
        for number, (confidence, right) in enumerate(confidences_and_right)
    ]


def test_accuracy_of_what_is_kept_when_the_least_sure_go() -> None:
    predictions = sure((0.6, False), (0.9, True), (0.7, True), (0.8, False))

    share, accuracy = selective.kept(predictions)

    np.testing.assert_allclose(share, [0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(accuracy, [1, 1 / 2, 2 / 3, 2 / 4])


def test_equally_sure_photos_are_kept_or_go_together() -> None:
    predictions = sure((0.9, True), (0.7, True), (0.7, False), (0.9, True), (0.6, False))

    share, accuracy = selective.kept(predictions)

    np.testing.assert_allclose(share, [0.4, 0.8, 1])
    np.testing.assert_allclose(accuracy, [1, 3 / 4, 3 / 5])


def test_one_photo_is_kept_or_not() -> None:
    share, accuracy = selective.kept(sure((0.9, False)))

    assert (share.tolist(), accuracy.tolist()) == ([1.0], [0.0])


def test_the_abstain_curve_starts_where_a_tenth_is_kept(
    tmp_path: Path, drawn: list[Figure]
) -> None:
    predictions = sure(*[(1 - n / 100, n != 0) for n in range(40)])

    charts.abstain(tmp_path / "abstain.png", {"one": predictions}, title="")

    (line,) = drawn[0].axes[0].lines
    assert (line.get_xdata()[0], line.get_ydata()[0]) == (0.1, 0.75)
    assert (line.get_xdata()[-1], line.get_ydata()[-1]) == (1.0, 39 / 40)
    # Accuracies above 100 % are not offered.
    assert drawn[0].axes[0].get_ylim()[1] < 1.05


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (7, "7"),
        (1500, "1.5 thousand"),
        (300_774_272, "301 million"),
        (5_700_000_000, "5.7 billion"),
    ],
)
def test_large_numbers_are_said_in_words(number: int, words: str) -> None:
    assert charts._count(number) == words


def _words(figure: Figure) -> list[tuple[Text, Bbox]]:
    """Return the texts that are seen, with their boxes in pixels."""
    axes = [axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)]
    ticks = [tick for axis in axes for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks())]
    of_ticks = {id(text) for tick in ticks for text in (tick.label1, tick.label2)}
    texts = [text for text in figure.findobj(Text) if id(text) not in of_ticks]
    texts += [text for axis in axes for text in _tick_labels(axis)]
    return [
        (text, text.get_window_extent()) for text in texts if text.get_text() and text.get_visible()
    ]


def _tick_labels(axis: Axis) -> list[Text]:
    """Return those that lie on the axis: matplotlib keeps more than it draws."""
    low, high = sorted(axis.get_view_interval())
    return [tick.label1 for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
