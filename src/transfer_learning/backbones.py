"""Pretrained networks as functions from images to features.

Networks of packages are built here from their weights, with every BatchNorm folded into the
convolution before it: ``BN(conv(x, w)) = conv(x, w·s) + (β − μ·s)`` with ``s = γ/√(σ² + ε)``.
Weights enter the graph as constants, which lets TensorFlow optimise it as a frozen one.

Sources: MobileNetV2 (Sandler et al. 2018, arXiv:1801.04381, table 2) as torchvision's
``mobilenet_v2`` lays it out; EfficientNet (Tan and Le 2019, arXiv:1905.11946, table 1) in its
Lite form (no squeeze-and-excitation, ReLU6, stem and head not scaled, first and last stage not
deepened).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from transfer_learning.errors import UserError
from transfer_learning.packages import BackboneInfo
from transfer_learning.tensorflow_quiet import tf

Extractor = Callable[[Any], Any]
Weights = dict[str, np.ndarray]

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


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
    with np.load(folder / "weights.npz", allow_pickle=False) as file:
        weights = dict(file)
    network = NETWORKS[info.network]
    signature = [tf.TensorSpec([None, info.resolution, info.resolution, 3], tf.float32)]

    @tf.function(input_signature=signature)
    def extract(images: Any) -> Any:
        return network(images, weights)

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


def _batch_norm_folded(
    weights: Weights, conv: str, norm: str, *, epsilon: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the convolution's kernel [O, I, kh, kw] and bias [O] with its BatchNorm inside."""
    # In float64, so that folding adds no rounding of its own.
    gamma, beta, mean, variance = (
        weights[f"{norm}.{key}"].astype(np.float64)
        for key in ("weight", "bias", "running_mean", "running_var")
    )
    scale = gamma / np.sqrt(variance + epsilon)
    kernel = weights[f"{conv}.weight"] * scale[:, None, None, None]
    return kernel.astype(np.float32), (beta - mean * scale).astype(np.float32)


@dataclass(frozen=True)
class _Layers:
    """Convolution layers that differ between the families only in padding and BatchNorm's ε."""

    weights: Weights
    epsilon: float
    symmetric: bool

    def conv(self, x: Any, conv: str, norm: str, *, stride: int = 1, activate: bool = True) -> Any:
        """Convolution, BatchNorm and, where asked for, ReLU6; x float32 [N, H, W, C]."""
        kernel, bias = _batch_norm_folded(self.weights, conv, norm, epsilon=self.epsilon)
        size, depthwise = kernel.shape[2], kernel.shape[1] == 1
        padding = "SAME"
        if self.symmetric and stride > 1:
            # PyTorch pads both sides alike; TensorFlow's SAME pads an even side more at its end.
            pad = [size // 2, size // 2]
            x, padding = tf.pad(x, [[0, 0], pad, pad, [0, 0]]), "VALID"
        strides = [1, stride, stride, 1]
        if depthwise:
            # [C, 1, kh, kw] → [kh, kw, C, 1]
            x = tf.nn.depthwise_conv2d(
                x, tf.constant(kernel.transpose(2, 3, 0, 1)), strides, padding
            )
        else:
            x = tf.nn.conv2d(x, tf.constant(kernel.transpose(2, 3, 1, 0)), strides, padding)
        x = tf.nn.bias_add(x, tf.constant(bias))
        return tf.nn.relu6(x) if activate else x


def _mobilenet_v2(images: Any, weights: Weights) -> Any:
    layers = _Layers(weights, epsilon=1e-5, symmetric=True)
    x = (images - tf.constant(IMAGENET_MEAN)) / tf.constant(IMAGENET_STD)
    x = layers.conv(x, "features.0.0", "features.0.1", stride=2)
    block = 1
    # Expansion, channels, repeats, stride: table 2 of the paper.
    for expansion, channels, repeats, stride in (
        (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2),
        (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
    ):  # fmt: skip
        for repeat in range(repeats):
            name = f"features.{block}.conv"
            step = stride if repeat == 0 else 1
            y, layer = x, 0
            if expansion > 1:
                y, layer = layers.conv(y, f"{name}.0.0", f"{name}.0.1"), 1
            y = layers.conv(y, f"{name}.{layer}.0", f"{name}.{layer}.1", stride=step)
            y = layers.conv(y, f"{name}.{layer + 1}", f"{name}.{layer + 2}", activate=False)
            x = x + y if step == 1 and x.shape[-1] == channels else y
            block += 1
    x = layers.conv(x, f"features.{block}.0", f"features.{block}.1")
    return tf.reduce_mean(x, axis=[1, 2])


def _efficientnet_lite(depth: float) -> Callable[[Any, Weights], Any]:
    def network(images: Any, weights: Weights) -> Any:
        layers = _Layers(weights, epsilon=1e-3, symmetric=False)
        # What TensorFlow's original EfficientNet-Lite takes, and these weights come from it.
        x = (images * 255.0 - 127.0) / 128.0
        x = layers.conv(x, "_conv_stem", "_bn0", stride=2)
        block = 0
        # Expansion, repeats, stride: table 1 of the paper; kernel and width are in the weights.
        stages = ((1, 1, 1), (6, 2, 2), (6, 2, 2), (6, 3, 2), (6, 3, 1), (6, 4, 2), (6, 1, 1))
        for stage, (expansion, repeats, stride) in enumerate(stages):
            deepened = 0 < stage < len(stages) - 1
            for repeat in range(math.ceil(repeats * depth) if deepened else repeats):
                name = f"_blocks.{block}"
                step = stride if repeat == 0 else 1
                y = x
                if expansion > 1:
                    y = layers.conv(y, f"{name}._expand_conv", f"{name}._bn0")
                y = layers.conv(y, f"{name}._depthwise_conv", f"{name}._bn1", stride=step)
                y = layers.conv(y, f"{name}._project_conv", f"{name}._bn2", activate=False)
                x = x + y if step == 1 and x.shape[-1] == y.shape[-1] else y
                block += 1
        x = layers.conv(x, "_conv_head", "_bn1")
        return tf.reduce_mean(x, axis=[1, 2])

    return network


NETWORKS: dict[str, Callable[[Any, Weights], Any]] = {
    "mobilenet_v2": _mobilenet_v2,
    "efficientnet_lite0": _efficientnet_lite(depth=1.0),
    "efficientnet_lite2": _efficientnet_lite(depth=1.2),
}
