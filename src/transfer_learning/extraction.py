"""Each photo through the frozen network, once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from transfer_learning import records
from transfer_learning.backbones import Extractor
from transfer_learning.features import Features
from transfer_learning.tensorflow_quiet import tf

BATCH = 32


def extract(
    path: Path, extractor: Extractor, *, resolution: int, classes: tuple[str, ...]
) -> Iterator[Features]:
    """Yield the features of a file of R × R photos, a batch at a time, in the file's order."""
    dataset = records.read_pixels(path, resolution).batch(BATCH).prefetch(tf.data.AUTOTUNE)
    for batch in dataset:
        images = tf.cast(batch["image"], tf.float32) / 255.0
        yield Features(
            features=np.asarray(extractor(images), np.float32),
            labels=batch["label"].numpy(),
            ids=np.array([photo_id.decode() for photo_id in batch["id"].numpy()]),
            classes=np.array(classes),
        )


def joined(batches: list[Features]) -> Features:
    """Join batches into one set of features."""
    return Features(
        features=np.concatenate([batch.features for batch in batches]),
        labels=np.concatenate([batch.labels for batch in batches]),
        ids=np.concatenate([batch.ids for batch in batches]),
        classes=batches[0].classes,
    )
