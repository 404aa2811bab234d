"""From a photo's encoded bytes to its pixels, in TensorFlow: those of ``pixels.rgb``, sooner."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from transfer_learning.photos import pixels
from transfer_learning.runtime.tensorflow_quiet import tf


def decode(
    encoded: Any, by_pillow: Any, shrink: Callable[[Any], Any], *, shape: tuple[int | None, ...]
) -> Any:
    """Decode a photo and apply ``shrink``, before which a large one waits for ``pixels.room``.

    Plain JPEGs take TensorFlow's decoder with the accurate integer DCT, whose pixels are those of
    Pillow and OpenCV bit for bit; its default differs by up to 22 levels.

    Args:
        encoded: A string scalar.
        by_pillow: A bool scalar, what ``pixels.needs_pillow`` said.
        shrink: From uint8 [H, W, 3] to uint8 of ``shape``.
        shape: Of the result; None where a side is not known.
    """

    def in_python(encoded: bytes) -> np.ndarray:
        # Outside of a graph the bytes come as an array of no dimension.
        image = pixels.open_photo(bytes(encoded))
        with pixels.room(image.size), tf.device("CPU"):
            whole = pixels.array(image)
            # Its pixels are not needed twice.
            del image
            return np.asarray(shrink(whole))

    return tf.cond(
        by_pillow,
        lambda: tf.ensure_shape(
            tf.numpy_function(in_python, [encoded], tf.uint8, stateful=False), shape
        ),
        lambda: shrink(_decode_jpeg(encoded)),
    )


def check_jpeg(encoded: bytes) -> None:
    """Decode a JPEG as ``preprocess`` will; TensorFlow refuses a few that Pillow lets pass.

    Other formats pass unseen: there ``preprocess`` uses Pillow too.

    Raises:
        ValueError: TensorFlow cannot decode it.
    """
    if tf.io.is_jpeg(encoded):
        try:
            _decode_jpeg(encoded)
        except tf.errors.OpError as error:
            raise ValueError(error.message.splitlines()[0]) from None


def _decode_jpeg(encoded: Any) -> Any:
    return tf.io.decode_jpeg(encoded, channels=3, dct_method="INTEGER_ACCURATE")
