"""From a photo's encoded bytes to its pixels, by one rule for all that look at it, with Pillow.

A photo is upright (its EXIF orientation is applied), its transparent parts are white, and it has
three channels of 8 bits.  The first picture counts where a file has several.
"""

from __future__ import annotations

import io
import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageFile, UnidentifiedImageError

from transfer_learning.runtime import hardware

# Photo formats that are known by their first bytes.  Pillow reads more: some have no such mark,
# and EPS is a program that it would run.
FORMATS = ("JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF", "JPEG2000", "AVIF", "HEIF", "PPM")
# How to turn a photo upright, by the value of its EXIF orientation.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# From this orientation on, width and height change places.
FIRST_SIDEWAYS = 5
ORIENTATION = 0x0112
# Pixels above which a photo waits for room; where many cores decode, a few megabytes each.
LARGE = 8_000_000
# Rows that are copied at a time.
BAND = 1024
# The pixels that may be in work at once: one photo of the default limit, or a common one per core.
ROOM = 100_000_000
ROOM_PER_CORE = 12_500_000


@cache
def formats() -> tuple[str, ...]:
    """Return those of ``FORMATS`` that are installed; HEIF is where ``pillow_heif`` is."""
    try:
        import pillow_heif
    except ImportError:
        pass
    else:
        pillow_heif.register_heif_opener()
    # Pillow refuses beyond a limit of its own, above which no key could go.
    Image.MAX_IMAGE_PIXELS = None
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


def no_photo() -> str:
    """Return what is said of a file of another kind."""
    return f"not one of {', '.join(formats())}"


def is_photo(path: Path | BinaryIO) -> bool:
    """Say whether a file begins as a photo does.

    Raises:
        OSError: it cannot be read.
    """
    try:
        Image.open(path, formats=formats()).close()
    except UnidentifiedImageError:
        return False
    except OSError:
        raise
    # A header that is damaged in any other way is a photo's still.
    except Exception:
        return True
    return True


def open_photo(encoded: bytes, *, megapixels: float = math.inf) -> Image.Image:
    """Read a photo's header; its pixels are decoded when they are asked for.

    Raises:
        UnidentifiedImageError: it is none of ``formats()``.
        ValueError: it has more than ``megapixels``, or more than 8 bits a channel.
    """
    image = Image.open(io.BytesIO(encoded), formats=formats())
    if (found := image.width * image.height / 1e6) > megapixels:
        raise ValueError(
            f"it has {found:.4g} megapixels, and dataset.folder.max_megapixels is {megapixels:g}"
        )
    if _is_deep(image, encoded):
        raise ValueError("it has more than 8 bits a channel; save it with 8")
    return image


def orientation(image: Image.Image) -> int:
    """Return the EXIF orientation of an image that is opened or decoded: 1 to 8, 1 is upright."""
    try:
        found = image.getexif().get(ORIENTATION, 1)
    # The tags of a damaged header raise anything; the photo itself may be good.
    except Exception:
        return 1
    return found if found in TURNS else 1


def needs_pillow(image: Image.Image) -> bool:
    """Say whether an opened photo needs ``rgb``, because TensorFlow would show it otherwise.

    TensorFlow turns no photo, knows no transparency and no ``room``, lacks most formats, and
    rounds CMYK in another way.
    """
    plain = image.format in ("JPEG", "MPO") and image.mode in ("RGB", "L")
    return not plain or orientation(image) != 1 or image.width * image.height > LARGE


def is_lossless_jpeg(encoded: bytes) -> bool:
    """Say whether a JPEG is lossless, which the libjpeg in TensorFlow does not decode."""
    # Where the bytes stand for something else, it is taken for one; that costs a little time.
    return encoded.startswith(b"\xff\xd8\xff") and b"\xff\xc3" in encoded


def rgb(image: Image.Image) -> Image.Image:
    """Decode an opened photo: upright, on white, mode RGB.

    Raises:
        Exception: of any kind, where it cannot be decoded; Pillow's decoders name none.
    """
    # First: a TIFF is turned, and a PNG's orientation read, while it is decoded.
    image.load()
    if (turn := orientation(image)) in TURNS:
        image = image.transpose(TURNS[turn])
    if not image.has_transparency_data:
        return image if image.mode == "RGB" else image.convert("RGB")
    colours = image.convert("RGBA")
    white = Image.new("RGB", image.size, "white")
    white.paste(colours, mask=colours)
    return white


def array(image: Image.Image) -> np.ndarray:
    """Return what ``rgb`` makes of an opened photo as uint8 [H, W, 3]."""
    upright = rgb(image)
    width, height = upright.size
    found = np.empty((height, width, 3), np.uint8)
    # In bands, because numpy alone would hold all pixels twice.
    for top in range(0, height, BAND):
        bottom = min(top + BAND, height)
        found[top:bottom] = np.asarray(upright.crop((0, top, width, bottom)))
    return found


@contextmanager
def room(size: tuple[int, int]) -> Iterator[None]:
    """Wait until a photo of that width and height has room beside those in work in this process.

    Memory is then bounded by pixels, however many photos are in work at once.
    """
    with _ROOM.taken(size[0] * size[1]):
        yield


class _Room:
    def __init__(self) -> None:
        self._free = self._whole = max(ROOM, ROOM_PER_CORE * hardware.cores())
        self._changed = threading.Condition()

    @contextmanager
    def taken(self, pixels: int) -> Iterator[None]:
        # One larger than the whole room has it alone.
        pixels = min(pixels, self._whole)
        with self._changed:
            self._changed.wait_for(lambda: self._free >= pixels)
            self._free -= pixels
        try:
            yield
        finally:
            with self._changed:
                self._free += pixels
                self._changed.notify_all()


_ROOM = _Room()


def _is_deep(image: ImageFile.ImageFile, encoded: bytes) -> bool:
    """Say whether a channel has more than 8 bits; Pillow cuts some to 8 and clips others."""
    if image.mode.startswith(("I", "F")):
        return True
    if image.format == "JPEG2000":
        # ITU-T T.800, A.5.1: the size marker follows the start; its 41st byte is the first depth.
        at = encoded.find(b"\xff\x4f\xff\x51") + 2
        return at > 1 and (encoded[at + 40] & 0x7F) + 1 > 8
    return any(";16" in str(tile.args) for tile in image.tile)
