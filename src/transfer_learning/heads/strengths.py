"""The strengths that a logistic head was fitted with, and their file: ``reports/B/path.csv``."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from transfer_learning.runtime.csv_files import METRIC_DECIMALS, read_rows, write_rows


@dataclass(frozen=True)
class Strength:
    """One strength of regularisation, and how well the head fitted with it does.

    ``strength`` is the factor of half the squared weights, beside the sum of the photos' losses;
    ``chosen`` is whether the head has it.
    """

    strength: float
    accuracy: float
    val_accuracy: float
    loss: float
    val_loss: float
    chosen: bool


def write(path: Path, strengths: Sequence[Strength]) -> None:
    """Write ``path.csv``: a line per strength; none for a head that was not fitted over them."""
    header = [field.name for field in dataclasses.fields(Strength)]
    rows = [
        [f"{item.strength:g}", *dataclasses.astuple(item)[1:-1], int(item.chosen)]
        for item in strengths
    ]
    write_rows(path, header, rows, decimals=METRIC_DECIMALS)


def read(path: Path) -> list[Strength]:
    """Read what ``write`` wrote.

    Raises:
        UserError: the file is damaged.
    """

    def parse(row: list[str]) -> Strength:
        strength, accuracy, val_accuracy, loss, val_loss = map(float, row[:-1])
        return Strength(strength, accuracy, val_accuracy, loss, val_loss, chosen=row[-1] == "1")

    return read_rows(path, parse)


def chosen(strengths: Sequence[Strength]) -> Strength:
    """Return the strength that the head has."""
    return next(item for item in strengths if item.chosen)
