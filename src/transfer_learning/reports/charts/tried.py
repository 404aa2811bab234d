"""The chart of many heads that were tried: validation accuracy by each setting."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, LogLocator, NullLocator

from transfer_learning.evaluation.sweep import Tried
from transfer_learning.reports.charts import drawing

# By key: its words, and whether its axis is logarithmic.
KEYS = {
    "learning_rate": ("learning rate (dense)", True),
    "dropout": ("dropout (dense)", False),
    "epochs": ("epochs (dense)", True),
    "strength": ("strength (logistic)", True),
}
PANEL, HEIGHT, ACROSS, DOWN = 264, 190, 342, 272
# Of accuracy, above the best and below the worst.
MARGIN = 0.01
# More values than these are ticks of a scale.
LISTED = 6


@style.context(drawing.STYLE)
def draw(path: Path, ranked: Sequence[Tried], *, title: str) -> None:
    """Draw a panel for each setting that was varied, each head a dot; the best is ringed.

    Args:
        path: of the PNG file.
        ranked: the heads, the best first.
        title: of the figure.
    """
    values = {
        key: sorted({value for item in ranked if (value := getattr(item, key)) is not None})
        for key in KEYS
    }
    keys = [key for key in KEYS if len(values[key]) > 1]
    names = sorted({item.competitor for item in ranked})
    rows = -(-len(keys) // 2)
    figure = drawing.page(title, rows * DOWN + drawing.KEY_ROW * (len(names) + 1))
    accuracies = [item.valid_accuracy for item in ranked]
    ends = min(accuracies) - MARGIN, max(accuracies) + MARGIN
    for number, key in enumerate(keys):
        row, column = divmod(number, 2)
        bottom = (rows - 1 - row) * DOWN + 52
        axes = drawing.axes(figure, 66 + column * ACROSS, bottom, PANEL, HEIGHT)
        axes.set_ylim(*ends)
        _panel(axes, key, values[key], ranked, names)
    if keys:
        drawing.key(figure, rows * DOWN)
    drawing.save(figure, path)


def _panel(
    axes: Axes, key: str, values: list[float], ranked: Sequence[Tried], names: list[str]
) -> None:
    words, logarithmic = KEYS[key]
    for number, name in enumerate(names):
        _, marker, colour = drawing.look(number)
        mine = [
            item for item in ranked if item.competitor == name and getattr(item, key) is not None
        ]
        axes.plot(
            [getattr(item, key) for item in mine],
            [item.valid_accuracy for item in mine],
            marker,
            color=colour,
            alpha=0.6,
            markersize=6,
            label=name,
        )
    best = ranked[0]
    at = getattr(best, key)
    axes.plot(
        [np.nan if at is None else at],
        [best.valid_accuracy],
        "o",
        color="black",
        fillstyle="none",
        markersize=14,
        clip_on=False,
        label="the best on validation",
    )
    axes.set(xlabel=words, title="validation accuracy", xscale="log" if logarithmic else "linear")
    if key in ("dropout", "epochs") and len(values) <= LISTED:
        axes.xaxis.set_major_locator(FixedLocator(values))
    elif logarithmic:
        axes.xaxis.set_major_locator(LogLocator(numticks=5))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    drawing.percent(axes.yaxis)
