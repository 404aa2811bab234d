"""Small pictures of photos, ready for a page: ``thumbnails.npz`` of a folder.

Those of the test photos are in ``data/dataset``, those of some training photos in
``data/neighbours``.
"""

from __future__ import annotations

import io
import math
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from transfer_learning.config.paths import DATASET
from transfer_learning.photos import pixels
from transfer_learning.runtime import hardware, npz, parallel
from transfer_learning.runtime.rows import Rows

# Pixels of the longer side, by the number of photos up to which a page can hold them so large:
# of photos of flowers 6.5, 2.6 and 1.7 kB each.
SIDES = {400: 224, 2000: 128, math.inf: 96}
FILE = "thumbnails.npz"
# Bytes that are copied at a time.
BLOCK = 2**20
QUALITY = 65  # of WebP; its default of 75 takes a sixth more, and looks the same


def side(photos: int) -> int:
    """Return the longer side, in pixels, of so many thumbnails."""
    return next(side for most, side in SIDES.items() if photos <= most)


def write(folder: Path, photos: Iterable[tuple[str, Image.Image]], *, side: int) -> None:
    """Write each photo, given with its id, as WebP: whole, in its own shape, never enlarged.

    Its longer side has at most ``side`` pixels.  The arrays are ``ids`` str [N], ``sizes`` int64
    [N] and ``webp`` uint8, the files one after the other.  A photo may be opened only: what is not
    loaded is decoded at a reduced scale.
    """
    ids: list[str] = []
    sizes: list[int] = []
    with ThreadPoolExecutor(hardware.cores()) as executor, tempfile.TemporaryFile() as spool:
        for photo_id, file in parallel.ordered(executor, partial(_encode, side), photos):
            ids.append(photo_id)
            sizes.append(len(file))
            spool.write(file)
        spool.seek(0)
        blocks = (np.frombuffer(block, np.uint8) for block in iter(lambda: spool.read(BLOCK), b""))
        folder.mkdir(parents=True, exist_ok=True)
        npz.write(
            folder / FILE,
            ids=np.array(ids, dtype=np.str_),
            sizes=np.array(sizes, np.int64),
            webp=npz.Streamed((sum(sizes),), np.dtype(np.uint8), blocks),
        )


class Thumbnails(Mapping[str, bytes]):
    """The WebP file of each photo by its id, in the file's order, read when it is asked for."""

    def __init__(self, ids: np.ndarray, sizes: np.ndarray, webp: Rows) -> None:
        self._rows = {photo_id: row for row, photo_id in enumerate(ids.tolist())}
        self._ends, self._sizes, self._webp = np.cumsum(sizes), sizes, webp

    def __getitem__(self, photo_id: str) -> bytes:
        row = self._rows[photo_id]
        end = self._ends[row]
        return self._webp[end - self._sizes[row] : end].tobytes()

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


def read(folder: Path = DATASET) -> Thumbnails:
    """Return the WebP file of each photo by its id, in the order in which they were written.

    Raises:
        UserError: the file is damaged.
    """
    ids, sizes, webp = npz.stored(folder / FILE, "ids", "sizes", "webp")
    return Thumbnails(ids[:], sizes[:], webp)


def _encode(side: int, photo: tuple[str, Image.Image]) -> tuple[str, bytes]:
    photo_id, image = photo
    # JPEGs alone know smaller scales; twice the size leaves the resizing something to average.
    scale = min(1, 2 * side / max(image.size))
    image.draft("RGB", (math.ceil(scale * image.width), math.ceil(scale * image.height)))
    with pixels.room(image.size):
        small = pixels.rgb(image)
        # A copy, for ``rgb`` may give the image itself back.
        small = small.copy() if small is image else small
        small.thumbnail((side, side), reducing_gap=None)
    file = io.BytesIO()
    small.save(file, "WEBP", quality=QUALITY)
    return photo_id, file.getvalue()
