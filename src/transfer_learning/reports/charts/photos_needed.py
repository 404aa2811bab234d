"""The chart of accuracy by number of training photos."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib import style
from matplotlib.ticker import FixedLocator, NullLocator

from transfer_learning.evaluation.learning_curve import Doubling, LearningCurve
from transfer_learning.reports.charts import drawing
from transfer_learning.reports.typography import WIDTH

# Each competitor a little further on, or equal points would hide each other.
ASIDE = 1.015


@style.context(drawing.STYLE)
def draw(
    path: Path,
    curves: Mapping[str, LearningCurve],
    doublings: Mapping[str, Doubling],
    *,
    title: str,
) -> None:
    """Draw the draws' mean accuracy and range, and the fitted law up to twice the photos.

    Without curves there is a title alone.
    """
    figure = drawing.page(title, 390 + drawing.KEY_ROW * len(curves))
    if not curves:
        drawing.save(figure, path)
        return
    axes = drawing.axes(figure, 66, 56, WIDTH - 66 - 24, 300)
    photos = next(iter(curves.values())).photos
    for number, (name, curve) in enumerate(curves.items()):
        line, marker, colour = drawing.look(number)
        doubling, accuracies = doublings[name], curve.accuracies
        mean = accuracies.mean(axis=0)
        axes.errorbar(
            photos * ASIDE**number,
            mean,
            # A mean of equals may lie beyond them, in the last digit.
            yerr=np.maximum(0, [mean - accuracies.min(axis=0), accuracies.max(axis=0) - mean]),
            fmt=marker,
            color=colour,
            capsize=4,
            label=name,
        )
        if not doubling.possible:
            continue
        along = np.geomspace(photos[0], 2 * photos[-1], 100)
        axes.plot(along, doubling.accuracy(along), line, color=colour)
        low, high = (doubling.now + gain for gain in doubling.gain_95)
        twice = 2 * photos[-1] * ASIDE**number
        axes.plot([twice, twice], [low, high], "-", color=colour, linewidth=4, alpha=0.4)
    axes.axvline(photos[-1], color="grey", linestyle=":")
    axes.set(
        title="test accuracy: mean and range of the draws; bars at the right: 95 %",
        xlabel="training photos; right of the dots: twice as many as there are",
        xscale="log",
    )
    axes.xaxis.set_major_locator(FixedLocator([*photos, 2 * photos[-1]]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(lambda count, _: f"{count:,.0f}")
    drawing.percent(axes.yaxis)
    drawing.key(figure, 390)
    drawing.save(figure, path)
