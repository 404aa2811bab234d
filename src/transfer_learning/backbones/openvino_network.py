"""A backbone's network as a model in OpenVINO: built or read, and counted."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from transfer_learning.backbones import Extractor, architectures, artifact, openvino_file
from transfer_learning.backbones.architectures import Convolution, Network
from transfer_learning.backbones.artifact import FROZEN, BackboneInfo
from transfer_learning.runtime.openvino_quiet import openvino

# Without the hint OpenVINO computes in bfloat16 wherever the CPU has it.
FLOAT32 = {"INFERENCE_PRECISION_HINT": "f32"}
BFLOAT16 = {"INFERENCE_PRECISION_HINT": "bf16"}
ops = openvino.opset13


def read(folder: Path, info: BackboneInfo) -> Any:
    """Return the artifact as a model from images float32 [N, R, R, 3] in [0, 1] to features.

    Raises:
        RuntimeError: OpenVINO cannot read it.
    """
    match info.network:
        case artifact.OPENVINO_FILE:
            return openvino_file.read(folder, info.resolution)
        case artifact.SAVED_MODEL | artifact.FROZEN_GRAPH:
            frozen = folder / FROZEN
            return openvino.Core().read_model(frozen if frozen.exists() else folder / "saved_model")
    return _build(architectures.read(info.network, folder), info.resolution)


def load(folder: Path, info: BackboneInfo) -> Extractor:
    """Return the artifact as a function from images float32 [N, R, R, 3] to features, on the CPU.

    Raises:
        RuntimeError: OpenVINO cannot read it.
    """
    compiled = openvino.Core().compile_model(read(folder, info), "CPU", FLOAT32)
    return lambda images: compiled(np.asarray(images, np.float32))[0]


def multiply_adds(folder: Path, info: BackboneInfo) -> int:
    """Return how many multiplications, each with an addition, a photo costs.

    Those of convolutions and matrix products are counted, from the network's own graph, as the
    papers of these networks count them: biases, activations and means are left out. 0 stands for
    a network that OpenVINO cannot read.

    Args:
        folder: the artifact's folder.
        info: what is known of it.
    """
    try:
        model = read(folder, info)
        model.reshape([1, info.resolution, info.resolution, 3])
    except RuntimeError:
        return 0
    return sum(_multiply_adds(node) for node in model.get_ops())


def _multiply_adds(node: Any) -> int:
    outputs = math.prod(node.output(0).get_shape())
    match node.get_type_name():
        case "Convolution" | "GroupConvolution":
            # A kernel is [O, I, kh, kw], or [groups, O, I, kh, kw]: each output sums I·kh·kw.
            return outputs * math.prod(node.input_value(1).get_shape()[-3:])
        case "MatMul":
            axis = -2 if node.get_attributes()["transpose_a"] else -1
            return outputs * int(node.input_value(0).get_shape()[axis])
    return 0


def _build(network: Network, resolution: int) -> Any:
    images = ops.parameter([-1, resolution, resolution, 3], openvino.Type.f32)
    mean, std = (np.array(values, np.float32) for values in (network.mean, network.std))
    x = ops.divide(ops.subtract(images, mean), std)
    x = ops.transpose(x, [0, 3, 1, 2])
    for block in network.blocks:
        y = x
        for convolution in block.convolutions:
            y = _convolve(y, convolution)
        x = ops.add(x, y) if block.residual else y
    return openvino.Model([ops.reduce_mean(x, [2, 3])], [images], "backbone")


def _convolve(x: Any, convolution: Convolution) -> Any:
    kernel, convolve = convolution.kernel, ops.convolution
    if convolution.depthwise:
        # [C, 1, kh, kw] → [C, 1, 1, kh, kw]: C groups of one channel.
        kernel, convolve = kernel[:, None], ops.group_convolution
    pad = [kernel.shape[-1] // 2] * 2
    x = convolve(
        x,
        kernel,
        [convolution.stride] * 2,
        pad,
        pad,
        [1, 1],
        auto_pad="explicit" if convolution.symmetric else "same_upper",
    )
    x = ops.add(x, convolution.bias[:, None, None])
    return ops.clamp(x, 0.0, 6.0) if convolution.relu6 else x
