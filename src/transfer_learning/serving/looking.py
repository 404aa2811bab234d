"""A look at a photo's header, before it may take its turn: what is refused, and with what status.

The classifier refuses the same photos and more, with a reason but without a status; the limits of
a server are none of its business.
"""

from __future__ import annotations

from PIL import Image, UnidentifiedImageError

from transfer_learning.photos import pixels
from transfer_learning.runtime.errors import clipped
from transfer_learning.serving.problems import Problem

# Megapixels that all passes over a JPEG may have.  A progressive one is decoded in scans, each a
# pass over all pixels that may cost a few hundred bytes of file: 20 MB could take an hour.  Cameras
# and encoders write at most a dozen.
PASSES = 2_000.0
START_OF_SCAN = b"\xff\xda"


def look(photo: bytes, *, megapixels: float) -> Problem | None:
    """Return why a photo is refused at first sight, if it is.

    Args:
        photo: its encoded bytes.
        megapixels: the most that it may have.
    """
    try:
        image = pixels.open_photo(photo)
    except UnidentifiedImageError:
        return Problem(415, f"no photo: {pixels.no_photo()}")
    # A damaged header raises anything.
    except Exception as error:
        return Problem(422, f"the photo cannot be read: {_line(error)}")
    found = image.width * image.height / 1e6
    if found > megapixels:
        return Problem(
            413, f"the photo has {found:,.4g} megapixels, and {megapixels:g} are allowed"
        )
    if _scans(image, photo) * found > PASSES:
        return Problem(422, "the JPEG has too many scans for its size")
    return None


def _line(error: Exception) -> str:
    return clipped(str(error).partition("\n")[0] or type(error).__name__)


def _scans(image: Image.Image, photo: bytes) -> int:
    return photo.count(START_OF_SCAN) if image.format in ("JPEG", "MPO") else 1
