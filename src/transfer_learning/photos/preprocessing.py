"""From a photo's encoded bytes to R × R pixels."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from transfer_learning.config.params import Preprocess
from transfer_learning.photos import records, tf_input
from transfer_learning.photos.decoding import decode
from transfer_learning.photos.records import Record
from transfer_learning.runtime import hardware
from transfer_learning.runtime.tensorflow_quiet import tf

# Photos handed from TensorFlow to Python at once.
BATCH = 32


def resize(image: Any, *, resolution: int, settings: Preprocess) -> Any:
    """Resize without keeping the aspect, as the chapter does: uint8 [H, W, 3] → uint8 [R, R, 3]."""
    resized = tf.image.resize(
        image, [resolution, resolution], method=settings.method, antialias=settings.antialias
    )
    return tf.cast(tf.clip_by_value(tf.round(tf.cast(resized, tf.float32)), 0, 255), tf.uint8)


def preprocess(
    paths: Path | Sequence[Path], *, resolution: int, settings: Preprocess
) -> Iterator[Record]:
    """Yield the photos of files of ``fetch`` as R × R pixels, file after file, in their order.

    One call for all files, because building the graph for each takes as long as 100 photos.

    Raises:
        UserError: a file is missing or damaged.
    """
    paths = [paths] if isinstance(paths, Path) else paths

    def shrink(image: Any) -> Any:
        return resize(image, resolution=resolution, settings=settings)

    def convert(payload: Any) -> dict[str, Any]:
        photo = tf_input.parse(payload)
        by_pillow = tf.cast(photo["by_pillow"], tf.bool)
        pixels = decode(photo["image"], by_pillow, shrink, shape=(resolution, resolution, 3))
        return {"id": photo["id"], "label": photo["label"], "image": pixels}

    batches = (
        # A core that has done one photo finds the next one waiting.
        tf_input.payloads([str(path) for path in paths])
        .map(convert, num_parallel_calls=2 * hardware.cores(), deterministic=True)
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
        # TensorFlow does not say which file is damaged; reading them again does.
        deque(records.read(paths), maxlen=0)
        raise
