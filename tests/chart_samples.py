"""Every chart of made-up numbers, and the words that are seen in one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from transfer_learning.evaluation.calibration import Bin
from transfer_learning.evaluation.predictions import ClassScore, Prediction
from transfer_learning.heads.history import Epoch
from transfer_learning.heads.strengths import Strength
from transfer_learning.reports.charts import across, backbone, confusion

HISTORY = [Epoch(1, 0.5, 0.5, 1.5, 1.25), Epoch(2, 0.75, 0.625, 0.5, 1.0)]
LONG = [
    Epoch(epoch, *[float(value)] * 4)
    for epoch, value in enumerate(np.linspace(0.005, 1, 200), start=1)
]
STRENGTHS = [
    Strength(float(f"{10 ** (5 - step / 4):.3g}"), 0.9, 0.8, 0.5, 0.6 + step / 100, step == 8)
    for step in range(21)
]
BINS = [Bin(0.4, 0.6, 1, 0.5, 1.0), Bin(0.8, 1.0, 4, 0.9, 0.75)]
Draw = Callable[[Path], None]


def class_names(count: int) -> list[str]:
    """Return long names, with characters that mean something to matplotlib."""
    return [f"Ωδή_{n:02d} <b>${n}_x$ or \\alpha & on" for n in range(count)]


def class_scores(
    names: Sequence[str], photos: Sequence[int], f1: Sequence[float]
) -> list[ClassScore]:
    return [
        ClassScore(name, count, *([value if count else None] * 3))
        for name, count, value in zip(names, photos, f1, strict=True)
    ]


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
        "curves": lambda path: backbone.curves(
            path, HISTORY if classes == 2 else LONG, title=title
        ),
        "strength_path": lambda path: backbone.strength_path(
            path, STRENGTHS[8:10] if classes == 2 else STRENGTHS, title=title
        ),
        "confusion": lambda path: confusion.draw(path, predictions, names, title=title),
        "reliability": lambda path: backbone.reliability(
            path,
            {"as trained, ECE 0.123": BINS, "temperature 10.00, ECE 0.123": BINS},
            title=title,
        ),
        "comparison": lambda path: across.comparison(
            path,
            rows,
            accuracy=[1.0] * backbones,
            intervals=[(0.9, 1.0)] * backbones,
            multiply_adds=[123_456_789 * 10**n for n in range(backbones)],
            title=title,
        ),
        "per_class": lambda path: across.per_class(
            path,
            dict.fromkeys(
                rows,
                class_scores(names, [0, *[99_999] * (classes - 1)], [0.0, *[1.0] * (classes - 1)]),
            ),
            title=title,
        ),
        "abstain": lambda path: across.abstain(path, dict.fromkeys(rows, predictions), title=title),
    }


def sure(*confidences_and_right: tuple[float, bool]) -> list[Prediction]:
    return [
        Prediction(str(number), "a", "a" if right else "b", (1 - confidence, confidence))
        for number, (confidence, right) in enumerate(confidences_and_right)
    ]


def words(figure: Figure) -> list[tuple[Text, Bbox]]:
    """Return the texts that are seen, with their boxes in pixels."""
    axes = [axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)]
    ticks = [tick for axis in axes for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks())]
    of_ticks = {id(text) for tick in ticks for text in (tick.label1, tick.label2)}
    texts = [text for text in figure.findobj(Text) if id(text) not in of_ticks]
    texts += [text for axis in axes for text in tick_labels(axis)]
    return [
        (text, text.get_window_extent()) for text in texts if text.get_text() and text.get_visible()
    ]


def tick_labels(axis: Axis) -> list[Text]:
    """Return those that lie on the axis: matplotlib keeps more than it draws."""
    low, high = sorted(axis.get_view_interval())
    return [tick.label1 for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
