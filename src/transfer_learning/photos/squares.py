"""From a photo's encoded bytes to R × R pixels."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import simplejpeg
from PIL import Image, UnidentifiedImageError

from transfer_learning.config.params import Preprocess
from transfer_learning.photos import pixels, resizing


def squares(
    encoded: bytes, resolutions: Iterable[int], *, settings: Preprocess, megapixels: float
) -> dict[int, np.ndarray]:
    """Return the photo, upright and on white, as uint8 [R, R, 3] by each resolution R.

    Raises:
        ValueError: it is no photo, has more than ``megapixels``, or cannot be decoded; the message
            says which.
    """
    try:
        image = pixels.open_photo(encoded)
        if (found := image.width * image.height / 1e6) > megapixels:
            raise ValueError(f"it has {found:.4g} megapixels, and {megapixels:g} are allowed")
        with pixels.room(image.size):
            whole = _decode(image, encoded)
            return {
                side: resizing.resize(whole, resolution=side, settings=settings)
                for side in dict.fromkeys(resolutions)
            }
    except UnidentifiedImageError:
        raise ValueError(pixels.no_photo() if encoded else "an empty file") from None
    # Pillow's decoders raise OSError for a cut file, and anything for a broken one.
    except Exception as error:
        raise ValueError(str(error) or type(error).__name__) from None


def _decode(image: Image.Image, encoded: bytes) -> np.ndarray:
    """Return an opened photo as uint8 [H, W, 3]."""
    plain = image.format in ("JPEG", "MPO") and image.mode in ("RGB", "L")
    if plain and pixels.orientation(image) == 1:
        try:
            # The same library as Pillow's, without a copy.
            return simplejpeg.decode_jpeg(encoded, "RGB")
        # It stops at what libjpeg only warns of: many real photos have extraneous bytes.
        except ValueError:
            pass
    return pixels.array(image)
