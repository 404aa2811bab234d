"""The photos that ``fetch`` keeps: their bytes in the files of its units, the rest as one table."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from transfer_learning.photos import looks, pixels
from transfer_learning.photos.dataset import PhotoEntry
from transfer_learning.photos.looks import Looks
from transfer_learning.photos.records import Record
from transfer_learning.sources.checking import FOUND, Checked
from transfer_learning.sources.source import Photo

# Files of units that are open at a time; an evicted one is closed.  In the order of the source one
# would do, and stratified photos come from a few.
OPEN = 16


@dataclass(frozen=True)
class Kept:
    """N photos in the order in which slices count them.

    ``found`` is ``FOUND`` [N], whose ``number`` is the photo's position in ``photos`` here, and
    ``labels`` int32 [N].  ``starts`` says with which photo each of the ``files`` begins.
    """

    photos: Sequence[Photo]
    found: np.ndarray
    labels: np.ndarray
    files: Sequence[Path]
    starts: Sequence[int]

    def ordered(self, positions: Sequence[int]) -> Kept:
        """Return the photos at these positions, in their order."""
        chosen = np.array(positions)
        return replace(self, found=self.found[chosen], labels=self.labels[chosen])

    def ids(self) -> list[str]:
        """Return the ids, in the order."""
        return [self.photos[number].id for number in self.found["number"].tolist()]

    def looks(self) -> Looks:
        """Return how the photos look."""
        columns = (self.found[name] for name in ("sha256", "grey", *looks.MEASURES))
        return Looks(np.array(self.ids(), np.str_), *columns)

    def entries(self, positions: Sequence[int], split: str) -> Iterator[PhotoEntry]:
        """Yield the entries of the photos at these positions, which are a split's."""
        for position in positions:
            number, width, height, *_ = self.found[position].item()
            label = int(self.labels[position])
            yield PhotoEntry(self.photos[number].id, label, split, width, height)

    def records(self, positions: Sequence[int]) -> Iterator[Record]:
        """Yield the photos at these positions, with their bytes.

        Raises:
            UserError: a unit's file is damaged.
        """
        opened = lru_cache(OPEN)(Checked)
        for position in positions:
            number = int(self.found["number"][position])
            unit = bisect_right(self.starts, number) - 1
            yield Record(
                self.photos[number].id,
                int(self.labels[position]),
                opened(self.files[unit]).photo(number - self.starts[unit]),
            )

    def opened(self, positions: Sequence[int]) -> Iterator[tuple[str, Image.Image]]:
        """Yield the ids and the opened photos at these positions."""
        for record in self.records(positions):
            yield record.id, pixels.open_photo(record.image)


class Gathering:
    """Builds a ``Kept`` from the files of units, in a table that grows with no copy."""

    def __init__(self, photos: Sequence[Photo]) -> None:
        """Make room for all ``photos`` of the source."""
        self._photos = photos
        self._found = np.empty(len(photos), FOUND)
        self._files: list[Path] = []
        self._starts: list[int] = []
        self._taken = self._count = 0

    def add(self, path: Path) -> Iterator[tuple[Photo, str]]:
        """Take the next unit's file, and yield the photos that it rejects, and why.

        Raises:
            UserError: the file is damaged.
        """
        checked = Checked(path)
        start, found, rejected = self._taken, checked.found(), checked.rejected()
        found["number"] += start
        self._found[self._count : self._count + len(found)] = found
        self._files.append(path)
        self._starts.append(start)
        self._count += len(found)
        self._taken += len(found) + len(rejected)
        for number, reason in rejected:
            yield self._photos[start + number], reason

    def kept(self, labels: Sequence[int]) -> Kept:
        """Return what was gathered, under these labels of all photos of the source."""
        found = self._found[: self._count]
        chosen = np.array(labels, np.int32)[found["number"]]
        return Kept(self._photos, found, chosen, self._files, self._starts)
