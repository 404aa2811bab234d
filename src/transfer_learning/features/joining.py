"""Several backbones as one competitor: their features side by side, their costs added up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from transfer_learning.backbones.artifact import BackboneInfo
from transfer_learning.features.extraction import ExtractionInfo
from transfer_learning.features.features import Features
from transfer_learning.runtime.errors import UserError
from transfer_learning.runtime.rows import Rows, Table, blocks

# In the place of an architecture's name.
NETWORK = "joined"


def features(members: Mapping[str, Features]) -> Features:
    """Return the members' features of one split side by side, in the order given.

    Raises:
        UserError: two members have different photos or classes.
    """
    (first, photos), *others = members.items()
    for name, item in others:
        if not same_photos(photos, item):
            raise UserError(
                f"data/features/{first} and data/features/{name} are of different photos, so they "
                "cannot be joined; rebuild both: dvc repro -f extract"
            )
    return replace(photos, features=Beside([item.features for item in members.values()]))


def same_photos(first: Features, second: Features) -> bool:
    """Whether both are of the same photos in the same order, with the same labels."""
    return (
        np.array_equal(first.labels, second.labels)
        and np.array_equal(first.classes, second.classes)
        and all(map(np.array_equal, blocks(first.ids), blocks(second.ids)))
    )


class Beside(Rows):
    """Tables of the same photos side by side."""

    def __init__(self, tables: Sequence[Table]) -> None:
        self._tables = tables
        self.shape = (len(tables[0]), sum(table.shape[1] for table in tables))
        self.dtype = np.result_type(*(table.dtype for table in tables))

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        return np.hstack([table[rows] for table in self._tables])


def backbone(members: Sequence[BackboneInfo]) -> BackboneInfo:
    """Return what is said of them together: costs are sums, the resolution the largest.

    ``multiply_adds`` is 0, not known, where one member's is.
    """
    counts = [item.multiply_adds for item in members]
    return BackboneInfo(
        handle=" + ".join(item.handle for item in members),
        network=NETWORK,
        resolution=max(item.resolution for item in members),
        features=sum(item.features for item in members),
        parameters=sum(item.parameters for item in members),
        sha256="",
        licence=_together(item.licence for item in members),
        multiply_adds=sum(counts) if all(counts) else 0,
        file_bytes=sum(item.file_bytes for item in members),
    )


def extraction(members: Sequence[ExtractionInfo]) -> ExtractionInfo:
    """Return with what their features were computed, all that differs named."""
    return ExtractionInfo(
        *(
            _together(getattr(item, key) for item in members)
            for key in ("engine", "engine_version", "precision")
        )
    )


def _together(texts: Iterable[str]) -> str:
    return " + ".join(dict.fromkeys(texts))
