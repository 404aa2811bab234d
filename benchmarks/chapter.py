"""The chapter's way, as a yardstick: the frozen network inside the model, in every epoch.

A rewrite for today's TensorFlow of what its notebook does: photos are decoded and resized in each
epoch, shuffled in a buffer of a quarter of the training photos, batched by 367 and pushed through
the frozen network; 6 epochs, validation after each, then a prediction for every test photo.
It is kinder than the notebook: the network's weights are constants, which TensorFlow computes
faster than a hub module's variables.

Prints one JSON object: the seconds of each epoch, of the prediction, and of the whole process.
"""

import argparse
import json
import time
from itertools import pairwise

STARTED = time.perf_counter()

from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

from transfer_learning import backbones  # noqa: E402
from transfer_learning.backbones.artifact import BackboneInfo  # noqa: E402
from transfer_learning.config import params  # noqa: E402
from transfer_learning.runtime.tensorflow_quiet import tf  # noqa: E402
from transfer_learning.sources import registry, splits  # noqa: E402
from transfer_learning.sources.source import Source  # noqa: E402

SLICES = {"train": "train[25%:]", "valid": "train[10%:25%]", "test": "train[:10%]"}


def input_pipelines(source: Source, folder: Path, resolution: int, batch: int) -> dict[str, Any]:
    """Return batches of (image [N, R, R, 3], label [N]) by split, decoded anew in each epoch."""

    def load(path: Any, label: Any) -> tuple[Any, Any]:
        image = tf.io.decode_jpeg(tf.io.read_file(path), channels=3)
        return tf.image.resize(image, [resolution, resolution]) / 255.0, label

    datasets = {}
    for split, positions in splits.resolve(SLICES, len(source.photos)).items():
        photos = [source.photos[position] for position in positions]
        paths = [str(folder / photo.id) for photo in photos]
        dataset = tf.data.Dataset.from_tensor_slices((paths, [photo.label for photo in photos]))
        dataset = dataset.map(load, num_parallel_calls=tf.data.AUTOTUNE)
        if split == "train":
            dataset = dataset.shuffle(len(photos) // 4)
        datasets[split] = dataset.batch(batch).prefetch(tf.data.AUTOTUNE)
    return datasets


def compiled_model(backbone: Path, resolution: int, classes: int) -> Any:
    """Return the frozen network with the head on top, ready to be trained."""
    keras = tf.keras
    model = keras.Sequential(
        [
            keras.Input((resolution, resolution, 3)),
            keras.layers.Lambda(backbones.load(backbone), name="frozen_backbone"),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(classes, name="logits"),
        ]
    )
    model.compile(
        optimizer="adam",
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path, help="a folder of CLASS/PHOTO.jpg")
    parser.add_argument("backbone", type=Path, help="a backbone's artifact, data/backbones/B")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--batch", type=int, default=367)
    options = parser.parse_args()

    folder = params.Folder(path=str(options.photos), classes=None)
    settings = params.load().dataset.model_copy(update={"source": "folder", "folder": folder})
    source = registry.open_source(settings)
    resolution = BackboneInfo.read(options.backbone).resolution
    datasets = input_pipelines(source, options.photos, resolution, options.batch)
    tf.keras.utils.set_random_seed(0)
    model = compiled_model(options.backbone, resolution, len(source.classes))
    ends = [time.perf_counter()]
    clock = tf.keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: ends.append(time.perf_counter())
    )
    history = model.fit(
        datasets["train"],
        epochs=options.epochs,
        validation_data=datasets["valid"],
        callbacks=[clock],
        verbose=0,
    ).history
    start = time.perf_counter()
    logits = model.predict(datasets["test"], verbose=0)
    end = time.perf_counter()
    print(
        json.dumps(
            {
                "photos": len(source.photos),
                "epoch_seconds": [round(b - a, 3) for a, b in pairwise(ends)],
                "predict_seconds": round(end - start, 3),
                "process_seconds": round(end - STARTED, 3),
                "valid_accuracy": round(history["val_accuracy"][-1], 4),
                "test_photos": len(logits),
            }
        )
    )


if __name__ == "__main__":
    main()
