"""``.npz`` files whose bytes depend on the arrays alone, and are checked when they are read."""

from __future__ import annotations

import errno
import zipfile
from pathlib import Path
from typing import BinaryIO

import numpy as np

from transfer_learning.runtime.damage import damaged
from transfer_learning.runtime.errors import clipped


def write(path: Path | BinaryIO, **arrays: np.ndarray) -> None:
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
                np.lib.format.write_array(member, array, allow_pickle=False)


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
    try:
        # An array's own header says how far to read, so NumPy alone may stop before the checksum.
        with zipfile.ZipFile(path) as file:
            if name := file.testzip():
                raise zipfile.BadZipFile(f"the checksum of {name} is wrong")
        with np.load(path, allow_pickle=False) as arrays:
            return dict(arrays)
    except Exception as error:  # Damaged bytes raise nearly anything, EINVAL for a place before 0.
        if isinstance(error, OSError) and error.errno != errno.EINVAL:
            raise
        raise damaged(path, clipped(str(error))) from None
