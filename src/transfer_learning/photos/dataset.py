"""``data/dataset``: what ``fetch`` wrote, readable without TensorFlow.

``dataset.json`` is the data summary; ``photos.npz`` is the list of the photos in columns, each
split's in the order of its TFRecord files (``records.shards``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Literal, overload

import numpy as np

from transfer_learning.config.paths import DATASET
from transfer_learning.photos import records
from transfer_learning.runtime import npz
from transfer_learning.runtime.damage import damaged
from transfer_learning.runtime.files import read_json, write_json

PHOTOS = "photos.npz"
SPLITS = ("train", "valid", "test")


@dataclass(frozen=True)
class PhotoEntry:
    """A photo of the list; ``width`` and ``height`` in pixels, of the upright photo."""

    id: str
    label: int
    split: str
    width: int
    height: int


@dataclass(frozen=True, eq=False)
class PhotoList(Sequence[PhotoEntry]):
    """Photos in order, each made when it is asked for: 40 bytes of each are in memory.

    ``text`` uint8 holds the ids in UTF-8, one after another, and ``ends`` int64 [N] where each
    stops: one long name then makes no other one longer.  ``labels`` int32 [N], ``splits`` uint8
    [N], numbers of ``SPLITS``, and ``sizes`` int32 [N, 2], width and height.
    """

    text: np.ndarray
    ends: np.ndarray
    labels: np.ndarray
    splits: np.ndarray
    sizes: np.ndarray

    @classmethod
    def of(cls, photos: Iterable[PhotoEntry]) -> PhotoList:
        """Return the list of these photos."""
        if isinstance(photos, cls):
            return photos
        text, ends, labels, splits, sizes = bytearray(), [], [], [], []
        for photo in photos:
            text += photo.id.encode()
            ends.append(len(text))
            labels.append(photo.label)
            splits.append(SPLITS.index(photo.split))
            sizes.append((photo.width, photo.height))
        return cls(
            np.frombuffer(bytes(text), np.uint8),
            np.array(ends, np.int64),
            np.array(labels, np.int32),
            np.array(splits, np.uint8),
            np.array(sizes, np.int32).reshape(-1, 2),
        )

    def write(self, folder: Path) -> None:
        """Write ``photos.npz``, whose bytes depend on nothing but the photos."""
        folder.mkdir(parents=True, exist_ok=True)
        npz.write(folder / PHOTOS, **vars(self))

    @classmethod
    def read(cls, folder: Path = DATASET) -> PhotoList:
        """Read ``photos.npz``.

        Raises:
            UserError: the file is damaged.
        """
        found = cls(*npz.read(folder / PHOTOS, *cls.__dataclass_fields__))
        lengths = {len(column) for name, column in vars(found).items() if name != "text"}
        if len(lengths) != 1 or found._start(len(found)) != len(found.text):
            raise damaged(folder / PHOTOS, "its columns are of different lengths")
        return found

    def of_split(self, split: str) -> PhotoList:
        """Return the photos of a split."""
        return self._rows(np.flatnonzero(self.splits == SPLITS.index(split)))

    def named(self, ids: Set[str]) -> PhotoList:
        """Return the photos of these ids."""
        rows = [row for row, photo_id in enumerate(self.ids()) if photo_id in ids]
        return self._rows(np.array(rows, np.int64))

    def __len__(self) -> int:
        return len(self.ends)

    @overload
    def __getitem__(self, index: int) -> PhotoEntry: ...
    @overload
    def __getitem__(self, index: slice) -> PhotoList: ...
    def __getitem__(self, index: int | slice) -> PhotoEntry | PhotoList:
        if isinstance(index, slice):
            return self._rows(np.arange(len(self))[index])
        number = range(len(self))[index]
        width, height = self.sizes[number].tolist()
        return PhotoEntry(
            self._id(number),
            int(self.labels[number]),
            SPLITS[self.splits[number]],
            width,
            height,
        )

    def __iter__(self) -> Iterator[PhotoEntry]:
        return map(self.__getitem__, range(len(self)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def ids(self) -> Iterator[str]:
        """Yield the ids in order."""
        return map(self._id, range(len(self)))

    def _id(self, number: int) -> str:
        return self.text[self._start(number) : self.ends[number]].tobytes().decode()

    def _start(self, number: int) -> int:
        return int(self.ends[number - 1]) if number else 0

    def _rows(self, numbers: np.ndarray) -> PhotoList:
        ends = self.ends[numbers]
        starts = np.where(numbers > 0, self.ends[numbers - 1], 0) if len(numbers) else ends
        lengths = ends - starts
        stops = np.cumsum(lengths)
        # Of each byte that is kept, its place: counted on from where its id begins.
        places = np.arange(lengths.sum()) + np.repeat(starts - (stops - lengths), lengths)
        return PhotoList(
            self.text[places],
            stops,
            self.labels[numbers],
            self.splits[numbers],
            self.sizes[numbers],
        )


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


@dataclass(frozen=True, kw_only=True)
class Summary:
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
    about: dict[str, str] = field(default_factory=dict)
    credits: dict[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    corrections: tuple[Correction, ...] = ()
    grouping: Grouping | None = None

    @classmethod
    def read(cls, folder: Path = DATASET) -> Summary:
        """Read ``dataset.json`` alone.

        Raises:
            UserError: it is damaged.
        """
        return read_json(folder / "dataset.json", Summary)


@dataclass(frozen=True, kw_only=True)
class DatasetInfo(Summary):
    """The summary and the list of the photos; any sequence of them that is given becomes one."""

    photos: PhotoList

    def __post_init__(self) -> None:
        object.__setattr__(self, "photos", PhotoList.of(self.photos))

    def write(self, folder: Path = DATASET) -> None:
        """Write ``dataset.json`` and ``photos.npz``."""
        own = {item.name: getattr(self, item.name) for item in fields(Summary)}
        write_json(folder / "dataset.json", Summary(**own))
        self.photos.write(folder)

    @classmethod
    def read(cls, folder: Path = DATASET) -> DatasetInfo:
        """Read ``dataset.json`` and ``photos.npz``.

        Raises:
            UserError: one of them is damaged.
        """
        summary = Summary.read(folder)
        return cls(**vars(summary), photos=PhotoList.read(folder))


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


def size_summary(photos: PhotoList) -> dict[str, tuple[int, int, int]]:
    """Return (smallest, median, largest) width and height in pixels."""
    return {
        side: (int(sizes.min()), int(np.median(sizes)), int(sizes.max()))
        for side, sizes in zip(("width", "height"), photos.sizes.T, strict=True)
    }
