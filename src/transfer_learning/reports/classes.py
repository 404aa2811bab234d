"""Which classes and mistakes are shown where there are more than a person can look at.

Up to ``MOST`` classes, all are shown everywhere.  Of more, tables and figures show the worst and
say how many there are; ``per_class.csv``, ``predictions.csv`` and ``comparison.json`` keep all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from transfer_learning.evaluation.predictions import UNDEFINED, ClassScore, Prediction
from transfer_learning.photos.dataset import DatasetInfo

# A confusion matrix grows with the square of its classes: of 40 it is 1,400 pixels wide, as much
# as a screen shows; of 1,000 it took more than 23 GB to draw.
MOST = 40
# So many fit a figure of the usual width.
WORST = 20


@dataclass(frozen=True)
class Mistake:
    """A class taken for another: how many times, of how many test photos of the true class."""

    true: str
    predicted: str
    times: int
    photos: int


def many(classes: Sequence[object]) -> bool:
    """Whether there are too many to show all."""
    return len(classes) > MOST


def worst_first(backbones: Iterable[Sequence[ClassScore]]) -> list[int]:
    """Return the numbers of the classes by their mean F1 over the backbones, the lowest first.

    Those without test photos, whose F1 is undefined, come last.
    """
    scores = list(backbones)
    mean = np.mean([[score.f1 or 0.0 for score in per_class] for per_class in scores], axis=0)
    photos = [score.photos for score in scores[0]]
    return sorted(range(len(photos)), key=lambda number: (photos[number] == 0, mean[number]))


def mistakes(predictions: Iterable[Prediction]) -> list[Mistake]:
    """Return the kinds of mistake, the most frequent first, equals by their names."""
    items = list(predictions)
    photos = Counter(item.true for item in items)
    pairs = Counter((item.true, item.predicted) for item in items if not item.correct)
    return [
        Mistake(true, predicted, times, photos[true])
        for (true, predicted), times in sorted(pairs.items(), key=lambda item: (-item[1], item[0]))
    ]


def score_text(value: float | None) -> str:
    """Return a precision, recall or F1 of a class for people."""
    return UNDEFINED if value is None else f"{value:.3f}"


def photo_columns(data: DatasetInfo) -> dict[str, dict[str, int]]:
    """Return the columns of a table of splits that count photos by class: numbers by split.

    A column for each class or, where they are many, the smallest, median and largest class.
    """
    counts = {name: np.array(split.per_class) for name, split in data.splits.items()}
    if many(data.classes):
        return {
            "smallest class": {name: int(each.min()) for name, each in counts.items()},
            "median class": {name: int(np.median(each)) for name, each in counts.items()},
            "largest class": {name: int(each.max()) for name, each in counts.items()},
            "classes without": {name: int((each == 0).sum()) for name, each in counts.items()},
        }
    return {
        title: {name: int(each[number]) for name, each in counts.items()}
        for number, title in enumerate(data.classes)
    }
