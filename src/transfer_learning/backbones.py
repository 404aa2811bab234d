"""Pretrained networks as functions from images to features, in TensorFlow."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from transfer_learning import networks
from transfer_learning.errors import UserError
from transfer_learning.networks import Convolution, Network
from transfer_learning.packages import BackboneInfo
from transfer_learning.tensorflow_quiet import tf

Extractor = Callable[[Any], Any]


def load(folder: Path | str) -> Extractor:
    """Load a backbone's artifact.

    Args:
        folder: the artifact's folder, such as ``data/backbones/mobilenet_v2``.

    Returns:
        A function from images, float32 [N, R, R, 3] in [0, 1], to features, float32 [N, D].
        The network's own normalisation is inside.

    Raises:
        UserError: a SavedModel cannot be loaded or is not a feature-vector module.
        FileNotFoundError: the folder is not a backbone's artifact.
    """
    folder = Path(folder)
    info = BackboneInfo.read(folder)
    if info.network == "saved_model":
        return _load_saved_model(folder / "saved_model", info)
    network = networks.read(info.network, folder)
    signature = [tf.TensorSpec([None, info.resolution, info.resolution, 3], tf.float32)]

    @tf.function(input_signature=signature)
    def extract(images: Any) -> Any:
        return _apply(network, images)

    return extract


def describe_saved_model(
    folder: Path, *, handle: str, resolution: int, sha256: str
) -> BackboneInfo:
    """Check that ``folder/saved_model`` maps R × R images to feature vectors, and describe it.

    Raises:
        UserError: it cannot be loaded, does not take images of that resolution, or does not
            return one vector per image.
    """
    info = BackboneInfo(handle, "saved_model", resolution, 0, 0, sha256, "the user's own")
    extract: Any = _load_saved_model(folder / "saved_model", info)
    try:
        # Two images: a module saved for a batch of one would only fail later.
        features = extract(tf.zeros([2, resolution, resolution, 3]))
    except (ValueError, TypeError, tf.errors.OpError) as error:
        raise UserError(
            f"{handle} does not take {resolution} × {resolution} images: {_reason(error)}"
        ) from None
    shape = getattr(features, "shape", None)
    if shape is None or len(shape) != 2 or shape[0] != 2:
        found = f"a {type(features).__name__}" if shape is None else str(tuple(shape))
        raise UserError(
            f"{handle} returns {found} for two images, not (2, D); "
            "give a feature-vector module, without its classifier"
        )
    images = tf.TensorSpec([None, resolution, resolution, 3], tf.float32)
    variables = extract.get_concrete_function(images).variables
    parameters = sum(int(np.prod(variable.shape)) for variable in variables)
    return BackboneInfo(
        handle, "saved_model", resolution, int(shape[1]), parameters, sha256, info.licence
    )


def _reason(error: Exception) -> str:
    # From inside a tf.function the message is a traceback: "in user code:", files, the error.
    lines = [line.strip() for line in str(error).strip().splitlines()]
    inner = (line.split("Error: ", 1)[1] for line in lines if re.match(r"\w+Error: ", line))
    return next(inner, lines[0] if lines else type(error).__name__)


def _load_saved_model(path: Path, info: BackboneInfo) -> Extractor:
    try:
        module = tf.saved_model.load(str(path))
    except (OSError, ValueError, tf.errors.OpError) as error:
        raise UserError(
            f"{info.handle} cannot be loaded as a SavedModel: {_reason(error)}"
        ) from None
    if not callable(module):
        signatures = getattr(module, "signatures", {})
        if "serving_default" not in signatures:
            raise UserError(
                f"{info.handle} is neither callable nor has a serving_default signature"
            )
        serve = signatures["serving_default"]
        inputs = serve.structured_input_signature[1]
        if len(inputs) != 1 or len(serve.structured_outputs) != 1:
            raise UserError(
                f"{info.handle}'s serving_default signature has {len(inputs)} inputs and "
                f"{len(serve.structured_outputs)} outputs; it must have one of each"
            )
        ((name, spec),) = inputs.items()
        # A signature itself does not refuse images of another size.
        images = tf.TensorSpec([None, info.resolution, info.resolution, 3], tf.float32)
        if spec.dtype != tf.float32 or not spec.shape.is_compatible_with(images.shape):
            raise UserError(
                f"{info.handle} does not take {info.resolution} × {info.resolution} images: "
                f"its input is {spec.dtype.name} {spec.shape}"
            )

        def extract(images: Any) -> Any:
            # Through the module, which keeps its variables alive.
            return next(iter(module.signatures["serving_default"](**{name: images}).values()))

        return tf.function(extract)
    return tf.function(lambda images: module(images))


def _apply(network: Network, images: Any) -> Any:
    # Weights enter the graph as constants, which lets TensorFlow optimise it as a frozen one.
    x = (images - tf.constant(network.mean)) / tf.constant(network.std)
    for block in network.blocks:
        y = x
        for convolution in block.convolutions:
            y = _convolve(y, convolution)
        x = x + y if block.residual else y
    return tf.reduce_mean(x, axis=[1, 2])


def _convolve(x: Any, convolution: Convolution) -> Any:
    kernel, stride, padding = convolution.kernel, convolution.stride, "SAME"
    if convolution.symmetric and stride > 1:
        # TensorFlow's SAME pads an even side more at its end.
        pad = [kernel.shape[2] // 2] * 2
        x, padding = tf.pad(x, [[0, 0], pad, pad, [0, 0]]), "VALID"
    strides = [1, stride, stride, 1]
    if convolution.depthwise:
        # [C, 1, kh, kw] → [kh, kw, C, 1]
        x = tf.nn.depthwise_conv2d(x, tf.constant(kernel.transpose(2, 3, 0, 1)), strides, padding)
    else:
        x = tf.nn.conv2d(x, tf.constant(kernel.transpose(2, 3, 1, 0)), strides, padding)
    x = tf.nn.bias_add(x, tf.constant(convolution.bias))
    return tf.nn.relu6(x) if convolution.relu6 else x
