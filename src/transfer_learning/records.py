"""TFRecord files of ``tf.train.Example``: encoded photos, and photos of R × R pixels.

Examples are serialised deterministically: by default protobuf may order a map's keys anew in
each process, and equal photos would not give equal bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from transfer_learning.tensorflow_quiet import tf

# A record is its length (8 bytes), the length's checksum (4), the payload, its checksum (4):
# tensorflow.org/tutorials/load_data/tfrecord.
_HEADER, _FOOTER = 12, 4

_FEATURES = {
    "id": tf.io.FixedLenFeature([], tf.string),
    "label": tf.io.FixedLenFeature([], tf.int64),
    "image": tf.io.FixedLenFeature([], tf.string),
}


def _serialise(photo_id: bytes, label: int, image: bytes) -> bytes:
    example = tf.train.Example()
    example.features.feature["id"].bytes_list.value.append(photo_id)
    example.features.feature["label"].int64_list.value.append(label)
    example.features.feature["image"].bytes_list.value.append(image)
    return bytes(example.SerializeToString(deterministic=True))


def write(path: Path, photos: Iterable[tuple[str, int, bytes]]) -> list[int]:
    """Write (id, label, image bytes) as a TFRecord file.

    Returns:
        For each photo, the position in the file at which its image bytes begin.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    offsets, position = [], 0
    with tf.io.TFRecordWriter(str(path)) as writer:
        for photo_id, label, image in photos:
            payload = _serialise(photo_id.encode(), label, image)
            offsets.append(position + _HEADER + payload.index(image))
            writer.write(payload)
            position += _HEADER + len(payload) + _FOOTER
    return offsets


def read(path: Path) -> Any:
    """Return a ``tf.data.Dataset`` of the file's {id: string, label: int64, image: string}."""
    return tf.data.TFRecordDataset(str(path)).map(
        lambda record: tf.io.parse_single_example(record, _FEATURES),
        num_parallel_calls=tf.data.AUTOTUNE,
    )


def labels(path: Path) -> list[int]:
    """Return the labels of the file's photos, in its order."""
    return [int(record["label"]) for record in read(path).as_numpy_iterator()]


def read_pixels(path: Path, resolution: int) -> Any:
    """Return a dataset of {id, label, image: uint8 [R, R, 3]} of a file of raw pixels."""

    def pixels(record: dict[str, Any]) -> dict[str, Any]:
        image = tf.reshape(tf.io.decode_raw(record["image"], tf.uint8), [resolution, resolution, 3])
        return record | {"image": image}

    return read(path).map(pixels, num_parallel_calls=tf.data.AUTOTUNE)


def as_photos(dataset: Any) -> Iterator[tuple[str, int, bytes]]:
    """Yield a dataset's records as (id, label, image bytes), ready for ``write``."""
    for record in dataset.prefetch(tf.data.AUTOTUNE).as_numpy_iterator():
        image = record["image"]
        yield (
            record["id"].decode(),
            int(record["label"]),
            image if isinstance(image, bytes) else image.tobytes(),
        )
