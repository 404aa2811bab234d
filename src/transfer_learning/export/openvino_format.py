"""The classifier as OpenVINO's IR: what ``predict`` runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from transfer_learning.backbones import openvino_network
from transfer_learning.classifier.engines import NETWORK
from transfer_learning.export.parts import Backbone, LeftOut, Parts
from transfer_learning.runtime.errors import clipped
from transfer_learning.runtime.openvino_quiet import openvino

ops = openvino.opset13


def write(parts: Parts, folder: Path) -> None:
    """Write ``openvino/network.xml`` and its ``.bin``, whose interface ``manifest`` describes.

    Raises:
        LeftOut: OpenVINO cannot read a member.
    """
    inputs, vectors = [], []
    for name, backbone in parts.members.items():
        pixels, features = _member(name, backbone)
        inputs.append(pixels)
        vectors.append(features)
    features = ops.concat(vectors, axis=1)
    kernel, bias = parts.head.kernel, parts.head.bias
    logits = ops.add(ops.matmul(features, kernel, False, False), bias)
    probabilities = ops.softmax(ops.divide(logits, np.float32(parts.temperature)), axis=1)
    results = []
    for name, node in (("features", features), ("probabilities", probabilities)):
        result = ops.result(node)
        node.output(0).get_tensor().set_names({name})
        results.append(result)
    model = openvino.Model(results, inputs, "classifier")
    # Else names that count what this process has built so far.
    for index, node in enumerate(model.get_ordered_ops()):
        node.set_friendly_name(f"node_{index}")
    for name, node in zip(parts.members, inputs, strict=True):
        node.set_friendly_name(name)
    try:
        # An operation that it has not may show no sooner.
        openvino.Core().compile_model(model, "CPU", openvino_network.FLOAT32)
    except RuntimeError as error:
        raise LeftOut(f"OpenVINO cannot run its network: {_reason(error)}") from None
    path = folder / NETWORK[0]
    path.parent.mkdir(parents=True, exist_ok=True)
    openvino.save_model(model, path, compress_to_fp16=False)


def _member(name: str, backbone: Backbone) -> tuple[Any, Any]:
    """Return a member's input, uint8 [N, R, R, 3], and the output of its network."""
    side = backbone.info.resolution
    pixels = ops.parameter([-1, side, side, 3], openvino.Type.u8, name)
    pixels.output(0).get_tensor().set_names({name})
    images = ops.divide(ops.convert(pixels, openvino.Type.f32), np.float32(255))
    try:
        model = openvino_network.read(backbone.folder, backbone.info)
        model.reshape([-1, side, side, 3])
    except RuntimeError as error:
        raise LeftOut(f"OpenVINO cannot run {backbone.info.handle}: {_reason(error)}") from None
    (parameter,) = model.get_parameters()
    for target in parameter.output(0).get_target_inputs():
        target.replace_source_output(images.output(0))
    (result,) = model.get_results()
    return pixels, result.input_value(0)


def _reason(error: Exception) -> str:
    return clipped(str(error).strip().splitlines()[-1])
