"""``reports/B/predictions.csv`` and ``per_class.csv``."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import Field

from transfer_learning.runtime.csv_files import PROBABILITY_DECIMALS, read_rows, write_rows

# In tables, in the place of a number that is not defined.
UNDEFINED = "–"


@dataclass(frozen=True)
class Prediction:
    """One test photo: its id, true and predicted class, and each class's probability."""

    id: str
    true: str
    predicted: str
    probabilities: tuple[float, ...]

    @property
    def correct(self) -> bool:
        """Whether the prediction is the true class."""
        return self.true == self.predicted


@dataclass(frozen=True)
class ClassScore:
    """A class's number of test photos, and its precision, recall and F1: None where it has none."""

    # The word that JSON and CSV have, which Python keeps for itself.
    name: Annotated[str, Field(alias="class")]
    photos: int
    precision: float | None
    recall: float | None
    f1: float | None


def write_predictions(
    path: Path, predictions: Iterable[Prediction], classes: Sequence[str]
) -> None:
    """Write ``predictions.csv``: id, true, predicted, a probability per class; sorted by id."""
    write_rows(
        path,
        ["id", "true", "predicted", *(f"p_{name}" for name in classes)],
        (
            [item.id, item.true, item.predicted, *item.probabilities]
            for item in sorted(predictions, key=lambda item: item.id)
        ),
        decimals=PROBABILITY_DECIMALS,
    )


def read_predictions(path: Path) -> list[Prediction]:
    """Read what ``write_predictions`` wrote.

    Raises:
        UserError: the file is damaged.
    """
    # One object for equal probabilities, of which the file has a thousand different ones: of 1,000
    # classes, a quarter of the memory.
    probability = cache(float)

    def parse(row: list[str]) -> Prediction:
        photo, true, predicted, *probabilities = row
        return Prediction(photo, true, predicted, tuple(map(probability, probabilities)))

    return read_rows(path, parse)


def write_class_scores(path: Path, scores: Iterable[ClassScore]) -> None:
    """Write ``per_class.csv``: class, photos, precision, recall, f1 ("–" where None)."""
    write_rows(
        path,
        ["class", "photos", "precision", "recall", "f1"],
        (
            [UNDEFINED if cell is None else cell for cell in dataclasses.astuple(score)]
            for score in scores
        ),
    )


def read_class_scores(path: Path) -> list[ClassScore]:
    """Read what ``write_class_scores`` wrote.

    Raises:
        UserError: the file is damaged.
    """

    def parse(row: list[str]) -> ClassScore:
        scores = (None if cell == UNDEFINED else float(cell) for cell in row[2:])
        return ClassScore(row[0], int(row[1]), *scores)

    return read_rows(path, parse)
