"""A unit of ``fetch``: some photos read and decoded, and what was found of them in one file.

The file is a ZIP archive: each kept photo's encoded bytes under its number in the unit,
``found.npy`` and ``rejected.json``.  So the photos are never in memory together, and each is found
again by itself.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from transfer_learning.photos import looks
from transfer_learning.runtime import parallel
from transfer_learning.runtime.errors import UserError, clipped, one_line
from transfer_learning.sources.source import Place
from transfer_learning.sources.validation import Inspected, inspect
from transfer_learning.work import units
from transfer_learning.work.units import Unit

# What is known of a kept photo: its number in the unit, and what ``inspect`` found.
FOUND = np.dtype(
    [
        ("number", np.int32),
        ("width", np.int32),
        ("height", np.int32),
        ("sha256", np.uint8, 32),
        ("grey", np.uint8, (looks.SIDE, looks.SIDE)),
        *((measure, np.float32) for measure in looks.MEASURES),
    ]
)
# Characters of a decoder's own words.
REASON = 200


class Checker:
    """Reads and decodes a unit's photos: one after the other, or where reading is waiting, many."""

    def __init__(self, megapixels: float, at_once: int, _cores: int) -> None:
        """Open what all units of this worker use.

        Args:
            megapixels: photos of more are rejected.
            at_once: as in ``Source``.
        """
        self._megapixels = megapixels
        self._threads = ThreadPoolExecutor(at_once) if at_once else None

    def __call__(self, unit: Unit, target: Path, advance: Callable[[int], object]) -> None:
        """Write what is found of the photos, whose ids and places are the unit's task."""
        photos: Iterable[tuple[str, Place]] = unit.task
        found, rejected = [], []
        with zipfile.ZipFile(target, "w") as file:
            checked = (
                parallel.ordered(self._threads, self._checked, photos)
                if self._threads
                else map(self._checked, photos)
            )
            for number, (encoded, result) in enumerate(checked):
                if isinstance(result, str):
                    rejected.append([number, result])
                else:
                    found.append(_row(number, result))
                    file.writestr(zipfile.ZipInfo(str(number)), encoded)
                advance(1)
            with file.open(zipfile.ZipInfo("found.npy"), "w") as member:
                np.lib.format.write_array(member, np.array(found, FOUND), allow_pickle=False)
            file.writestr(zipfile.ZipInfo("rejected.json"), json.dumps(rejected))

    def _checked(self, photo: tuple[str, Place]) -> tuple[bytes, Inspected | str]:
        """Return a photo's bytes and what it is found to be, or why it is rejected."""
        name, place = photo
        with units.photo(name):
            encoded = place.read()
            if isinstance(encoded, str):
                return b"", encoded
            try:
                return encoded, inspect(encoded, megapixels=self._megapixels)
            except ValueError as error:
                return b"", clipped(one_line(error), REASON)


class Checked:
    """What a ``Checker`` has written.

    Raises:
        UserError: the file is damaged.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = zipfile.ZipFile(path)
        except zipfile.BadZipFile as error:
            raise _damaged(path, error) from None

    def found(self) -> np.ndarray:
        """Return what is known of the kept photos, ``FOUND`` [K], in the order of the source."""
        with self._file.open("found.npy") as member:
            return np.lib.format.read_array(member, allow_pickle=False)

    def rejected(self) -> list[tuple[int, str]]:
        """Return the other photos' numbers, and why they are rejected."""
        return [(number, reason) for number, reason in json.loads(self._file.read("rejected.json"))]

    def photo(self, number: int) -> bytes:
        """Return the encoded bytes of a kept photo.

        Raises:
            UserError: they are damaged.
        """
        try:
            return self._file.read(str(number))
        except zipfile.BadZipFile as error:
            raise _damaged(self._path, error) from None


def _damaged(path: Path, error: Exception) -> UserError:
    return UserError(f"{path} is damaged ({error}); delete it, and run it again")


def _row(number: int, found: Inspected) -> tuple:
    look = found.look
    measures = (getattr(look, measure) for measure in looks.MEASURES)
    digest = np.frombuffer(look.sha256, np.uint8)
    return number, *found.size, digest, look.grey, *measures
