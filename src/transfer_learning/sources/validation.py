"""Whether a photo can be decoded, and its size."""

from __future__ import annotations

from dataclasses import dataclass

import simplejpeg
from PIL import Image, UnidentifiedImageError

from transfer_learning.photos import looks, pixels
from transfer_learning.photos.looks import Look


@dataclass(frozen=True)
class Inspected:
    """A photo that can be decoded: its upright width and height, and its look."""

    size: tuple[int, int]
    look: Look


def inspect(encoded: bytes, *, megapixels: float) -> Inspected:
    """Decode a photo wholly.

    What is decoded later is what Pillow recognises here, whatever the file's suffix says.

    Raises:
        ValueError: it has more than ``megapixels``, or cannot be decoded; the message says why.
    """
    return _clean_jpeg(encoded, megapixels) or _any(encoded, megapixels)


_JPEG = b"\xff\xd8\xff"


def _any(encoded: bytes, megapixels: float) -> Inspected:
    try:
        image = pixels.open_photo(encoded, megapixels=megapixels)
        with pixels.room(image.size):
            upright = pixels.rgb(image)
            return Inspected(upright.size, looks.look(encoded, upright))
    except UnidentifiedImageError:
        raise ValueError(pixels.no_photo() if encoded else "an empty file") from None
    # Pillow's decoders raise OSError for a cut file, and anything for a broken one.
    except Exception as error:
        raise ValueError(str(error) or type(error).__name__) from None


def _clean_jpeg(encoded: bytes, megapixels: float) -> Inspected | None:
    """Inspect a JPEG in which libjpeg finds nothing to warn of; else return None.

    A JPEG that is not clean may still be good: many real ones have extraneous bytes.
    """
    if not encoded.startswith(_JPEG):
        return None
    try:
        image = pixels.open_photo(encoded, megapixels=megapixels)
        with pixels.room(image.size):
            decoded = simplejpeg.decode_jpeg(encoded)
            plain = not pixels.needs_pillow(image)
            look = looks.look(encoded, Image.fromarray(decoded)) if plain else None
        # That of the photo as Pillow shows it: turned, or of other colours.
        look = look or looks.look(encoded, looks.reduced(encoded))
    # As in _any, which then says what is wrong.
    except Exception:
        return None
    turned = pixels.orientation(image) >= pixels.FIRST_SIDEWAYS
    return Inspected(image.size[::-1] if turned else image.size, look)
