"""What the charts share: their look, and pages, axes, keys and files with places in pixels.

Every chart has the same width, at which its words can be read on a phone, and matplotlib's own
layout engines take longer than the drawing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator
from PIL import Image

from transfer_learning.reports import scripts
from transfer_learning.reports.typography import (
    BLACK,
    GAP,
    LEADING,
    SMALL,
    TEXT,
    TITLE,
    WIDTH,
    fitted,
    wrapped,
)

DPI = 100
POINTS = 72 / DPI
# Okabe and Ito (2008), "Color Universal Design", the strongest on white first. A shape, a line
# and a hatch go with each, since colours alone tell some people and printers nothing.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = ("o", "s", "^", "D", "v", "P")
LINES = ("-", "--", "-.", ":")
HATCHES = ("", "///", "...", "\\\\\\", "xxx", "|||")
STYLE: list[Any] = [
    "default",
    {
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.labelsize": TEXT * POINTS,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.titlelocation": "left",
        "axes.titlesize": TEXT * POINTS,
        "font.size": TEXT * POINTS,
        "grid.alpha": 0.3,
        "hatch.linewidth": 1.5,
        "legend.frameon": False,
        "text.color": BLACK,
        # A dollar sign in a name is a dollar sign.
        "text.parse_math": False,
        "xtick.labelsize": SMALL * POINTS,
        "ytick.labelsize": SMALL * POINTS,
    },
]
KEY_ROW = round(1.4 * TEXT)


def look(number: int) -> tuple[str, str, str]:
    """Return the line style, marker and colour of this number, each in turn."""
    return (
        LINES[number % len(LINES)],
        MARKERS[number % len(MARKERS)],
        COLOURS[number % len(COLOURS)],
    )


def percent(axis: Axis, *, ticks: int = 6) -> None:
    """Let an axis of shares have at most so many ticks, at round numbers of percent."""
    axis.set_major_locator(MaxNLocator(ticks, steps=[1, 2, 5, 10]))
    axis.set_major_formatter(lambda share, _: f"{100 * share:.4g} %")


def page(title: str, body: int, *, width: int = WIDTH) -> Figure:
    """Return a figure with the title above ``body`` pixels."""
    lines = wrapped(title, width - 2 * GAP, size=TITLE)
    height = body + 2 * GAP + round(len(lines) * TITLE * LEADING)
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI)
    FigureCanvasAgg(figure)
    figure.text(
        GAP / width,
        1 - GAP / height,
        "\n".join(lines),
        va="top",
        fontsize=TITLE * POINTS,
        linespacing=LEADING,
    )
    return figure


def axes(figure: Figure, left: int, bottom: int, width: int, height: int) -> Axes:
    """Add axes whose frame is at these pixels, from the lower left."""
    whole = figure.bbox
    return figure.add_axes(
        (
            left / whole.width,
            bottom / whole.height,
            width / whole.width,
            height / whole.height,
        )
    )


def key(figure: Figure, bottom: int, *, columns: int = 1) -> None:
    """Add the legend of the first axes with its lower edge at ``bottom`` pixels."""
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(
        handles,
        [fitted(label, WIDTH - 100) for label in labels],
        loc="lower left",
        bbox_to_anchor=(0, bottom / figure.bbox.height),
        ncols=columns,
        handlelength=3,
        labelspacing=0.3,
        borderpad=0.1,
    )


def save(figure: Figure, path: Path) -> None:
    """Write the figure as a PNG file whose bytes depend on nothing but what is drawn."""
    canvas = figure.canvas
    assert isinstance(canvas, FigureCanvasAgg)
    with scripts.unwarned():
        canvas.draw()
        words = figure.findobj(Text)
        families = scripts.families("".join(text.get_text() for text in words))
        if len(families) > 1:
            for text in words:
                text.set_fontfamily(families)
            canvas.draw()
    # A palette makes the file a third as large; without metadata no library's version is in it.
    image = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB").quantize(256)
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, optimize=True)
