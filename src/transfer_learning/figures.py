"""The charts, as PNG files whose bytes depend on nothing but what is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib import style
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from transfer_learning.calibration import Bin
from transfer_learning.photo_grids import disagreements, examples, most_wrong, prediction_grid
from transfer_learning.tables import Prediction

__all__ = ["disagreements", "examples", "most_wrong", "prediction_grid"]

BLUE, RED = "#1f5fbf", "#c62828"
DPI = 110
LONGEST_NAME = 14
# Okabe and Ito's colours; a shape and a hatch go with each, so none tells by its colour alone.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = ("o", "s", "^", "D", "v", "P")
LINES = ("-", "--", "-.", ":")
HATCHES = ("", "///", "...", "\\\\\\", "xxx")


@style.context("default")
def curves(path: Path, history: Mapping[str, Sequence[float]], *, title: str) -> None:
    """Draw accuracy and loss of training and validation over the epochs."""
    figure = Figure(figsize=(6.4, 3.8), layout="constrained")
    for axes, metric in zip(figure.subplots(1, 2), ("accuracy", "loss"), strict=True):
        axes.plot(history["epoch"], history[metric], "o-", color=COLOURS[0], label="training")
        axes.plot(
            history["epoch"], history[f"val_{metric}"], "s--", color=COLOURS[1], label="validation"
        )
        axes.set(xlabel="epoch", ylabel=metric)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        axes.legend()
    figure.suptitle(title)
    _save(figure, path)


@style.context("default")
def confusion(
    path: Path, predictions: Sequence[Prediction], classes: Sequence[str], *, title: str
) -> None:
    """Draw the confusion matrix: counts and row percentages, shaded by the latter."""
    index = {name: number for number, name in enumerate(classes)}
    counts = np.zeros((len(classes), len(classes)), np.int64)
    for item in predictions:
        counts[index[item.true], index[item.predicted]] += 1
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    size = max(5.0, 1.6 + 0.62 * len(classes))
    figure = Figure(figsize=(size, size * 0.92), layout="constrained")
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    names = [_short(name) for name in classes]
    axes.set_xticks(range(len(names)), names, rotation=40, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="predicted", ylabel="true")
    for row, column in np.ndindex(*counts.shape):
        if counts[row, column]:
            axes.text(
                column,
                row,
                f"{counts[row, column]}\n{shares[row, column]:.0%}",
                ha="center",
                va="center",
                color="white" if shares[row, column] > 0.55 else "black",
            )
    figure.suptitle(title, fontsize=11, wrap=True)
    _save(figure, path)


@style.context("default")
def reliability(path: Path, panels: Mapping[str, Sequence[Bin]], *, title: str) -> None:
    """Draw accuracy against confidence, a panel by name, as before and after temperature."""
    figure = Figure(figsize=(6.4, 4.6), layout="constrained")
    grid = figure.subplots(2, len(panels), sharex=True, sharey="row", squeeze=False)
    for (upper, lower), (name, bins) in zip(grid.T, panels.items(), strict=True):
        used = [item for item in bins if item.photos]
        upper.plot([0, 1], [0, 1], ":", color="grey")
        upper.plot(
            [item.confidence for item in used],
            [item.accuracy for item in used],
            "o-",
            color=COLOURS[0],
        )
        upper.set_title(name)
        lower.bar(
            [item.low for item in bins],
            [item.photos for item in bins],
            [item.high - item.low for item in bins],
            align="edge",
            color=COLOURS[0],
        )
        lower.set_xlabel("confidence")
    grid[0, 0].set_ylabel("accuracy")
    grid[1, 0].set_ylabel("photos")
    figure.suptitle(title)
    _save(figure, path)


@style.context("default")
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
    figure = Figure(figsize=(6.4, 1.6 + 0.7 * len(names)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    for row, (value, (low, high)) in enumerate(zip(accuracy, intervals, strict=True)):
        colour, marker = COLOURS[row % len(COLOURS)], MARKERS[row % len(MARKERS)]
        left.plot([low, high], [row, row], color=colour)
        left.plot(value, row, marker, color=colour)
        right.barh(row, multiply_adds[row] / 1e9, color=colour)
    left.set_yticks(range(len(names)), [_short(name) for name in names])
    left.invert_yaxis()
    left.set_xlabel("test accuracy, 95 % interval")
    right.set_xlabel("10⁹ multiply-adds per photo")
    figure.suptitle(title)
    _save(figure, path)


@style.context("default")
def per_class(
    path: Path,
    classes: Sequence[str],
    photos: Sequence[int],
    f1: Mapping[str, Sequence[float]],
    *,
    title: str,
) -> None:
    """Draw the F1 of every class as bars, one for each backbone; ``photos`` are the test photos."""
    figure = Figure(figsize=(6.4, 1.6 + len(classes) * 0.25 * (1 + len(f1))), layout="constrained")
    axes = figure.subplots()
    height = 0.8 / len(f1)
    for number, (name, values) in enumerate(f1.items()):
        rows = np.arange(len(classes)) + (number - (len(f1) - 1) / 2) * height
        axes.barh(
            rows,
            values,
            height,
            label=name,
            color=COLOURS[number % len(COLOURS)],
            hatch=HATCHES[number % len(HATCHES)],
            edgecolor="white",
        )
    axes.set_yticks(
        range(len(classes)),
        [f"{_short(name)} ({count})" for name, count in zip(classes, photos, strict=True)],
    )
    axes.invert_yaxis()
    axes.set_xlabel("F1")
    axes.legend()
    figure.suptitle(title)
    _save(figure, path)


@style.context("default")
def abstain(path: Path, predictions: Mapping[str, Sequence[Prediction]], *, title: str) -> None:
    """Draw the accuracy on the photos kept when the least sure are set aside, by backbone.

    It is one minus the risk–coverage curve (El-Yaniv and Wiener 2010, "On the foundations of
    noise-free selective classification"), with the largest probability as the confidence.
    """
    figure = Figure(figsize=(6.4, 4.4), layout="constrained")
    axes = figure.subplots()
    for number, (name, items) in enumerate(predictions.items()):
        share, accuracy = kept(items)
        axes.plot(
            share,
            accuracy,
            LINES[number % len(LINES)],
            color=COLOURS[number % len(COLOURS)],
            label=name,
        )
    axes.set(xlabel="share of the photos kept", ylabel="accuracy on them")
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.legend()
    figure.suptitle(title)
    _save(figure, path)


def kept(predictions: Sequence[Prediction]) -> tuple[np.ndarray, np.ndarray]:
    """Return float64 [K] shares of the photos kept and the accuracy on them, the surest first.

    Photos of equal confidence are kept together, so K is how many confidences there are.
    """
    confidence = np.array([max(item.probabilities) for item in predictions])
    order = np.argsort(-confidence, kind="stable")
    right = np.array([item.right for item in predictions])[order].cumsum()
    count = np.arange(1, len(order) + 1)
    last = np.append(np.diff(confidence[order]) != 0, True)
    return (count / len(order))[last], (right / count)[last]


def _short(name: str) -> str:
    # A dollar sign would start matplotlib's math mode.
    name = name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"
    return name.replace("$", r"\$")


def _save(figure: Figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Without metadata no library version gets into the file.
    figure.savefig(path, dpi=DPI, metadata={"Software": None})
