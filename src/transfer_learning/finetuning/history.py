"""The epochs of a tuning, and their file: ``tuning.csv``."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from transfer_learning.runtime.csv_files import METRIC_DECIMALS, write_rows


@dataclass(frozen=True)
class TunedEpoch:
    """One epoch's means; epoch 0 is the frozen backbone with its head, before anything is learnt.

    ``loss`` and ``accuracy`` are those of the augmented training photos while the weights still
    change, with label smoothing (None for epoch 0); ``val_loss`` and ``val_accuracy`` of the
    validation photos as they are, without it, after the epoch.
    """

    epoch: int
    loss: float | None
    accuracy: float | None
    val_loss: float
    val_accuracy: float


def best(epochs: Sequence[TunedEpoch]) -> TunedEpoch:
    """Return the epoch whose weights are kept: the first with the lowest validation loss."""
    return min(epochs, key=lambda item: item.val_loss)


def write(path: Path, epochs: Sequence[TunedEpoch]) -> None:
    """Write a line per epoch; in the last column the one whose weights are kept has a 1."""
    header = [*(field.name for field in dataclasses.fields(TunedEpoch)), "kept"]
    kept = best(epochs)
    rows = [
        ["" if cell is None else cell for cell in (*dataclasses.astuple(item), int(item is kept))]
        for item in epochs
    ]
    write_rows(path, header, rows, decimals=METRIC_DECIMALS)


def read(path: Path) -> tuple[list[TunedEpoch], TunedEpoch]:
    """Return the epochs, and the one whose weights are kept: rounded losses may be equal."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    epochs = [
        TunedEpoch(
            epoch=int(row["epoch"]),
            loss=float(row["loss"]) if row["loss"] else None,
            accuracy=float(row["accuracy"]) if row["accuracy"] else None,
            val_loss=float(row["val_loss"]),
            val_accuracy=float(row["val_accuracy"]),
        )
        for row in rows
    ]
    return epochs, epochs[[row["kept"] for row in rows].index("1")]
