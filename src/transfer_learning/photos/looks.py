"""How each photo looks, in few numbers: ``data/dataset/looks.npz``, which ``fetch`` writes.

They are counted in whole numbers of pixels that Pillow reduces in whole numbers too, so that every
processor finds the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageChops, ImageFilter

from transfer_learning.config.paths import DATASET
from transfer_learning.photos import pixels
from transfer_learning.runtime import npz
from transfer_learning.runtime.rows import Table, choose

FILE = "looks.npz"
# Pixels of the longer side on which light, colour and sharpness are measured, and of a side of the
# small grey square in which photos are compared.
MEASURED, SIDE = 256, 32
# The share of the pixels that are less sharp than what is given as sharpness: a photo is as sharp
# as its sharpest part, however much of it is background.
SHARPEST = 0.99
LEVELS = np.arange(256)
# Bytes of greys up to which they are read into memory: those of 65,000 photos.
RESIDENT = 2**26
# A pixel less the mean of its four neighbours, moved so that 8 bits hold it.
MIDDLE = 128
EDGES = ImageFilter.Kernel((3, 3), (0, -1, 0, -1, 4, -1, 0, -1, 0), scale=4, offset=MIDDLE)


# The names of what is measured of a photo.
MEASURES = ("light", "colour", "variety", "sharpness")


@dataclass(frozen=True)
class Look:
    """One photo: the sha256 of its bytes, uint8 [SIDE, SIDE] of its grey, and four measures.

    In levels of 0 to 255, ``light`` is its mean grey, ``colour`` the mean distance between a
    pixel's strongest and weakest channel, ``variety`` the largest standard deviation of a channel,
    and ``sharpness`` how far the sharpest percent are from the mean of their four neighbours.
    """

    sha256: bytes
    grey: np.ndarray
    light: float
    colour: float
    variety: float
    sharpness: float


@dataclass(frozen=True)
class Looks:
    """Of N photos: ``ids`` str [N], ``sha256`` uint8 [N, 32], ``grey`` uint8 [N, SIDE, SIDE].

    ``light``, ``colour``, ``variety`` and ``sharpness`` are float32 [N], as in ``Look``.  The greys
    of many photos stay in their file.
    """

    ids: np.ndarray
    sha256: np.ndarray
    grey: Table
    light: np.ndarray
    colour: np.ndarray
    variety: np.ndarray
    sharpness: np.ndarray

    @classmethod
    def of(cls, photos: Iterable[tuple[str, Look]]) -> Looks:
        """Return the table of photos that are given with their ids."""
        ids, looks = zip(*photos, strict=True)
        return cls(
            np.array(ids, dtype=np.str_),
            np.frombuffer(b"".join(look.sha256 for look in looks), np.uint8).reshape(-1, 32),
            np.stack([look.grey for look in looks]),
            *(np.array([getattr(look, key) for look in looks], np.float32) for key in MEASURES),
        )

    def of_photos(self, ids: Iterable[str]) -> Looks:
        """Return the table of these photos, in their order."""
        rows = {photo_id: row for row, photo_id in enumerate(self.ids.tolist())}
        chosen = np.array([rows[photo_id] for photo_id in ids], np.int64)
        columns: dict[str, Any] = {
            name: choose(column, chosen) for name, column in vars(self).items()
        }
        return Looks(**columns)

    def write(self, folder: Path) -> None:
        """Write ``looks.npz``, whose bytes depend on nothing but the photos."""
        folder.mkdir(parents=True, exist_ok=True)
        npz.write(folder / FILE, **vars(self))

    @classmethod
    def read(cls, folder: Path = DATASET) -> Looks:
        """Read ``looks.npz``.

        Raises:
            UserError: the file is damaged.
        """
        names = cls.__dataclass_fields__
        columns = dict(zip(names, npz.stored(folder / FILE, *names), strict=True))
        grey = columns.pop("grey")
        small = {name: column[:] for name, column in columns.items()}
        return cls(grey=grey[:] if grey.nbytes <= RESIDENT else grey, **small)


def look(encoded: bytes, image: Image.Image) -> Look:
    """Measure a photo.

    Args:
        encoded: its file's bytes.
        image: the same, upright, of mode RGB.
    """
    share = min(1.0, MEASURED / max(image.size))
    width, height = (max(1, round(share * side)) for side in image.size)
    small = image.resize((width, height), Image.Resampling.BOX)
    grey, channels = small.convert("L"), small.split()
    strongest = reduce(ImageChops.lighter, channels)
    weakest = reduce(ImageChops.darker, channels)
    return Look(
        sha256=hashlib.sha256(encoded).digest(),
        grey=np.asarray(grey.resize((SIDE, SIDE), Image.Resampling.BOX)),
        light=_spread(grey)[0],
        colour=_spread(ImageChops.subtract(strongest, weakest))[0],
        variety=max(_spread(channel)[1] for channel in channels),
        sharpness=_sharpness(grey),
    )


def reduced(encoded: bytes) -> Image.Image:
    """Decode a photo as ``pixels.rgb`` does, a JPEG at a scale that still suffices for ``look``."""
    image = pixels.open_photo(encoded)
    image.draft("RGB", (2 * MEASURED, 2 * MEASURED))
    with pixels.room(image.size):
        return pixels.rgb(image)


def _spread(channel: Image.Image) -> tuple[float, float]:
    """Return the mean and the standard deviation of a channel's levels."""
    counts = np.array(channel.histogram())
    mean = counts @ LEVELS / counts.sum()
    return float(mean), float(np.sqrt(counts @ (LEVELS - mean) ** 2 / counts.sum()))


def _sharpness(grey: Image.Image) -> float:
    width, height = grey.size
    if min(grey.size) < 3:
        return 0.0
    # Pillow leaves the outermost pixels as they are.
    inside = grey.filter(EDGES).crop((1, 1, width - 1, height - 1))
    counts = np.array(inside.histogram())
    by_distance = np.bincount(np.abs(LEVELS - MIDDLE), weights=counts)
    return float(np.searchsorted(by_distance.cumsum(), SHARPEST * counts.sum()))
