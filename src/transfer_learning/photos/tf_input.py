"""Files of ``records`` in TensorFlow: payloads, what they hold, and pixels in batches.

A stage without TensorFlow reads the same files with ``records.read``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from transfer_learning.photos import records, tf_input
from transfer_learning.runtime.tensorflow_quiet import tf

_FEATURES = {
    "id": tf.io.FixedLenFeature([], tf.string),
    "label": tf.io.FixedLenFeature([], tf.int64),
    "image": tf.io.FixedLenFeature([], tf.string),
}
# Bytes read at once; unset, TensorFlow prints which value it takes.
_BUFFER = 2**20


def payloads(path: Any) -> Any:
    """Return a dataset of a file's records, checked but not parsed; ``path`` is a string."""
    return tf.data.TFRecordDataset(path, buffer_size=_BUFFER)


def parse(payloads: Any) -> dict[str, Any]:
    """Parse one payload or [N]: {id, image: string, label: int64}, each [] or [N]."""
    return tf.io.parse_example(payloads, _FEATURES)


def pixel_dataset(paths: Sequence[Path], resolution: int, *, batch: int, readers: int = 4) -> Any:
    """Return batches of a split's photos, in its order: {id [N], label [N], image [N, R, R, 3]}.

    ``readers`` files are read, checked and parsed at a time; the order is kept because all of a
    file comes before the next, which buffers about three files a reader.

    Args:
        paths: What ``records.shards`` returns.
        resolution: R, the side of the photos in pixels.
        batch: N; it divides ``records.SHARD``, and only the last batch is smaller.
        readers: How many files are read at a time.
    """
    if records.SHARD % batch:
        raise ValueError(f"a batch of {batch} photos does not divide a file of {records.SHARD}")

    def pixels(payloads: Any) -> dict[str, Any]:
        photos = tf_input.parse(payloads)
        images = tf.io.decode_raw(photos["image"], tf.uint8)
        images = tf.reshape(images, [-1, resolution, resolution, 3])
        return {"id": photos["id"], "label": photos["label"], "image": images}

    return tf.data.Dataset.from_tensor_slices([str(path) for path in paths]).interleave(
        lambda path: tf_input.payloads(path).batch(batch).map(pixels),
        cycle_length=readers,
        block_length=records.SHARD // batch,
        num_parallel_calls=readers,
        deterministic=True,
    )
