"""Whether TensorFlow decodes a photo."""

from __future__ import annotations

from transfer_learning.runtime.tensorflow_quiet import tf


def check_jpeg(encoded: bytes) -> None:
    """Decode a JPEG as TensorFlow does, which refuses a few that Pillow lets pass.

    Other formats pass unseen.

    Raises:
        ValueError: TensorFlow cannot decode it.
    """
    if tf.io.is_jpeg(encoded):
        try:
            # The accurate integer DCT gives the pixels of Pillow; the default differs from them.
            tf.io.decode_jpeg(encoded, channels=3, dct_method="INTEGER_ACCURATE")
        except tf.errors.OpError as error:
            raise ValueError(error.message.splitlines()[0]) from None
