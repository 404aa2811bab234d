"""From a photo's encoded bytes to R × R pixels."""

from __future__ import annotations

from typing import Any

from transfer_learning.decoding import decode
from transfer_learning.params import Preprocess
from transfer_learning.tensorflow_quiet import tf


def resize(image: Any, *, resolution: int, settings: Preprocess) -> Any:
    """Resize without keeping the aspect, as the chapter does: uint8 [H, W, 3] → uint8 [R, R, 3]."""
    resized = tf.image.resize(
        image, [resolution, resolution], method=settings.method, antialias=settings.antialias
    )
    return tf.cast(tf.clip_by_value(tf.round(tf.cast(resized, tf.float32)), 0, 255), tf.uint8)


def preprocess(dataset: Any, *, resolution: int, settings: Preprocess) -> Any:
    """Map a dataset of encoded photos to one of uint8 [R, R, 3], in the same order."""

    def convert(record: dict[str, Any]) -> dict[str, Any]:
        image = resize(decode(record["image"]), resolution=resolution, settings=settings)
        return record | {"image": image}

    return dataset.map(convert, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
