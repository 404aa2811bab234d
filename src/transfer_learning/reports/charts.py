"""The charts, as PNG files whose bytes depend on nothing but what is drawn.

All places are in pixels: every chart has the same width, at which its words can be read on a
phone, and matplotlib's own layout engines take longer than the drawing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from PIL import Image

from transfer_learning.evaluation.calibration import Bin
from transfer_learning.evaluation.predictions import Prediction
from transfer_learning.evaluation.selective import kept
from transfer_learning.reports.text import (
    BLACK,
    GAP,
    LEADING,
    SMALL,
    TEXT,
    TITLE,
    WIDTH,
    fitted,
    font,
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
LONGEST_NAME = 150


@style.context(STYLE)
def curves(path: Path, history: Mapping[str, Sequence[float]], *, title: str) -> None:
    """Draw accuracy and loss of training and validation over the epochs."""
    figure = _page(title, 340 + KEY_ROW)
    for left, metric in ((66, "accuracy"), (408, "loss")):
        axes = _axes(figure, left, 52, 264, 250)
        for name, key, line, marker, colour in (
            ("training", metric, *_look(0)),
            ("validation", f"val_{metric}", *_look(1)),
        ):
            axes.plot(history["epoch"], history[key], line, marker=marker, color=colour, label=name)
        first, last = history["epoch"][0], history["epoch"][-1]
        axes.set(xlabel="epoch", title=metric, xlim=(first - 0.5, last + 0.5))
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
    figure.axes[0].yaxis.set_major_formatter(_percent_tick)
    _key(figure, 340, columns=2)
    _save(figure, path)


@style.context(STYLE)
def confusion(
    path: Path, predictions: Sequence[Prediction], classes: Sequence[str], *, title: str
) -> None:
    """Draw the confusion matrix: counts and percentages of the row, shaded by the latter."""
    index = {name: number for number, name in enumerate(classes)}
    counts = np.zeros((len(classes), len(classes)), np.int64)
    for item in predictions:
        counts[index[item.true], index[item.predicted]] += 1
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)

    names = [fitted(name, LONGEST_NAME) for name in classes]
    longest = max(font().getlength(name) for name in names)
    left = round(longest) + 48
    # At least as wide as the longest of "100" and the counts, and two lines high.
    least = round(font(SMALL).getlength(str(max(100, counts.max())))) + 4
    wide = max(min((WIDTH - left - GAP) // len(classes), 130), least)
    high = max(wide, 36)
    flat = longest < wide - GAP
    bottom = 36 + TEXT + (0 if flat else round(longest * 0.71))
    right, top = left + wide * len(classes), bottom + high * len(classes)
    figure = _page(title, top, width=max(WIDTH, right + GAP))
    axes = _axes(figure, left, bottom, right - left, top - bottom)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    axes.grid(visible=False)
    axes.tick_params(length=0, labelsize=TEXT * POINTS)
    slant: dict[str, Any] = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}
    axes.set_xticks(range(len(names)), names, **({} if flat else slant))
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="predicted", ylabel="true")
    for row, column in zip(*counts.nonzero(), strict=True):
        axes.text(
            column,
            row,
            f"{counts[row, column]}\n{100 * shares[row, column]:.0f}{' %' * (wide >= 46)}",
            ha="center",
            va="center",
            color="white" if shares[row, column] > 0.55 else BLACK,
            fontsize=(TEXT if wide >= 60 else SMALL) * POINTS,
        )
    _save(figure, path)


@style.context(STYLE)
def reliability(path: Path, panels: Mapping[str, Sequence[Bin]], *, title: str) -> None:
    """Draw two reliability diagrams, as before and after temperature, by their names.

    A bin's dot has an area in proportion to its photos; the line from it to the diagonal is what
    the expected calibration error is the mean of.
    """
    figure = _page(title, 470)
    most = max(item.photos for bins in panels.values() for item in bins)
    for number, (left, (name, bins)) in enumerate(zip((84, 398), panels.items(), strict=True)):
        _, marker, colour = _look(number)
        confidence = [item.confidence for item in bins]
        accuracy = [item.accuracy for item in bins]
        upper = _axes(figure, left, 166, 274, 274)
        upper.plot([0, 1], [0, 1], ":", color="grey")
        upper.vlines(confidence, confidence, accuracy, color=colour)
        area = [20 + 160 * item.photos / most for item in bins]
        upper.scatter(confidence, accuracy, area, color=colour, marker=marker, clip_on=False)
        upper.set(title=name, xlim=(0, 1.03), ylim=(0, 1.03))
        upper.tick_params(labelbottom=False, labelleft=number == 0)
        upper.yaxis.set_major_formatter(_percent_tick)
        lower = _axes(figure, left, 54, 274, 80)
        lower.bar(
            [item.low for item in bins],
            [item.photos for item in bins],
            [item.high - item.low for item in bins],
            align="edge",
            color=colour,
            edgecolor="white",
        )
        lower.set(xlabel="confidence", xlim=(0, 1.03), ylim=(0, most * 1.05))
        lower.tick_params(labelleft=number == 0)
        lower.yaxis.set_major_locator(MaxNLocator(3, integer=True))
        lower.xaxis.set_major_formatter(_percent_tick)
    for axes, words in zip(figure.axes, ("accuracy", "photos"), strict=False):
        axes.set_ylabel(words)
        axes.yaxis.set_label_coords(-64 / 274, 0.5)
    _save(figure, path)


@style.context(STYLE)
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
    figure = _page(title, 90 + row * len(names))
    left = _axes(figure, 16, 50, 420, row * len(names))
    right = _axes(figure, 468, 50, 200, row * len(names))
    for y, (name, value, (low, high), cost) in enumerate(
        zip(names, accuracy, intervals, multiply_adds, strict=True)
    ):
        _, marker, colour = _look(y)
        left.plot([low, high], [y, y], "|-", color=colour, markersize=12, linewidth=2)
        left.plot(value, y, marker, color=colour, markersize=9)
        across = left.get_yaxis_transform()
        left.text(0, y - 0.36, fitted(name, 220), va="center", transform=across)
        interval = f"{100 * value:.1f} % ({100 * low:.1f} to {100 * high:.1f})"
        left.text(1, y - 0.36, interval, ha="right", va="center", transform=across)
        right.barh(y, cost, 0.4, color=colour)
        right.text(0, y - 0.36, _count(cost), va="center")
    for axes, words in ((left, "accuracy, 95 % interval"), (right, "multiply-adds per photo")):
        axes.set(title=words, ylim=(len(names) - 0.5, -0.7))
        axes.tick_params(left=False, labelleft=False)
        axes.spines["left"].set_visible(False)
        axes.grid(visible=False, axis="y")
    left.xaxis.set_major_formatter(_percent_tick)
    left.xaxis.set_major_locator(MaxNLocator(5))
    right.spines["bottom"].set_visible(False)
    right.tick_params(bottom=False, labelbottom=False)
    right.grid(visible=False)
    _save(figure, path)


@style.context(STYLE)
def per_class(
    path: Path,
    classes: Sequence[str],
    photos: Sequence[int],
    f1: Mapping[str, Sequence[float]],
    *,
    title: str,
) -> None:
    """Draw each class's F1 as bars, one for each backbone; the worst class comes first.

    Args:
        path: of the PNG file.
        classes: their names.
        photos: of each class, how many test photos.
        f1: by backbone, of each class.
        title: above all.
    """
    bar, space = 15, 12
    mean = np.mean(list(f1.values()), axis=0)
    order = sorted(range(len(classes)), key=lambda number: (photos[number] == 0, mean[number]))
    step = bar * len(f1) + space
    height = step * len(classes)
    left = 190
    figure = _page(title, 54 + height + KEY_ROW * len(f1))
    axes = _axes(figure, left, 46, WIDTH - left - 50, height)
    for number, (name, values) in enumerate(f1.items()):
        centre = np.arange(len(classes)) + (number - (len(f1) - 1) / 2) * bar / step
        shown = [values[row] for row in order]
        axes.barh(
            centre,
            shown,
            bar / step,
            label=name,
            color=_look(number)[2],
            hatch=HATCHES[number % len(HATCHES)],
            edgecolor="white",
        )
        for y, row, value in zip(centre, order, shown, strict=True):
            words = f"{value:.2f}" if photos[row] else "no test photos"
            axes.text(value + 0.01, y, words, va="center", fontsize=SMALL * POINTS)
    labels = []
    for row in order:
        count = f" ({photos[row]})"
        labels.append(fitted(classes[row], left - 20 - font().getlength(count)) + count)
    axes.set_yticks(range(len(classes)), labels, fontsize=TEXT * POINTS)
    axes.set(xlabel="F1", xlim=(0, 1), ylim=(len(classes) - 0.5, -0.5))
    axes.tick_params(left=False)
    axes.grid(visible=False, axis="y")
    _key(figure, 54 + height)
    _save(figure, path)


@style.context(STYLE)
def abstain(path: Path, predictions: Mapping[str, Sequence[Prediction]], *, title: str) -> None:
    """Draw by backbone the accuracy on the photos kept when the least sure are set aside.

    It starts where a tenth is kept: on fewer photos, each one would swing it.
    """
    figure = _page(title, 390 + KEY_ROW * len(predictions))
    axes = _axes(figure, 66, 56, WIDTH - 66 - 24, 300)
    for number, (name, items) in enumerate(predictions.items()):
        line, marker, colour = _look(number)
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
    axes.set(title="accuracy on the photos kept", xlabel="photos kept, the surest first")
    lowest, _ = axes.get_ylim()
    axes.set(xlim=(0, 1.02), ylim=(lowest, 1 + 0.04 * (1 - lowest)))
    axes.xaxis.set_major_formatter(_percent_tick)
    axes.yaxis.set_major_formatter(_percent_tick)
    _key(figure, 390)
    _save(figure, path)


def _look(number: int) -> tuple[str, str, str]:
    """Return the line style, marker and colour of this number, each in turn."""
    return (
        LINES[number % len(LINES)],
        MARKERS[number % len(MARKERS)],
        COLOURS[number % len(COLOURS)],
    )


def _percent_tick(share: float, _: float) -> str:
    return f"{100 * share:.4g} %"


def _count(number: int) -> str:
    """Return a large number as people say it, to three digits."""
    for size, word in ((10**9, "billion"), (10**6, "million"), (10**3, "thousand")):
        if number >= size:
            return f"{number / size:.3g} {word}"
    return str(number)


def _page(title: str, body: int, *, width: int = WIDTH) -> Figure:
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


def _axes(figure: Figure, left: int, bottom: int, width: int, height: int) -> Axes:
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


def _key(figure: Figure, bottom: int, *, columns: int = 1) -> None:
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


def _save(figure: Figure, path: Path) -> None:
    canvas = figure.canvas
    assert isinstance(canvas, FigureCanvasAgg)
    canvas.draw()
    # A palette makes the file a third as large; without metadata no library's version is in it.
    image = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB").quantize(256)
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, optimize=True)
