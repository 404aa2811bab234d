"""The small CSV tables in ``reports/B``: learning curves and predictions."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from transfer_learning.stage import write_text


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


def write_rows(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV with six decimals for every float."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([f"{cell:.6f}" if isinstance(cell, float) else cell for cell in row])
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
    )


def read_predictions(path: Path) -> list[Prediction]:
    """Read what ``write_predictions`` wrote."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    return [Prediction(i, t, p, tuple(map(float, probs))) for i, t, p, *probs in rows]


def read_columns(path: Path) -> dict[str, list[float]]:
    """Read a CSV of numbers by column."""
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    return {name: [float(row[i]) for row in rows] for i, name in enumerate(header)}
