"""The figures, as PNG files whose bytes depend on nothing but what is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib import style
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from PIL import Image, ImageOps
from sklearn.metrics import confusion_matrix

from transfer_learning.tables import Prediction

BLUE, RED = "#1f5fbf", "#c62828"
# Grids of photos have fewer dots: git keeps each version of them, and PNG packs photos badly.
DPI, GRID_DPI = 110, 85
# A class name must fit above one picture of a grid; two go side by side up to LONGEST_PAIR.
LONGEST_NAME, LONGEST_PAIR = 14, 20


@style.context("default")
def curves(path: Path, history: dict[str, list[float]], *, title: str) -> None:
    """Draw accuracy and loss of training and validation over the epochs."""
    figure = Figure(figsize=(9, 3.8), layout="constrained")
    for axes, metric in zip(figure.subplots(1, 2), ("accuracy", "loss"), strict=True):
        axes.plot(history["epoch"], history[metric], "o-", color=BLUE, label="training")
        axes.plot(history["epoch"], history[f"val_{metric}"], "s--", color=RED, label="validation")
        axes.set(xlabel="epoch", ylabel=metric, title=metric.capitalize())
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        axes.legend()
    figure.suptitle(title)
    _save(figure, path)


def prediction_grid(
    path: Path, images: Sequence[Image.Image], predictions: Sequence[Prediction], *, title: str
) -> None:
    """Draw photos with their prediction: blue ✓ where right, else red ✗ "Predicted (Actual)"."""
    titles = [
        f"✓ {_short(item.predicted)}" if item.right else _wrong_title(item) for item in predictions
    ]
    colours = [BLUE if item.right else RED for item in predictions]
    _grid(path, images, titles, colours, title=title, columns=5)


def examples(
    path: Path, images: Sequence[Image.Image], names: Sequence[str], *, title: str
) -> None:
    """Draw example photos with their labels."""
    _grid(
        path,
        images,
        [_short(name) for name in names],
        ["#222222"] * len(names),
        title=title,
        columns=6,
    )


@style.context("default")
def confusion(
    path: Path, predictions: Sequence[Prediction], classes: Sequence[str], *, title: str
) -> None:
    """Draw the confusion matrix: counts, shaded by the share of the true class."""
    counts = confusion_matrix(
        [item.true for item in predictions],
        [item.predicted for item in predictions],
        labels=list(classes),
    )
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
            colour = "white" if shares[row, column] > 0.55 else "black"
            axes.text(column, row, counts[row, column], ha="center", va="center", color=colour)
    # Above the whole figure, which is wider than the matrix.
    figure.suptitle(title, fontsize=11, wrap=True)
    _save(figure, path)


@style.context("default")
def _grid(
    path: Path,
    images: Sequence[Image.Image],
    titles: Sequence[str],
    colours: Sequence[str],
    *,
    title: str,
    columns: int,
) -> None:
    rows = max(1, -(-len(images) // columns))
    figure = Figure(figsize=(2.15 * columns, 2.2 * rows + 0.5), layout="constrained")
    figure.suptitle(title, fontsize=13)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid:
        axes.axis("off")
    for axes, image, text, colour in zip(grid, images, titles, colours, strict=False):
        axes.imshow(np.asarray(ImageOps.fit(image, (200, 200))))
        axes.set_title(text, color=colour, fontsize=9)
    _save(figure, path, dpi=GRID_DPI)


def _wrong_title(item: Prediction) -> str:
    predicted, true = _short(item.predicted), _short(item.true)
    space = " " if len(predicted + true) <= LONGEST_PAIR else "\n"
    return f"✗ {predicted}{space}({true})"


def _short(name: str) -> str:
    # A dollar sign would start matplotlib's math mode.
    name = name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"
    return name.replace("$", r"\$")


def _save(figure: Figure, path: Path, *, dpi: int = DPI) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Without metadata no library version gets into the file.
    figure.savefig(path, dpi=dpi, metadata={"Software": None})
