"""Backbones in the formats of engines that read no SavedModel, and a network of random weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transfer_learning.backbones.artifact import BackboneInfo


def converted(artifact: Path, suffix: str) -> Path:
    """Return where ``convert`` leaves its file."""
    return artifact / f"benchmark.{suffix}"


def convert(artifact: Path, suffix: str) -> None:
    """Convert a backbone for an engine that reads no SavedModel."""
    from transfer_learning import backbones
    from transfer_learning.backbones import freeze
    from transfer_learning.runtime.tensorflow_quiet import tf

    target = converted(artifact, suffix)
    if suffix == "pb":
        freeze.write_frozen_graph(backbones.load(artifact), target)
    elif suffix == "onnx":
        import tf2onnx

        resolution = BackboneInfo.read(artifact).resolution
        tf2onnx.convert.from_function(
            backbones.load(artifact),
            input_signature=[tf.TensorSpec([None, resolution, resolution, 3], tf.float32)],
            output_path=str(target),
        )
    else:
        extractor: Any = backbones.load(artifact)
        function = extractor.get_concrete_function()
        converter = tf.lite.TFLiteConverter.from_concrete_functions([function], extractor)
        target.write_bytes(converter.convert())


def random_inception(folder: Path) -> Path:
    """Save Keras's Inception-v3 with random weights as a backbone's artifact."""
    from transfer_learning.runtime.tensorflow_quiet import tf

    tf.keras.utils.set_random_seed(0)
    network = tf.keras.applications.InceptionV3(weights=None, include_top=False, pooling="avg")
    images = tf.keras.Input((299, 299, 3))
    tf.keras.Model(images, network(images)).export(str(folder / "saved_model"), verbose=False)
    info = BackboneInfo("random weights", "saved_model", 299, 2048, 0, "", "", 0, 0)
    info.write(folder)
    return folder
