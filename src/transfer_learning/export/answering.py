"""One format of an exported classifier on files of photos: its probabilities as ``.npy``.

    python -m transfer_learning.export.answering FORMAT FOLDER OUT.npy PHOTOS.tfrecord…

A process of its own for each format, so that none sees what another has loaded.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

import numpy as np

from transfer_learning.classifier import engines, manifest
from transfer_learning.classifier.classifier import Answer, Classifier
from transfer_learning.photos import pixels, records
from transfer_learning.photos.squares import squares
from transfer_learning.runtime import hardware

# Photos that the SavedModel takes at once.
BATCH = 16


def predict(folder: Path, photos: Iterator[bytes]) -> Iterator[np.ndarray]:
    """Yield what ``transfer-learning predict`` and ``serve`` answer."""
    for _, answer in Classifier.load(folder, megapixels=np.inf).classify((0, p) for p in photos):
        if not isinstance(answer, Answer):
            raise ValueError(answer.reason)
        yield answer.probabilities


def saved_model(folder: Path, photos: Iterator[bytes]) -> Iterator[np.ndarray]:
    """Yield what the SavedModel answers to the bytes, or where it does not take them, to pixels."""
    from transfer_learning.runtime.tensorflow_quiet import tf

    module = tf.saved_model.load(str(folder / engines.SAVED_MODEL))
    by_bytes, by_pixels = (module.signatures[name] for name in ("serving_default", "pixels"))
    while batch := list(islice(photos, BATCH)):
        found: list[np.ndarray | None] = [None] * len(batch)
        plain = [index for index, encoded in enumerate(batch) if takes(encoded)]
        if plain:
            # TensorFlow refuses a few JPEGs that Pillow lets pass.
            with suppress(tf.errors.OpError):
                answers = by_bytes(image_bytes=tf.constant([batch[index] for index in plain]))
                for index, row in zip(plain, answers["probabilities"].numpy(), strict=True):
                    found[index] = row
        for index, encoded in enumerate(batch):
            if found[index] is None:
                whole = pixels.array(pixels.open_photo(encoded))
                found[index] = by_pixels(pixels=whole[np.newaxis])["probabilities"].numpy()[0]
        yield from (row for row in found if row is not None)


def takes(encoded: bytes) -> bool:
    """Whether the SavedModel's ``image_bytes`` shows a photo as the pipeline does."""
    image = pixels.open_photo(encoded)
    if image.format in ("JPEG", "MPO"):
        upright = image.mode in ("RGB", "L") and pixels.orientation(image) == 1
        return upright and not pixels.is_lossless_jpeg(encoded)
    return image.format == "PNG" and pixels.orientation(image) == 1


def litert(name: str, folder: Path, photos: Iterator[bytes]) -> Iterator[np.ndarray]:
    """Yield what a LiteRT model answers."""
    from transfer_learning.runtime.tensorflow_quiet import tf

    found = manifest.read(folder)
    sides = [member.resolution for member in found.members]
    interpreter = tf.lite.Interpreter(str(folder / name), num_threads=hardware.cores())
    run = interpreter.get_signature_runner()
    for encoded in photos:
        by_side = squares(encoded, sides, settings=found.resize, megapixels=np.inf)
        named = {
            engines.pixels_name(index): by_side[side][np.newaxis]
            for index, side in enumerate(sides)
        }
        yield run(**named)["probabilities"][0]


def openvino(folder: Path, photos: Iterator[bytes]) -> Iterator[np.ndarray]:
    """Yield what OpenVINO's network answers, whose head is computed in float32."""
    from transfer_learning.backbones.openvino_network import FLOAT32
    from transfer_learning.runtime.openvino_quiet import openvino

    found = manifest.read(folder)
    network = openvino.Core().compile_model(folder / engines.NETWORK[0], "CPU", FLOAT32)
    for encoded in photos:
        sides = [member.resolution for member in found.members]
        by_side = squares(encoded, sides, settings=found.resize, megapixels=np.inf)
        named = {member.name: by_side[member.resolution][np.newaxis] for member in found.members}
        yield network(named)["probabilities"][0]


def main(kind: str, folder: Path, out: Path, *photos: Path) -> None:
    """Write float64 [N, C]: what the format ``kind`` answers to the photos of TFRecord files."""
    hardware.hide_gpu()
    encoded = (record.image for record in records.read(photos))
    match kind:
        case "predict":
            rows = predict(folder, encoded)
        case "saved_model":
            rows = saved_model(folder, encoded)
        case "openvino":
            rows = openvino(folder, encoded)
        case _:
            rows = litert(kind, folder, encoded)
    np.save(out, np.array([*rows], np.float64))


if __name__ == "__main__":
    main(sys.argv[1], *map(Path, sys.argv[2:]))
