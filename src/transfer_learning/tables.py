"""The small tables in ``reports``: CSV files of ``reports/B``, and tables in Markdown."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from transfer_learning.stage import write_text

# Of what processors compute differently, so many digits are kept that they hardly ever show it
# (docs/portability.md).
LOSS_DECIMALS, PROBABILITY_DECIMALS = 4, 3


@dataclass(frozen=True)
class Prediction:
    """One test photo: its id, true and predicted class, and each class's probability."""

    id: str
    true: str
    predicted: str
    probabilities: tuple[float, ...]

    @property
    def right(self) -> bool:
        """Whether the prediction is the true class."""
        return self.true == self.predicted


@dataclass(frozen=True)
class ClassScore:
    """A class's number of test photos, and its precision, recall and F1: 0 where undefined."""

    name: str
    photos: int
    precision: float
    recall: float
    f1: float


def write_rows(
    path: Path, header: Sequence[str], rows: Iterable[Sequence[object]], *, decimals: int = 6
) -> None:
    """Write a CSV with as many decimals for every float."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow(
            [f"{cell:.{decimals}f}" if isinstance(cell, float) else cell for cell in row]
        )
    write_text(path, text.getvalue())


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
    """Read what ``write_predictions`` wrote."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    return [Prediction(i, t, p, tuple(map(float, probs))) for i, t, p, *probs in rows]


def write_class_scores(path: Path, scores: Iterable[ClassScore]) -> None:
    """Write ``per_class.csv``: class, photos, precision, recall, f1; a line per class."""
    write_rows(
        path, ["class", "photos", "precision", "recall", "f1"], map(dataclasses.astuple, scores)
    )


def read_class_scores(path: Path) -> list[ClassScore]:
    """Read what ``write_class_scores`` wrote."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    return [ClassScore(name, int(photos), *map(float, scores)) for name, photos, *scores in rows]


def markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a Markdown table; text that would break a cell is escaped."""
    lines = [header, ["---"] * len(header), *rows]
    return [f"| {' | '.join(map(_cell, line))} |" for line in lines]


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def stack(path: Path, parts: Mapping[str, Path], column: str) -> None:
    """Write CSV files of one header below each other; a first ``column`` names each one's lines."""
    stacked: list[list[str]] = []
    for name, part in parts.items():
        with part.open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file)
        stacked += [[name, *row] for row in rows]
    write_rows(path, [column, *header], stacked)


def read_columns(path: Path) -> dict[str, list[float]]:
    """Read a CSV of numbers by column."""
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    return {name: [float(row[i]) for row in rows] for i, name in enumerate(header)}
