"""Small pictures of the test photos, ready for a page: ``data/dataset/thumbnails.npz``."""

from __future__ import annotations

import io
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from transfer_learning.config.paths import DATASET
from transfer_learning.photos import pixels
from transfer_learning.runtime import hardware, npz, parallel

SIDE = 128  # pixels
QUALITY = 75  # WebP's own default; about 3 kB a photo


def write(folder: Path, photos: Iterable[tuple[str, Image.Image]]) -> None:
    """Write the centre square of each photo, given with its id, as WebP of ``SIDE`` pixels.

    The arrays are ``ids`` str [N], ``sizes`` int64 [N] and ``webp`` uint8, the files one after
    the other.  A photo may be opened only: what is not loaded is decoded at a reduced scale.
    """
    ids: list[str] = []
    files: list[bytes] = []
    with ThreadPoolExecutor(hardware.cores()) as executor:
        for photo_id, file in parallel.ordered(executor, _encode, photos):
            ids.append(photo_id)
            files.append(file)
    npz.write(
        folder / "thumbnails.npz",
        ids=np.array(ids, dtype=np.str_),
        sizes=np.array([len(file) for file in files], np.int64),
        webp=np.frombuffer(b"".join(files), np.uint8),
    )


def read(folder: Path = DATASET) -> dict[str, bytes]:
    """Return the WebP file of each test photo by its id, in the order of the split.

    Raises:
        UserError: the file is damaged.
    """
    ids, sizes, webp = npz.read(folder / "thumbnails.npz", "ids", "sizes", "webp")
    contents, ends = webp.tobytes(), np.cumsum(sizes)
    return {
        str(photo_id): contents[end - size : end]
        for photo_id, size, end in zip(ids, sizes, ends, strict=True)
    }


def _encode(photo: tuple[str, Image.Image]) -> tuple[str, bytes]:
    photo_id, image = photo
    # JPEGs alone know smaller scales; twice the side leaves the resizing something to average.
    image.draft("RGB", (2 * SIDE, 2 * SIDE))
    with pixels.room(image.size):
        square = ImageOps.fit(pixels.rgb(image), (SIDE, SIDE))
    file = io.BytesIO()
    square.save(file, "WEBP", quality=QUALITY)
    return photo_id, file.getvalue()
