"""``data/dataset``: what ``fetch`` wrote, readable without TensorFlow.

``dataset.json`` is the data summary and the list of the photos, each split's in the order of its
TFRecord files (``records.shards``).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from transfer_learning.config.paths import DATASET
from transfer_learning.photos import records
from transfer_learning.runtime.files import read_json, write_json

SPLITS = ("train", "valid", "test")


@dataclass(frozen=True)
class PhotoEntry:
    """A photo of the list; ``width`` and ``height`` in pixels, of the upright photo."""

    id: str
    label: int
    split: str
    width: int
    height: int


@dataclass(frozen=True)
class Rejected:
    """A photo that cannot be decoded, or a file of the folder that is none, and why."""

    id: str
    reason: str


@dataclass(frozen=True)
class Correction:
    """What a person asked for in ``data/exclude.csv``, with what the source had said.

    ``label`` is the new class of a photo that is relabelled, empty for one that is excluded.
    """

    id: str
    action: Literal["exclude", "relabel"]
    source_label: str
    label: str
    reason: str


@dataclass(frozen=True)
class Grouping:
    """What ``dataset.group_duplicates`` did: groups of copies, photos in them, photos moved."""

    groups: int
    photos: int
    moved: int


@dataclass(frozen=True)
class SplitSummary:
    """A split as declared and as counted from its records."""

    slice: str
    declared: int
    counted: int
    per_class: tuple[int, ...]


@dataclass(frozen=True)
class DatasetInfo:
    """All of ``dataset.json``; ``about`` and ``credits`` as in ``sources.Source``.

    ``warnings`` says, a sentence each, what makes figures from these photos weak; ``grouping`` is
    there where duplicates were kept together.
    """

    source: str
    synthetic: bool
    classes: tuple[str, ...]
    found: int
    splits: dict[str, SplitSummary]
    rejected: tuple[Rejected, ...]
    photos: tuple[PhotoEntry, ...]
    about: dict[str, str] = field(default_factory=dict)
    credits: dict[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    corrections: tuple[Correction, ...] = ()
    grouping: Grouping | None = None

    def write(self, folder: Path = DATASET) -> None:
        """Write ``dataset.json``."""
        write_json(folder / "dataset.json", self)

    @classmethod
    def read(cls, folder: Path = DATASET) -> DatasetInfo:
        """Read ``dataset.json``."""
        return read_json(folder / "dataset.json", cls)


def record_files(folder: Path = DATASET) -> list[Path]:
    """Return the TFRecord files of all splits, one split after the other.

    Raises:
        UserError: one is missing or empty.
    """
    return [path for split in SPLITS for path in records.shards(folder, split)]


def split_counts(labels: list[int], classes: int) -> tuple[int, ...]:
    """Return how many of the labels fall in each class."""
    counts = Counter(labels)
    return tuple(counts[label] for label in range(classes))


def size_summary(photos: tuple[PhotoEntry, ...]) -> dict[str, tuple[int, int, int]]:
    """Return (smallest, median, largest) width and height in pixels."""
    summary = {}
    for side in ("width", "height"):
        sizes = np.array([getattr(photo, side) for photo in photos])
        summary[side] = (int(sizes.min()), int(np.median(sizes)), int(sizes.max()))
    return summary
