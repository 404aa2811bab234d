"""The charts of one backbone's training and confidence: learning curves, strengths, reliability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib import style
from matplotlib.colors import to_rgba
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from transfer_learning.evaluation.calibration import Bin
from transfer_learning.heads.history import Epoch
from transfer_learning.heads.strengths import Strength, chosen
from transfer_learning.reports.charts import drawing
from transfer_learning.reports.typography import GAP, WIDTH

# Photos of a bin below which it is pale, and how pale it is.
FEW, PALE = 10, 0.3


@style.context(drawing.STYLE)
def curves(path: Path, history: Sequence[Epoch], *, title: str) -> None:
    """Draw accuracy and loss of training and validation over the epochs."""
    figure = drawing.page(title, 340 + drawing.KEY_ROW)
    epochs = [item.epoch for item in history]
    for left, metric in ((66, "accuracy"), (408, "loss")):
        axes = drawing.axes(figure, left, 52, 264, 250)
        for name, key, line, marker, colour in (
            ("training", metric, *drawing.look(0)),
            ("validation", f"val_{metric}", *drawing.look(1)),
        ):
            values = [getattr(item, key) for item in history]
            axes.plot(epochs, values, line, marker=marker, color=colour, label=name)
        axes.set(xlabel="epoch", title=metric, xlim=(epochs[0] - 0.5, epochs[-1] + 0.5))
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
    drawing.percent(figure.axes[0].yaxis)
    drawing.key(figure, 340, columns=2)
    drawing.save(figure, path)


@style.context(drawing.STYLE)
def strength_path(path: Path, strengths: Sequence[Strength], *, title: str) -> None:
    """Draw accuracy and loss of training and validation over the strengths, the chosen marked."""
    figure = drawing.page(title, 340 + drawing.KEY_ROW)
    tried = [item.strength for item in strengths]
    best = chosen(strengths)
    for left, metric in ((66, "accuracy"), (408, "loss")):
        axes = drawing.axes(figure, left, 52, 264, 250)
        for name, key, line, marker, colour in (
            ("training", metric, *drawing.look(0)),
            ("validation", f"val_{metric}", *drawing.look(1)),
        ):
            values = [getattr(item, key) for item in strengths]
            axes.plot(tried, values, line, marker=marker, markersize=4, color=colour, label=name)
        axes.axvline(best.strength, color="grey", linestyle=":", label=f"chosen: {best.strength:g}")
        axes.set(xlabel="strength, the weakest right", title=metric, xscale="log")
        axes.set_xlim(tried[0] * 1.5, tried[-1] / 1.5)
        axes.xaxis.set_major_locator(LogLocator(numticks=5))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    drawing.percent(figure.axes[0].yaxis)
    drawing.key(figure, 340, columns=3)
    drawing.save(figure, path)


@style.context(drawing.STYLE)
def reliability(path: Path, panels: Mapping[str, Sequence[Bin]], *, title: str) -> None:
    """Draw two reliability diagrams, as before and after temperature, by their names.

    A bin's dot has an area in proportion to its photos; the line from it to the diagonal is what
    the expected calibration error is the mean of.  A bin of few photos, whose place is mostly
    chance, is pale.
    """
    body = 470 + drawing.KEY_ROW
    figure = drawing.page(title, body)
    most = max(item.photos for bins in panels.values() for item in bins)
    # One backbone's, so one colour: the next one is another backbone's in the figures beside.
    _, marker, colour = drawing.look(0)
    for number, (left, (name, bins)) in enumerate(zip((84, 398), panels.items(), strict=True)):
        confidence = [item.confidence for item in bins]
        accuracy = [item.accuracy for item in bins]
        colours = [to_rgba(colour, PALE if item.photos < FEW else 1) for item in bins]
        upper = drawing.axes(figure, left, 166, 274, 274)
        upper.plot([0, 1], [0, 1], ":", color="grey")
        upper.vlines(confidence, confidence, accuracy, color=colours)
        area = [20 + 160 * item.photos / most for item in bins]
        upper.scatter(confidence, accuracy, area, color=colours, marker=marker, clip_on=False)
        upper.set(title=name, xlim=(0, 1.03), ylim=(0, 1.03))
        upper.tick_params(labelbottom=False, labelleft=number == 0)
        lower = drawing.axes(figure, left, 54, 274, 80)
        lower.bar(
            [item.low for item in bins],
            [item.photos for item in bins],
            [item.high - item.low for item in bins],
            align="edge",
            color=colours,
            edgecolor="white",
        )
        lower.set(xlabel="confidence", xlim=(0, 1.03), ylim=(0, most * 1.05))
        lower.tick_params(labelleft=number == 0)
        lower.yaxis.set_major_locator(MaxNLocator(3, integer=True))
        for axis in (upper.xaxis, upper.yaxis, lower.xaxis):
            drawing.percent(axis)
    for axes, words in zip(figure.axes, ("accuracy", "photos"), strict=False):
        axes.set_ylabel(words)
        axes.yaxis.set_label_coords(-64 / 274, 0.5)
    figure.text(
        GAP / WIDTH, 476 / figure.bbox.height, f"pale: fewer than {FEW} photos", va="bottom"
    )
    drawing.save(figure, path)
