"""The packages' networks as data: what each engine builds, and nothing of any engine.

Every BatchNorm is folded into the convolution before it:
``BN(conv(x, w)) = conv(x, w·s) + (β − μ·s)`` with ``s = γ/√(σ² + ε)``.

Sources: MobileNetV2 (Sandler et al. 2018, arXiv:1801.04381, table 2) as torchvision's
``mobilenet_v2`` lays it out; EfficientNet (Tan and Le 2019, arXiv:1905.11946, table 1) in its
Lite form (no squeeze-and-excitation, ReLU6, stem and head not scaled, first and last stage not
deepened).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from transfer_learning.runtime import npz

Weights = dict[str, np.ndarray]

# Of ImageNet's red, green and blue, which torchvision's networks are trained with.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Convolution:
    """A convolution with bias and, where ``relu6`` is set, ReLU6 after it.

    ``kernel`` is float32 [O, I, kh, kw], [C, 1, kh, kw] of a depthwise one; ``bias`` float32 [O].
    ``name`` and ``norm`` are the names of the convolution and its BatchNorm among the weights, and
    ``epsilon`` is that one's ε.
    ``symmetric`` pads k//2 on all sides, as PyTorch does; else the output has ceil(size/stride)
    pixels and an odd pixel of padding goes to the end, as TensorFlow's SAME has it.
    """

    kernel: np.ndarray
    bias: np.ndarray
    stride: int
    symmetric: bool
    relu6: bool
    name: str
    norm: str
    epsilon: float

    @property
    def depthwise(self) -> bool:
        """Whether each channel has a kernel of its own."""
        return self.kernel.shape[1] == 1

    def unfolded(self) -> Weights:
        """Return weights that fold into just this convolution: their BatchNorm only adds the bias.

        Its s is 1 but for the rounding of σ² to float32, which is less than a float32 shows.
        """
        ones = np.ones_like(self.bias)
        return {
            f"{self.name}.weight": self.kernel,
            f"{self.norm}.weight": ones,
            f"{self.norm}.bias": self.bias,
            f"{self.norm}.running_mean": 0 * ones,
            f"{self.norm}.running_var": (1 - self.epsilon) * ones,
        }


@dataclass(frozen=True)
class Block:
    """Convolutions one after the other; ``residual`` adds the block's input to its output."""

    convolutions: tuple[Convolution, ...]
    residual: bool = False


@dataclass(frozen=True)
class Network:
    """Images in [0, 1] → (image − mean)/std → the blocks → the mean over height and width."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    blocks: tuple[Block, ...]


def read(network: str, folder: Path) -> Network:
    """Return the network of ``NETWORKS`` with the weights of ``folder/weights.npz``.

    Raises:
        UserError: the file is damaged.
    """
    return NETWORKS[network](npz.read_all(folder / "weights.npz"))


@dataclass(frozen=True)
class _Layers:
    """Reads convolutions with their BatchNorm from weights; the families differ in its ε."""

    weights: Weights
    epsilon: float
    symmetric: bool

    def convolution(
        self, convolution: str, norm: str, *, stride: int = 1, relu6: bool = True
    ) -> Convolution:
        # In float64, so that folding adds no rounding of its own.
        gamma, beta, mean, variance = (
            self.weights[f"{norm}.{key}"].astype(np.float64)
            for key in ("weight", "bias", "running_mean", "running_var")
        )
        scale = gamma / np.sqrt(variance + self.epsilon)
        kernel = self.weights[f"{convolution}.weight"] * scale[:, None, None, None]
        bias = beta - mean * scale
        return Convolution(
            kernel.astype(np.float32),
            bias.astype(np.float32),
            stride=stride,
            symmetric=self.symmetric,
            relu6=relu6,
            name=convolution,
            norm=norm,
            epsilon=self.epsilon,
        )


def _mobilenet_v2(weights: Weights) -> Network:
    layers = _Layers(weights, epsilon=1e-5, symmetric=True)
    blocks = [Block((layers.convolution("features.0.0", "features.0.1", stride=2),))]
    # Expansion, repeats, stride: table 2 of the paper; widths are in the weights.
    stages = ((1, 1, 1), (6, 2, 2), (6, 3, 2), (6, 4, 2), (6, 3, 1), (6, 3, 2), (6, 1, 1))
    for expansion, repeats, first_stride in stages:
        for repeat in range(repeats):
            name = f"features.{len(blocks)}.conv"
            stride = first_stride if repeat == 0 else 1
            convolutions, layer = [], 0
            if expansion > 1:
                convolutions.append(layers.convolution(f"{name}.0.0", f"{name}.0.1"))
                layer = 1
            convolutions += [
                layers.convolution(f"{name}.{layer}.0", f"{name}.{layer}.1", stride=stride),
                layers.convolution(f"{name}.{layer + 1}", f"{name}.{layer + 2}", relu6=False),
            ]
            blocks.append(_inverted_residual(convolutions, stride))
    name = f"features.{len(blocks)}"
    blocks.append(Block((layers.convolution(f"{name}.0", f"{name}.1"),)))
    return Network(IMAGENET_MEAN, IMAGENET_STD, tuple(blocks))


def _efficientnet_lite(weights: Weights, *, depth: float) -> Network:
    layers = _Layers(weights, epsilon=1e-3, symmetric=False)
    blocks = [Block((layers.convolution("_conv_stem", "_bn0", stride=2),))]
    # Expansion, repeats, stride: table 1 of the paper; kernel and width are in the weights.
    stages = ((1, 1, 1), (6, 2, 2), (6, 2, 2), (6, 3, 2), (6, 3, 1), (6, 4, 2), (6, 1, 1))
    for stage, (expansion, repeats, first_stride) in enumerate(stages):
        deepened = 0 < stage < len(stages) - 1
        for repeat in range(math.ceil(repeats * depth) if deepened else repeats):
            name = f"_blocks.{len(blocks) - 1}"
            stride = first_stride if repeat == 0 else 1
            convolutions = []
            if expansion > 1:
                convolutions.append(layers.convolution(f"{name}._expand_conv", f"{name}._bn0"))
            convolutions += [
                layers.convolution(f"{name}._depthwise_conv", f"{name}._bn1", stride=stride),
                layers.convolution(f"{name}._project_conv", f"{name}._bn2", relu6=False),
            ]
            blocks.append(_inverted_residual(convolutions, stride))
    blocks.append(Block((layers.convolution("_conv_head", "_bn1"),)))
    # (255·x − 127)/128: what TensorFlow's original EfficientNet-Lite takes, and these weights
    # come from it.
    return Network((127 / 255,) * 3, (128 / 255,) * 3, tuple(blocks))


def _inverted_residual(convolutions: list[Convolution], stride: int) -> Block:
    # The first kernel's inputs: [O, I, …] of an expansion, [C, 1, …] of a depthwise one.
    first = convolutions[0]
    channels = first.kernel.shape[0 if first.depthwise else 1]
    same_shape = stride == 1 and convolutions[-1].kernel.shape[0] == channels
    return Block(tuple(convolutions), residual=same_shape)


NETWORKS: dict[str, Callable[[Weights], Network]] = {
    "mobilenet_v2": _mobilenet_v2,
    "efficientnet_lite0": partial(_efficientnet_lite, depth=1.0),
    "efficientnet_lite2": partial(_efficientnet_lite, depth=1.2),
}
