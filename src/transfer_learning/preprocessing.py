"""From a photo's encoded bytes to R × R pixels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from transfer_learning import tensorflow_records
from transfer_learning.decoding import decode
from transfer_learning.errors import UserError
from transfer_learning.params import Preprocess
from transfer_learning.records import Record
from transfer_learning.tensorflow_quiet import tf

# Photos handed from TensorFlow to Python at once.
BATCH = 32


def resize(image: Any, *, resolution: int, settings: Preprocess) -> Any:
    """Resize without keeping the aspect, as the chapter does: uint8 [H, W, 3] → uint8 [R, R, 3]."""
    resized = tf.image.resize(
        image, [resolution, resolution], method=settings.method, antialias=settings.antialias
    )
    return tf.cast(tf.clip_by_value(tf.round(tf.cast(resized, tf.float32)), 0, 255), tf.uint8)


def preprocess(path: Path, *, resolution: int, settings: Preprocess) -> Iterator[Record]:
    """Yield the photos of a file of ``fetch`` as R × R pixels, in the file's order.

    Raises:
        UserError: the file is missing or damaged.
    """

    def convert(payload: Any) -> dict[str, Any]:
        photo = tensorflow_records.parse(payload)
        pixels = resize(decode(photo["image"]), resolution=resolution, settings=settings)
        return photo | {"image": pixels}

    batches = (
        tensorflow_records.payloads(str(path))
        .map(convert, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        .batch(BATCH)
        .prefetch(1)
    )
    try:
        for batch in batches.as_numpy_iterator():
            for photo_id, label, pixels in zip(
                batch["id"], batch["label"], batch["image"], strict=True
            ):
                yield Record(photo_id.decode(), int(label), pixels.tobytes())
    except (tf.errors.DataLossError, tf.errors.NotFoundError):
        raise UserError(f"{path} is missing or damaged; delete it and run dvc repro") from None
