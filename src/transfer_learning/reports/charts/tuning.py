"""The chart of a backbone's tuning: accuracy and loss over its epochs, and which one is kept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib import style
from matplotlib.ticker import MaxNLocator

from transfer_learning.finetuning.history import TunedEpoch
from transfer_learning.reports.charts import drawing


@style.context(drawing.STYLE)
def draw(path: Path, epochs: Sequence[TunedEpoch], *, kept: int, title: str) -> None:
    """Draw training and validation over the epochs; epoch 0 is the frozen backbone.

    Args:
        path: of the PNG file.
        epochs: as ``history.read`` returns them.
        kept: the number of the epoch whose weights are kept.
        title: above all.
    """
    figure = drawing.page(title, 340 + drawing.KEY_ROW)
    numbers = [item.epoch for item in epochs]
    for left, metric in ((66, "accuracy"), (408, "loss")):
        axes = drawing.axes(figure, left, 52, 264, 250)
        for name, key, line, marker, colour in (
            ("training, augmented", metric, *drawing.look(0)),
            ("validation", f"val_{metric}", *drawing.look(1)),
        ):
            # matplotlib leaves out what is None.
            values = [getattr(item, key) for item in epochs]
            axes.plot(numbers, values, line, marker=marker, markersize=5, color=colour, label=name)
        axes.axvline(kept, color="grey", linestyle=":", label=f"kept: epoch {kept}")
        axes.set(xlabel="epoch, 0 is frozen", title=metric, xlim=(-0.5, numbers[-1] + 0.5))
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
    drawing.percent(figure.axes[0].yaxis)
    drawing.key(figure, 340, columns=3)
    drawing.save(figure, path)
