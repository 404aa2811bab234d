"""From a photo's encoded bytes to its pixels, in TensorFlow."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image

from transfer_learning.runtime.tensorflow_quiet import tf


def decode(encoded: Any) -> Any:
    """Decode a photo: string scalar → uint8 [H, W, 3].

    JPEGs take TensorFlow's decoder with the accurate integer DCT, whose pixels are those of
    Pillow and OpenCV bit for bit; its default differs by up to 22 levels.  Other formats take
    Pillow, which reads all that ``fetch`` admits (TensorFlow has no WebP decoder here).
    """
    return tf.cond(
        tf.io.is_jpeg(encoded),
        lambda: _decode_jpeg(encoded),
        lambda: tf.ensure_shape(
            tf.numpy_function(_decode_with_pillow, [encoded], tf.uint8, stateful=False),
            [None, None, 3],
        ),
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


def _decode_with_pillow(encoded: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(encoded)).convert("RGB"))
