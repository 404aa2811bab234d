"""A network from an ``.onnx`` or ``.xml`` file, as ``backbones.file_network`` keeps it.

How images become its input, and which of its outputs are the features, is in ``interface.json``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from transfer_learning.runtime.files import read_json, write_json
from transfer_learning.runtime.openvino_quiet import openvino

ops = openvino.opset13


@dataclass(frozen=True)
class Interface:
    """How images become the network's input, and which of its outputs are the features.

    ``layout`` is ``NHWC`` or ``NCHW``. A float input gets (image · scale − mean)/std of images in
    [0, 1]; a uint8 one gets 0 to 255, and the other numbers are not used. ``output`` is an index.
    """

    layout: Literal["NHWC", "NCHW"]
    scale: float
    mean: tuple[float, ...]
    std: tuple[float, ...]
    output: int

    def write(self, folder: Path) -> None:
        """Write ``interface.json`` into the artifact's folder."""
        write_json(folder / "interface.json", self)

    @classmethod
    def read(cls, folder: Path) -> Interface:
        """Read ``interface.json`` of the artifact's folder."""
        return read_json(folder / "interface.json", cls)


def read(folder: Path, resolution: int) -> Any:
    """Return the artifact as a model from images float32 [N, R, R, 3] in [0, 1] to features.

    Raises:
        RuntimeError: OpenVINO cannot read it.
    """
    model = openvino.Core().read_model(network_file(folder))
    return _from_images(model, Interface.read(folder), resolution)


def network_file(folder: Path) -> Path:
    """Return the artifact's file."""
    onnx = folder / "network.onnx"
    return onnx if onnx.exists() else folder / "network.xml"


def is_vector(shape: Any) -> bool:
    """Whether the shape is [N, D], or [N, D, 1, 1] as pooling in PyTorch leaves it."""
    if shape.rank.is_dynamic:
        return False
    one = openvino.Dimension(1)
    return len(shape) == 2 or (len(shape) == 4 and shape[2] == one and shape[3] == one)


def _from_images(model: Any, interface: Interface, resolution: int) -> Any:
    images = ops.parameter([-1, resolution, resolution, 3], openvino.Type.f32)
    parameter = model.get_parameters()[0]
    kind = parameter.get_element_type()
    if kind == openvino.Type.u8:
        x = ops.round(ops.multiply(images, np.float32(255)), "half_to_even")
    else:
        mean, std = (np.array(values, np.float32) for values in (interface.mean, interface.std))
        x = ops.multiply(images, np.float32(interface.scale))
        x = ops.divide(ops.subtract(x, mean), std)
    if kind != openvino.Type.f32:
        x = ops.convert(x, kind)
    if interface.layout == "NCHW":
        x = ops.transpose(x, [0, 3, 1, 2])
    for target in parameter.output(0).get_target_inputs():
        target.replace_source_output(x.output(0))
    features = model.get_results()[interface.output].input_value(0)
    if features.get_element_type() != openvino.Type.f32:
        features = ops.convert(features, openvino.Type.f32).output(0)
    built = openvino.Model([features], [images], "backbone")
    shape = built.output(0).get_partial_shape()
    if shape.rank.is_static and len(shape) == 4 and is_vector(shape):
        built = openvino.Model([ops.squeeze(features, [2, 3])], [images], "backbone")
    return built
