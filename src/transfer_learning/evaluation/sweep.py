"""Many heads on the same features, measured on validation photos, and their file: ``sweep.csv``."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from transfer_learning.config.params import HeadKind, Train
from transfer_learning.features.features import Features
from transfer_learning.heads import learning
from transfer_learning.heads.space import VARIED
from transfer_learning.runtime.csv_files import METRIC_DECIMALS, write_rows


@dataclass(frozen=True)
class Wanted:
    """A head to be learnt: whose features, with what, and the digest of what it is learnt from."""

    competitor: str
    settings: Train
    made_of: str


@dataclass(frozen=True)
class Tried:
    """A head that was learnt: a line of ``sweep.csv``.

    What its kind does not take is None.  ``sha256`` is that of its ``head.npz``; the validation
    accuracy and log loss are those of a head that has not seen the validation photos.
    """

    competitor: str
    head: HeadKind
    learning_rate: float | None
    dropout: float | None
    epochs: int | None
    batch_size: int | None
    seed: int | None
    strength: float | None
    refit: bool
    made_of: str
    valid_accuracy: float
    valid_log_loss: float
    sha256: str

    @property
    def wanted(self) -> tuple[Any, ...]:
        """What it was to be, as ``asked`` says it."""
        return dataclasses.astuple(self)[: len(ASKED)]


ASKED = tuple(field.name for field in dataclasses.fields(Tried))[:-3]


def asked(wanted: Wanted) -> tuple[Any, ...]:
    """Return what tells one wanted head from another: the values of ``ASKED``."""
    settings = wanted.settings
    kind = settings.head_of(wanted.competitor)
    taken = (*VARIED[kind], *(["batch_size"] * (kind == "dense")))
    values = [getattr(settings, key) if key in taken else None for key in ASKED[2:-2]]
    return wanted.competitor, kind, *values, settings.refits(wanted.competitor), wanted.made_of


def learn(wanted: Wanted, train_set: Features, valid_set: Features) -> Tried:
    """Learn a head as the stage ``train`` does, and measure it.

    Raises:
        UserError: a logistic head misses a class.
    """
    kind = wanted.settings.head_of(wanted.competitor)
    learnt = learning.learn(kind, train_set, valid_set, wanted.settings)
    accuracy, loss = learnt.validated.accuracy_and_loss(valid_set.features, valid_set.labels)
    return Tried(
        **dict(zip(ASKED, asked(wanted), strict=True)),
        valid_accuracy=round(accuracy, METRIC_DECIMALS),
        valid_log_loss=round(loss, METRIC_DECIMALS),
        sha256=learnt.head.sha256(),
    )


def ranked(tried: Iterable[Tried], multiply_adds: Mapping[str, int]) -> list[Tried]:
    """Return the heads, the best on validation first: by the rule of ``verdict.best``.

    Args:
        tried: the heads.
        multiply_adds: of one photo, by competitor.
    """

    def key(item: Tried) -> tuple[float, float, int]:
        return -item.valid_accuracy, item.valid_log_loss, multiply_adds[item.competitor]

    return sorted(tried, key=key)


def cells(tried: Tried) -> list[object]:
    """Return a line of ``sweep.csv``."""
    return ["" if value is None else str(value) for value in dataclasses.astuple(tried)]


def write(path: Path, tried: Iterable[Tried]) -> None:
    """Write ``sweep.csv``."""
    write_rows(path, [field.name for field in dataclasses.fields(Tried)], map(cells, tried))


def read(path: Path) -> list[Tried]:
    """Read what ``write`` wrote; nothing where it is missing, cut, or of another layout."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = [
                {key: value or None for key, value in row.items()} for row in csv.DictReader(file)
            ]
        return TypeAdapter(list[Tried]).validate_python(rows)
    except (OSError, ValueError, csv.Error, ValidationError):
        return []
