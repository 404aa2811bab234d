"""Resizing in TensorFlow, for graphs that do it themselves; ``resizing`` gives the same bytes."""

from __future__ import annotations

from typing import Any

from transfer_learning.config.params import Preprocess
from transfer_learning.runtime.tensorflow_quiet import tf


def resize(image: Any, *, resolution: int, settings: Preprocess) -> Any:
    """Resize without keeping the aspect, as the chapter does: uint8 [H, W, 3] → uint8 [R, R, 3]."""
    resized = tf.image.resize(
        image, [resolution, resolution], method=settings.method, antialias=settings.antialias
    )
    return tf.cast(tf.clip_by_value(tf.round(tf.cast(resized, tf.float32)), 0, 255), tf.uint8)
