"""``.npz`` files whose bytes depend on the arrays alone, and are checked when they are read."""

from __future__ import annotations

import errno
import math
import os
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

import numpy as np

from transfer_learning.runtime.damage import damaged
from transfer_learning.runtime.errors import UserError, clipped

# Bytes that are read at a time.
BLOCK = 2**23
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
    """Write the arrays, in this order, as ``numpy.load`` reads them.

    ``numpy.savez`` asks for ZIP64 headers, which Python writes anew from 3.11.4 on, and takes the
    operating system into the file: with it, DVC finds other bytes on another machine.

    Raises:
        ValueError: an array is of objects.
    """
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


class Stored:
    """An array of an ``.npz`` file that stays there: rows are read as they are asked for.

    Its ``shape``, ``dtype``, length and rows are those of the array.  They are read, not mapped:
    pages of a mapped file would count as the process's own memory.
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
        self._file = path.open("rb", buffering=0)
        self._file.seek(entry.header_offset)
        local = self._file.read(LOCAL_HEADER)
        # The lengths of a name and of what else stands before the bytes.
        between = sum(int.from_bytes(local[at : at + 2], "little") for at in (26, 28))
        self._begin = entry.header_offset + LOCAL_HEADER + between + header
        self._row = math.prod(self.shape[1:]) * self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """The bytes of the whole array."""
        return len(self) * self._row

    def __len__(self) -> int:
        return int(self.shape[0])

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        """Return these rows: a slice of step 1, or numbers (or a mask) in any order."""
        if isinstance(rows, slice):
            start, stop, _ = rows.indices(len(self))
            return self._read(start, max(start, stop))
        if rows.dtype == bool:
            rows = np.flatnonzero(rows)
        found = np.empty((len(rows), *self.shape[1:]), self.dtype)
        into = found.data.cast("B") if found.size else memoryview(b"")
        # In the order of the file, which reads ahead.
        for place in np.argsort(rows, kind="stable").tolist():
            at = place * self._row
            self._fill(into[at : at + self._row], int(rows[place]))
        return found

    def blocks(self) -> Iterator[np.ndarray]:
        """Yield all rows in order, a few megabytes at a time."""
        step = max(1, BLOCK // max(1, self._row))
        for start in range(0, len(self), step):
            yield self[start : start + step]

    def __array__(self, dtype: np.dtype | None = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise ValueError("an array that is read is always a copy")
        return self._read(0, len(self)).astype(dtype or self.dtype, copy=False)

    def _read(self, start: int, stop: int) -> np.ndarray:
        found = np.empty((stop - start, *self.shape[1:]), self.dtype)
        if found.size:
            self._fill(found.data.cast("B"), start)
        return found

    def _fill(self, into: memoryview, row: int) -> None:
        done, begin = 0, self._begin + row * self._row
        while done < len(into):
            count = os.preadv(self._file.fileno(), [into[done:]], begin + done)
            if not count:
                raise damaged(Path(self._file.name), "it ends too early")
            done += count


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
