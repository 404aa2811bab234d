"""The confusion matrix of one backbone, or of many classes the part of it with most mistakes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from transfer_learning.evaluation.predictions import Prediction
from transfer_learning.evaluation.wording import count, whole_percent
from transfer_learning.reports.charts import drawing
from transfer_learning.reports.classes import WORST, Mistake, many, mistakes
from transfer_learning.reports.scripts import isolated
from transfer_learning.reports.typography import BLACK, GAP, SMALL, TEXT, WIDTH, fitted, length

LONGEST_NAME = 150
# Of a bar of the most frequent mistakes, and of what stands above and below the bars, in pixels.
BAR, HEADING, BETWEEN = 24, 30, 60
# So many classes and any other fit a figure of the usual width.
PART = 15
OTHER = "any other"


def draw(
    path: Path, predictions: Sequence[Prediction], classes: Sequence[str], *, title: str
) -> None:
    """Draw counts and percentages of the true class, shaded by the latter.

    Of many classes, draw the most frequent mistakes as bars, and below them the
    matrix of the classes in them, with a column for predictions of any other class.
    """
    if many(classes):
        _most_frequent(path, mistakes(predictions), predictions, classes, title=title)
    else:
        _whole(path, _counts(predictions, classes)[:, :-1], classes, title=title)


@style.context(drawing.STYLE)
def _whole(path: Path, counts: np.ndarray, classes: Sequence[str], *, title: str) -> None:
    place = _Place.of(counts, classes, classes)
    figure = drawing.page(title, place.top, width=max(WIDTH, place.right + GAP))
    _matrix(figure, counts, place)
    drawing.save(figure, path)


@style.context(drawing.STYLE)
def _most_frequent(
    path: Path,
    wrong: Sequence[Mistake],
    predictions: Sequence[Prediction],
    classes: Sequence[str],
    *,
    title: str,
) -> None:
    shown = wrong[:WORST]
    named = [name for item in shown for name in (item.true, item.predicted)]
    part = list(dict.fromkeys([*named, *classes]))[:PART]
    counts = _counts(predictions, part)
    place = _Place.of(counts, part, [*part, OTHER])
    bars = place.top + HEADING + BETWEEN
    body = bars + BAR * max(1, len(shown)) + HEADING
    figure = drawing.page(title, body, width=max(WIDTH, place.right + GAP))
    matrix = _matrix(figure, counts, place)
    matrix.set_title(f"{PART} of {len(classes):,} classes, those above first")
    left = 2 * LONGEST_NAME + 40
    axes = drawing.axes(figure, left, bars, WIDTH - left - 110, BAR * max(1, len(shown)))
    _bars(axes, shown)
    axes.set_title(_of_all(shown, wrong), x=(GAP - left) / (WIDTH - left - 110))
    drawing.save(figure, path)


def _of_all(shown: Sequence[Mistake], wrong: Sequence[Mistake]) -> str:
    if not wrong:
        return "no test photo is predicted wrongly"
    photos = sum(item.times for item in wrong)
    return (
        f"the {len(shown)} most frequent of {count(len(wrong), 'kind')} of mistake "
        f"({count(photos, 'photo')} wrong)"
    )


def _bars(axes: Axes, shown: Sequence[Mistake]) -> None:
    """Draw a bar for each kind of mistake, with its photos and their share of the true class."""
    times = [item.times for item in shown]
    axes.barh(range(len(shown)), times, 0.7, color=drawing.look(1)[2])
    for row, item in enumerate(shown):
        words = f" {item.times} ({whole_percent(item.times / item.photos)})"
        axes.text(item.times, row, words, va="center")
    names = [
        f"{isolated(fitted(item.true, LONGEST_NAME))} → "
        f"{isolated(fitted(item.predicted, LONGEST_NAME))}"
        for item in shown
    ]
    axes.set_yticks(range(len(shown)), names, fontsize=TEXT * drawing.POINTS)
    axes.set(
        ylim=(max(1, len(shown)) - 0.5, -0.5), xlim=(0, max(times, default=1)), xlabel="test photos"
    )
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.tick_params(left=False)
    axes.grid(visible=False, axis="y")


@dataclass(frozen=True)
class _Place:
    """Where a matrix is in the figure and how large its cells are, in pixels; and its names."""

    rows: list[str]
    columns: list[str]
    left: int
    bottom: int
    wide: int
    high: int
    # Whether the columns' names need no slant.
    flat: bool

    @property
    def right(self) -> int:
        return self.left + self.wide * len(self.columns)

    @property
    def top(self) -> int:
        return self.bottom + self.high * len(self.rows)

    @classmethod
    def of(cls, counts: np.ndarray, rows: Sequence[str], columns: Sequence[str]) -> _Place:
        """Return the place of int [R, C] counts."""
        names = [fitted(name, LONGEST_NAME) for name in columns]
        longest = max(length(name) for name in names)
        left = round(longest) + 48
        # At least as wide as the longest of "100" and the counts, and two lines high.
        least = round(length(str(max(100, counts.max())), SMALL)) + 4
        wide = max(min((WIDTH - left - GAP) // len(columns), 130), least)
        flat = longest < wide - GAP
        return cls(
            rows=[fitted(name, LONGEST_NAME) for name in rows],
            columns=names,
            left=left,
            bottom=36 + TEXT + (0 if flat else round(longest * 0.71)),
            wide=wide,
            high=max(wide, 36),
            flat=flat,
        )


def _matrix(figure: Figure, counts: np.ndarray, place: _Place) -> Axes:
    """Draw int [R, C] counts, whose lines sum to the photos of the true class."""
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes = drawing.axes(
        figure, place.left, place.bottom, place.right - place.left, place.top - place.bottom
    )
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    axes.grid(visible=False)
    axes.tick_params(length=0, labelsize=TEXT * drawing.POINTS)
    slant: dict[str, Any] = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}
    axes.set_xticks(range(len(place.columns)), place.columns, **({} if place.flat else slant))
    axes.set_yticks(range(len(place.rows)), place.rows)
    axes.set(xlabel="predicted", ylabel="true")
    for row, column in zip(*counts.nonzero(), strict=True):
        axes.text(
            column,
            row,
            f"{counts[row, column]}\n{100 * shares[row, column]:.0f}{' %' * (place.wide >= 46)}",
            ha="center",
            va="center",
            color="white" if shares[row, column] > 0.55 else BLACK,
            fontsize=(TEXT if place.wide >= 60 else SMALL) * drawing.POINTS,
        )
    return axes


def _counts(predictions: Sequence[Prediction], classes: Sequence[str]) -> np.ndarray:
    """Return int64 [C, C + 1] photos by true and predicted class, any other one last."""
    index = {name: number for number, name in enumerate(classes)}
    counts = np.zeros((len(classes), len(classes) + 1), np.int64)
    for item in predictions:
        if item.true in index:
            counts[index[item.true], index.get(item.predicted, len(classes))] += 1
    return counts
