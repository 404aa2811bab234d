"""The charts across backbones: accuracy and cost, F1 by class, the least confident set aside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib import style
from matplotlib.axes import Axes

from transfer_learning.evaluation.predictions import UNDEFINED, ClassScore, Prediction
from transfer_learning.evaluation.selective import kept
from transfer_learning.evaluation.wording import interval, large, percent
from transfer_learning.reports.charts import drawing
from transfer_learning.reports.classes import WORST, many, worst_first
from transfer_learning.reports.typography import GAP, SMALL, TEXT, WIDTH, fitted, length

# Of many classes' curves with what belongs to them, and of the words above the bars, in pixels.
CURVES, HEADING = 360, 26


@style.context(drawing.STYLE)
def comparison(
    path: Path,
    names: Sequence[str],
    *,
    accuracy: Sequence[float],
    intervals: Sequence[tuple[float, float]],
    multiply_adds: Sequence[int],
    title: str,
) -> None:
    """Draw each backbone's accuracy with its 95 % interval, beside its multiply-adds per photo."""
    row = 56
    figure = drawing.page(title, 90 + row * len(names))
    left = drawing.axes(figure, 16, 50, 420, row * len(names))
    right = drawing.axes(figure, 468, 50, 200, row * len(names))
    for y, (name, value, (low, high), cost) in enumerate(
        zip(names, accuracy, intervals, multiply_adds, strict=True)
    ):
        _, marker, colour = drawing.look(y)
        left.plot([low, high], [y, y], "|-", color=colour, markersize=12, linewidth=2)
        left.plot(value, y, marker, color=colour, markersize=9)
        across = left.get_yaxis_transform()
        left.text(0, y - 0.36, fitted(name, 220), va="center", transform=across)
        words = f"{percent(value)} ({interval((low, high))})"
        left.text(1, y - 0.36, words, ha="right", va="center", transform=across)
        right.barh(y, cost, 0.4, color=colour)
        right.text(0, y - 0.36, large(cost), va="center")
    for axes, words in ((left, "accuracy, 95 % interval"), (right, "multiply-adds per photo")):
        axes.set(title=words, ylim=(len(names) - 0.5, -0.7))
        axes.tick_params(left=False, labelleft=False)
        axes.spines["left"].set_visible(False)
        axes.grid(visible=False, axis="y")
    drawing.percent(left.xaxis, ticks=5)
    right.spines["bottom"].set_visible(False)
    right.tick_params(bottom=False, labelbottom=False)
    right.grid(visible=False)
    drawing.save(figure, path)


@style.context(drawing.STYLE)
def per_class(path: Path, f1: Mapping[str, Sequence[ClassScore]], *, title: str) -> None:
    """Draw each class's F1 as bars, one for each backbone; the worst class comes first.

    Of many classes, draw the worst, and below them every class's F1 as a curve.

    Args:
        path: of the PNG file.
        f1: by backbone, the scores of each class.
        title: above all.
    """
    scores = next(iter(f1.values()))
    order = worst_first(f1.values())
    below, between = (CURVES, HEADING) if many(scores) else (0, 0)
    shown = order[:WORST] if below else order
    bar, space = 15, 12
    step = bar * len(f1) + space
    height = step * len(shown)
    left = 190
    figure = drawing.page(title, 54 + below + height + between + drawing.KEY_ROW * len(f1))
    axes = drawing.axes(figure, left, 46 + below, WIDTH - left - 50, height)
    _bars(axes, f1, shown, step=step, bar=bar)
    labels = []
    for row in shown:
        count = f" ({scores[row].photos})"
        labels.append(fitted(scores[row].name, left - 20 - length(count)) + count)
    axes.set_yticks(range(len(shown)), labels, fontsize=TEXT * drawing.POINTS)
    axes.set(xlabel="F1", xlim=(0, 1), ylim=(len(shown) - 0.5, -0.5))
    axes.tick_params(left=False)
    axes.grid(visible=False, axis="y")
    drawing.key(figure, 54 + below + height + between)
    if below:
        words = f"the {WORST} lowest of {len(scores):,} classes (test photos)"
        axes.set_title(words, x=(GAP - left) / (WIDTH - left - 50))
        _curves(drawing.axes(figure, 66, 56, WIDTH - 66 - 24, below - 130), f1)
    drawing.save(figure, path)


def _bars(
    axes: Axes,
    f1: Mapping[str, Sequence[ClassScore]],
    shown: Sequence[int],
    *,
    step: int,
    bar: int,
) -> None:
    """Draw the classes of these numbers, ``step`` pixels apart, with bars of ``bar`` pixels."""
    for number, (name, scores) in enumerate(f1.items()):
        centre = np.arange(len(shown)) + (number - (len(f1) - 1) / 2) * bar / step
        axes.barh(
            centre,
            [scores[row].f1 or 0 for row in shown],
            bar / step,
            label=name,
            color=drawing.look(number)[2],
            hatch=drawing.HATCHES[number % len(drawing.HATCHES)],
            edgecolor="white",
        )
        for y, row in zip(centre, shown, strict=True):
            value = scores[row].f1
            words = f"{UNDEFINED} (no test photos)" if value is None else f"{value:.2f}"
            axes.text((value or 0) + 0.01, y, words, va="center", fontsize=SMALL * drawing.POINTS)


def _curves(axes: Axes, f1: Mapping[str, Sequence[ClassScore]]) -> None:
    """Draw by backbone the F1 of all classes that have test photos, the lowest first."""
    for number, scores in enumerate(f1.values()):
        line, _, colour = drawing.look(number)
        ranked = sorted(score.f1 for score in scores if score.f1 is not None)
        axes.plot(range(1, len(ranked) + 1), ranked, line, color=colour, linewidth=2)
    axes.set(
        title="F1 of every class with test photos, each backbone's lowest first",
        xlabel="classes",
        ylim=(0, 1.02),
    )
    axes.set_xlim(left=0)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")


@style.context(drawing.STYLE)
def abstain(path: Path, predictions: Mapping[str, Sequence[Prediction]], *, title: str) -> None:
    """Draw by backbone the accuracy on the photos kept when the least confident are set aside.

    It starts where a tenth is kept: on fewer photos, each one would swing it.
    """
    figure = drawing.page(title, 390 + drawing.KEY_ROW * len(predictions))
    axes = drawing.axes(figure, 66, 56, WIDTH - 66 - 24, 300)
    for number, (name, items) in enumerate(predictions.items()):
        line, marker, colour = drawing.look(number)
        share, accuracy = kept(items)
        share, accuracy = share[share >= 0.1], accuracy[share >= 0.1]
        every = max(1, len(share) // 5)
        axes.plot(
            share,
            accuracy,
            line,
            color=colour,
            label=name,
            linewidth=2,
            marker=marker,
            # Each a little further on, or equal curves would hide each other.
            markevery=(number % 6 * every // 6, every),
            markersize=8,
        )
    axes.set(title="accuracy on the photos kept", xlabel="photos kept, the most confident first")
    lowest, _ = axes.get_ylim()
    axes.set(xlim=(0, 1.02), ylim=(lowest, 1 + 0.04 * (1 - lowest)))
    drawing.percent(axes.xaxis)
    drawing.percent(axes.yaxis)
    drawing.key(figure, 390)
    drawing.save(figure, path)
