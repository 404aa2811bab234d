"""The epochs of a head's training, and their file: ``reports/B/history.csv``."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from transfer_learning.runtime.csv_files import METRIC_DECIMALS, read_rows, write_rows


@dataclass(frozen=True)
class Epoch:
    """One epoch's means; training's are taken while the weights still change, with Dropout."""

    epoch: int
    accuracy: float
    val_accuracy: float
    loss: float
    val_loss: float


def write(path: Path, epochs: Sequence[Epoch]) -> None:
    """Write ``history.csv``: a line per epoch."""
    header = [field.name for field in dataclasses.fields(Epoch)]
    write_rows(path, header, map(dataclasses.astuple, epochs), decimals=METRIC_DECIMALS)


def read(path: Path) -> list[Epoch]:
    """Read what ``write`` wrote.

    Raises:
        UserError: the file is damaged.
    """
    return read_rows(path, lambda row: Epoch(int(row[0]), *map(float, row[1:])))
