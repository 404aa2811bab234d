"""``.npz`` files whose bytes depend on the arrays alone, and are checked when they are read."""

from __future__ import annotations

import errno
import math
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import RawIOBase
from pathlib import Path
from typing import IO, BinaryIO

import numpy as np

from transfer_learning.runtime.damage import damaged
from transfer_learning.runtime.errors import UserError, clipped
from transfer_learning.runtime.rows import Rows

# Bytes of what stands before a file in a zip archive, less its name and extra field.
LOCAL_HEADER = 30


@dataclass(frozen=True)
class Streamed:
    """An array that is written as its rows come: ``blocks`` of them make up ``shape``."""

    shape: tuple[int, ...]
    dtype: np.dtype
    blocks: Iterable[np.ndarray]

    @property
    def nbytes(self) -> int:
        """The bytes of the whole array."""
        return math.prod(self.shape) * self.dtype.itemsize

    def write(self, file: IO[bytes]) -> None:
        """Write what ``numpy.lib.format.write_array`` writes of the array in one piece.

        Raises:
            ValueError: the blocks have more or fewer rows.
        """
        descr = np.lib.format.dtype_to_descr(self.dtype)
        header = {"descr": descr, "fortran_order": False, "shape": self.shape}
        np.lib.format.write_array_header_1_0(file, header)
        rows = 0
        for block in self.blocks:
            file.write(block.astype(self.dtype, copy=False).tobytes())
            rows += len(block)
        if rows != self.shape[0]:
            raise ValueError(f"{rows} rows came of an array of {self.shape[0]}")


def write(path: Path | BinaryIO, **arrays: np.ndarray | Streamed) -> None:
    """Write the arrays, in this order, as ``numpy.load`` reads them; a file whole or not at all.

    ``numpy.savez`` asks for ZIP64 headers, which Python writes anew from 3.11.4 on, and takes the
    operating system into the file: with it, DVC finds other bytes on another machine.

    Raises:
        ValueError: an array is of objects.
    """
    if isinstance(path, Path):
        # Not into the file that is there, which may be linked to DVC's cache.
        temporary = path.with_name(path.name + ".part")
        with temporary.open("wb") as part:
            write(part, **arrays)
        temporary.replace(path)
        return
    with zipfile.ZipFile(path, "w") as file:
        for name, array in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy")
            entry.create_system = 3  # Unix, wherever it is written
            # Announced, so that an array of 2 GiB or more gets the headers that it needs.
            entry.file_size = array.nbytes
            with file.open(entry, "w") as member:
                if isinstance(array, Streamed):
                    array.write(member)
                else:
                    np.lib.format.write_array(member, array, allow_pickle=False)


class Stored(Rows):
    """An array of an ``.npz`` file that stays there: rows are read as they are asked for.

    They are read, not mapped: pages of a mapped file would count as the process's own memory.
    """

    def __init__(self, path: Path, name: str) -> None:
        with zipfile.ZipFile(path) as archive:
            entry = archive.getinfo(f"{name}.npy")
            if entry.compress_type != zipfile.ZIP_STORED:
                raise zipfile.BadZipFile(f"{name} is compressed")
            with archive.open(entry) as member:
                version = np.lib.format.read_magic(member)
                reading = {
                    (1, 0): np.lib.format.read_array_header_1_0,
                    (2, 0): np.lib.format.read_array_header_2_0,
                }
                self.shape, fortran, self.dtype = reading[version](member)
                header = member.tell()
        if fortran or self.dtype.hasobject:
            raise zipfile.BadZipFile(f"{name} is not of rows of numbers or text")
        with path.open("rb") as file:
            file.seek(entry.header_offset)
            local = file.read(LOCAL_HEADER)
        # The lengths of a name and of what else stands before the bytes.
        between = sum(int.from_bytes(local[at : at + 2], "little") for at in (26, 28))
        self._path = path
        self._begin = entry.header_offset + LOCAL_HEADER + between + header
        self._row = math.prod(self.shape[1:]) * self.dtype.itemsize

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        if isinstance(rows, slice):
            start, stop, _ = rows.indices(len(self))
            return self._read(np.array([start]), np.array([max(start, stop)]))
        if rows.dtype == bool:
            rows = np.flatnonzero(rows)
        if not len(rows):
            return np.empty((0, *self.shape[1:]), self.dtype)
        # In the order of the file, neighbours at once.
        order = np.argsort(rows, kind="stable")
        wanted = rows[order]
        if wanted[0] < 0 or wanted[-1] >= len(self):
            raise IndexError(f"rows {wanted[0]} to {wanted[-1]} of {len(self)}")
        last = np.append(np.diff(wanted) != 1, True)
        first = np.append(True, last[:-1])
        found = np.empty((len(rows), *self.shape[1:]), self.dtype)
        found[order] = self._read(wanted[first], wanted[last] + 1)
        return found

    def _read(self, starts: np.ndarray, stops: np.ndarray) -> np.ndarray:
        """Return the rows of these stretches of the file."""
        found = np.empty((int((stops - starts).sum()), *self.shape[1:]), self.dtype)
        if found.size:
            rest = found.data.cast("B")
            with self._path.open("rb", buffering=0) as file:
                for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
                    length = (stop - start) * self._row
                    file.seek(self._begin + start * self._row)
                    self._fill(file, rest[:length])
                    rest = rest[length:]
        return found

    def _fill(self, file: RawIOBase, into: memoryview) -> None:
        while len(into):
            count = file.readinto(into)
            if not count:
                raise damaged(self._path, "it ends too early")
            into = into[count:]


def stored(path: Path, *names: str) -> tuple[Stored, ...]:
    """Return the arrays of these names, to be read in pieces, after the checksums of all.

    Raises:
        FileNotFoundError: the file is missing.
        UserError: it is damaged, or lacks one of them.
    """
    with _damage_named(path):
        _check(path)
        with zipfile.ZipFile(path) as file:
            there = file.namelist()
        if missing := [name for name in names if f"{name}.npy" not in there]:
            raise damaged(path, f"it has no {missing[0]}")
        return tuple(Stored(path, name) for name in names)


def read(path: Path, *names: str) -> tuple[np.ndarray, ...]:
    """Read the arrays of these names, after the checksums of all in the file.

    Raises:
        FileNotFoundError: the file is missing.
        UserError: it is damaged, or lacks one of them.
    """
    arrays = read_all(path)
    if missing := [name for name in names if name not in arrays]:
        raise damaged(path, f"it has no {missing[0]}")
    return tuple(arrays[name] for name in names)


def read_all(path: Path) -> dict[str, np.ndarray]:
    """Read all arrays by name, after their checksums.

    Raises:
        FileNotFoundError: the file is missing.
        UserError: it is damaged.
    """
    with _damage_named(path):
        _check(path)
        with np.load(path, allow_pickle=False) as arrays:
            return dict(arrays)


def _check(path: Path) -> None:
    # An array's own header says how far to read, so NumPy alone may stop before the checksum.
    with zipfile.ZipFile(path) as file:
        if name := file.testzip():
            raise zipfile.BadZipFile(f"the checksum of {name} is wrong")


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # Damaged bytes raise nearly anything, EINVAL for a place before 0.
        if isinstance(error, OSError) and error.errno != errno.EINVAL:
            raise
        raise damaged(path, clipped(str(error))) from None
