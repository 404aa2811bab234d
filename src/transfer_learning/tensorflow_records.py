"""Files of ``records`` in TensorFlow: payloads as a dataset, and what they hold as tensors."""

from __future__ import annotations

from typing import Any

from transfer_learning.tensorflow_quiet import tf

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
    """Parse one payload or [N]: {id: string, label: int64, image: string}, each [] or [N]."""
    return tf.io.parse_example(payloads, _FEATURES)
