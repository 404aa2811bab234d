"""Writes ``.npz`` files whose bytes depend on the arrays alone."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np


def write(path: Path, **arrays: np.ndarray) -> None:
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
                np.lib.format.write_array(member, array, allow_pickle=False)
