"""SavedModels: loaded, checked and described."""

from __future__ import annotations

import inspect
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from transfer_learning.backbones import Extractor, artifact, freeze
from transfer_learning.backbones.artifact import BackboneInfo, BadCopyError
from transfer_learning.backbones.tensorflow_network import images_spec
from transfer_learning.config.params import Backbone
from transfer_learning.runtime.errors import UserError
from transfer_learning.runtime.tensorflow_quiet import tf


def describe(
    name: str, backbone: Backbone, folder: Path, *, licence: str, archive_sha256: str | None = None
) -> BackboneInfo:
    """Check that ``folder/saved_model`` maps R × R images to feature vectors, and describe it.

    Where OpenVINO needs it, a frozen graph is put beside it.

    Args:
        name: the backbone's key in ``params.yaml``.
        backbone: its handle, R, and the sha256 that the files, or the archive which they came
            in, must have.
        folder: the artifact's folder.
        licence: what is known of it.
        archive_sha256: that of the archive, if there was one.

    Raises:
        BadCopyError: it has another sha256, or cannot be loaded.
        UserError: it does not take float32 images of that resolution, or does not return one
            float32 vector per image.
    """
    path, handle, resolution = folder / "saved_model", backbone.handle, backbone.resolution
    sha256 = artifact.files_sha256(path)
    if backbone.sha256 not in (None, sha256, archive_sha256):
        archive = f", their archive {archive_sha256}" if archive_sha256 else ""
        raise BadCopyError(
            f"params.yaml: backbones.{name}.sha256 is {backbone.sha256}, but the files of "
            f"{handle} have {sha256}{archive}; either they are not those you mean, or the key "
            "must be corrected"
        )
    info = BackboneInfo(
        handle=handle,
        network=artifact.SAVED_MODEL,
        resolution=resolution,
        features=0,
        parameters=0,
        sha256=sha256,
        licence=licence,
        multiply_adds=0,
        file_bytes=sum(file.stat().st_size for file in artifact.saved_model_files(path)),
    )
    extract: Any = load(path, info)
    try:
        # Two images: a module saved for a batch of one would only fail later.
        features = extract(tf.zeros([2, resolution, resolution, 3]))
    except (ValueError, TypeError, tf.errors.OpError) as error:
        raise UserError(
            f"{handle} does not take {resolution} × {resolution} images: {_reason(error)}"
        ) from None
    shape = getattr(features, "shape", None)
    if shape is None or len(shape) != 2 or shape[0] != 2 or features.dtype != tf.float32:
        found = f"a {type(features).__name__}"
        if shape is not None:
            found = f"{features.dtype.name} {tuple(shape)}"
        raise UserError(
            f"{handle} returns {found} for two images, not float32 (2, D); give the network's "
            "feature_vector module, not its feature map or its classifier"
        )
    variables = extract.get_concrete_function().variables
    parameters = sum(int(np.prod(variable.shape)) for variable in variables)
    info = replace(info, features=int(shape[1]), parameters=parameters)
    freeze.prepare(folder, info, extract)
    return info


def _reason(error: Exception) -> str:
    # From inside a tf.function the message is a traceback: "in user code:", files, the error.
    lines = [line.strip() for line in str(error).strip().splitlines()]
    inner = (line.split("Error: ", 1)[1] for line in lines if re.match(r"\w+Error: ", line))
    return next(inner, lines[0] if lines else type(error).__name__)


def load(path: Path, info: BackboneInfo) -> Extractor:
    """Return the SavedModel as a function from images to features, without checking its output.

    Raises:
        UserError: as ``load_module``.
    """
    return load_module(path, info)[1]


def load_module(path: Path, info: BackboneInfo) -> tuple[Any, Extractor]:
    """Return the SavedModel as TensorFlow loads it, and as ``load`` gives it.

    Raises:
        BadCopyError: it cannot be loaded.
        UserError: it is of TensorFlow 1, or takes other images.
    """
    if (path / "tfhub_module.pb").exists():
        raise UserError(
            f"{info.handle} is in TensorFlow Hub's old format, of TensorFlow 1 "
            "(tfhub_module.pb); give its TF2 SavedModel version"
        )
    try:
        module = tf.saved_model.load(str(path))
    except Exception as error:  # damaged files raise anything: IndexError, AssertionError, …
        raise BadCopyError(
            f"{info.handle} cannot be loaded as a SavedModel: {_reason(error)}"
        ) from None
    extract = _call(module, info) if callable(module) else _serve(module, info)
    return module, tf.function(
        extract, input_signature=[images_spec(info.resolution)], autograph=False
    )


def _call(module: Any, info: BackboneInfo) -> Extractor:
    """Return the module's call, as TF2's reusable SavedModels define it.

    Source: https://www.tensorflow.org/hub/reusable_saved_models
    """
    functions = getattr(module.__call__, "concrete_functions", ())
    inputs = tf.nest.flatten([function.structured_input_signature for function in functions])
    tensors = [tensor for tensor in inputs if isinstance(tensor, tf.TensorSpec)]
    # Besides images a module may take scalars, such as BatchNorm's momentum.
    _expect_input(info, [tensor for tensor in tensors if tensor.shape.rank != 0])
    if "training" in inspect.signature(module.__call__).parameters:
        return lambda images: module(images, training=False)
    return lambda images: module(images)


def _serve(module: Any, info: BackboneInfo) -> Extractor:
    """Return the module's serving signature as a function."""
    signatures = getattr(module, "signatures", {})
    if "serving_default" not in signatures:
        raise UserError(f"{info.handle} is neither callable nor has a serving_default signature")
    serve = signatures["serving_default"]
    inputs = serve.structured_input_signature[1]
    if len(inputs) != 1 or len(serve.structured_outputs) != 1:
        raise UserError(
            f"{info.handle}'s serving_default signature has {len(inputs)} inputs and "
            f"{len(serve.structured_outputs)} outputs; it must have one of each"
        )
    ((name, tensor),) = inputs.items()
    _expect_input(info, [tensor])
    # Through the module, which keeps its variables alive.
    return lambda images: next(
        iter(module.signatures["serving_default"](**{name: images}).values())
    )


def _expect_input(info: BackboneInfo, tensors: list[Any]) -> None:
    # A signature itself does not refuse images of another size, and a call that no function
    # matches says so in twenty lines.
    images = tf.TensorSpec([2, info.resolution, info.resolution, 3], tf.float32)
    if tensors and not any(
        tensor.dtype == images.dtype and tensor.shape.is_compatible_with(images.shape)
        for tensor in tensors
    ):
        found = ", ".join(sorted({f"{tensor.dtype.name} {tensor.shape}" for tensor in tensors}))
        raise UserError(
            f"{info.handle} does not take {info.resolution} × {info.resolution} images "
            f"(float32, height, width, RGB): its input is {found}"
        )
