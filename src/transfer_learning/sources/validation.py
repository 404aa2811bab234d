"""Whether a photo can be decoded, and its size."""

from __future__ import annotations

import io

import simplejpeg
from PIL import Image, UnidentifiedImageError

# What is decoded later is what Pillow recognised here, whatever the file's suffix says.
FORMATS = ("JPEG", "PNG", "BMP", "GIF", "WEBP")


def _decoded_size(encoded: bytes) -> tuple[int, int]:
    """Decode with Pillow and return width and height in pixels.

    Raises:
        ValueError: it cannot be decoded; the message says why.
    """
    try:
        with Image.open(io.BytesIO(encoded), formats=FORMATS) as image:
            image.load()
            # Pillow would cut it to 8 bits at white instead of scaling it.
            if image.mode.startswith("I"):
                raise ValueError("it has more than 8 bits a channel; save it with 8")
            return image.size
    except UnidentifiedImageError:
        kind = "an empty file" if not encoded else f"not one of {', '.join(FORMATS)}"
        raise ValueError(kind) from None
    # Pillow's decoders raise OSError for a cut file, SyntaxError or ValueError for a broken one.
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError(str(error)) from None


def decoded_size(encoded: bytes) -> tuple[int, int]:
    """Decode a photo wholly and return its width and height in pixels.

    Raises:
        ValueError: Pillow or, for a JPEG, TensorFlow cannot decode it; the message says why.
    """
    if (size := _size_of_clean_jpeg(encoded)) is not None:
        return size
    size = _decoded_size(encoded)
    if encoded.startswith(_JPEG):
        # Imported for the few that need it: TensorFlow's start takes longer than 1,000 photos.
        from transfer_learning.photos.decoding import check_jpeg

        check_jpeg(encoded)
    return size


_JPEG = b"\xff\xd8\xff"
_LOSSLESS_JPEG = b"\xff\xc3"


def _size_of_clean_jpeg(encoded: bytes) -> tuple[int, int] | None:
    """Return width and height of a JPEG in which libjpeg finds nothing to warn of, else None.

    A JPEG that is not clean may still be good: many real ones have extraneous bytes.
    """
    # libjpeg decodes lossless JPEGs by now; the one in TensorFlow does not.
    if not encoded.startswith(_JPEG) or _LOSSLESS_JPEG in encoded:
        return None
    try:
        with Image.open(io.BytesIO(encoded), formats=["JPEG"]) as image:
            simplejpeg.decode_jpeg(encoded)
            return image.size
    # As in _decoded_size, which then says what is wrong.
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None
