"""An ``.onnx`` or ``.xml`` file in, an artifact out: a checked copy, with its interface stated.

What ``backbones.B.input`` says of the input is completed from the file.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from transfer_learning.backbones import artifact, openvino_network
from transfer_learning.backbones.artifact import OPENVINO_FILE, BackboneInfo
from transfer_learning.backbones.openvino_file import Interface, is_vector, network_file
from transfer_learning.config.params import Backbone, Input
from transfer_learning.runtime.errors import UserError, clipped, quoted
from transfer_learning.runtime.files import sha256
from transfer_learning.runtime.openvino_quiet import openvino

FLOATS = (openvino.Type.f32, openvino.Type.f16, openvino.Type.bf16)
# Indices and shapes, which are no parameters.
INTEGERS = (openvino.Type.i64, openvino.Type.i32, openvino.Type.boolean)


def fetch(name: str, backbone: Backbone, files: Sequence[Path], folder: Path) -> BackboneInfo:
    """Copy the files to ``folder`` as ``network.*``, check that they map images to vectors.

    Raises:
        UserError: OpenVINO cannot read them, their sha256 is not ``backbone.sha256``, or they do
            not hold a function from a batch of R × R images to one vector each.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for path in files:
        shutil.copyfile(path, folder / f"network{path.suffix}")
    found = artifact.files_sha256(folder) if len(files) > 1 else sha256(folder / "network.onnx")
    if backbone.sha256 not in (None, found):
        raise UserError(
            f"params.yaml: backbones.{name}.sha256 is {backbone.sha256}, but {backbone.handle} has "
            f"{found}; either it is not the file you mean, or the key must be corrected"
        )
    file_bytes = sum(path.stat().st_size for path in folder.iterdir())
    model = _read_copy(files[0], folder)
    parameters = sum(
        math.prod(node.get_output_shape(0))
        for node in model.get_ops()
        if node.get_type_name() == "Constant" and node.get_output_element_type(0) not in INTEGERS
    )
    _interface(name, backbone, model).write(folder)
    info = BackboneInfo(
        handle=backbone.handle,
        network=OPENVINO_FILE,
        resolution=backbone.resolution,
        features=0,
        parameters=parameters,
        sha256=found,
        licence="the user's own",
        multiply_adds=0,
        file_bytes=file_bytes,
    )
    return replace(info, features=_features(info, folder))


def _read_copy(source: Path, folder: Path) -> Any:
    core = openvino.Core()
    try:
        return core.read_model(network_file(folder))
    except RuntimeError as error:
        reason = _reason(error)
    try:
        core.read_model(source)
    except RuntimeError:
        raise UserError(f"OpenVINO cannot read {source}: {reason}") from None
    raise UserError(
        f"{source} keeps weights in other files (ONNX's external data), and only the file itself "
        "is taken; export it as one file, or convert it to an .xml with its .bin "
        "(openvino.save_model)"
    )


def _reason(error: Exception) -> str:
    # OpenVINO names its own source files in the first lines.
    lines = [line.strip() for line in str(error).strip().splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith(("Exception from", "Check '"))]
    return (told or lines)[-1]


def _interface(name: str, backbone: Backbone, model: Any) -> Interface:
    key = f"backbones.{name}"
    if len(model.inputs) != 1:
        raise UserError(f"{backbone.handle} has {len(model.inputs)} inputs; it must have one")
    images = model.inputs[0]
    kind, shape = images.get_element_type(), images.get_partial_shape()
    if shape.rank.is_static and len(shape) != 4:
        raise UserError(f"{backbone.handle} does not take images: its input is {shape}")
    stated = backbone.input or Input()
    if kind == openvino.Type.u8 and stated != Input(layout=stated.layout):
        raise UserError(
            f"{backbone.handle} takes uint8 images of 0 to 255, so its normalisation is inside; "
            f"remove scale, mean and std from {key}.input in params.yaml"
        )
    if kind not in (openvino.Type.u8, *FLOATS):
        raise UserError(
            f"{backbone.handle} takes {kind.get_type_name()}, neither float nor uint8 images"
        )
    layout = stated.layout or _layout(key, backbone, shape)
    _expect_size(backbone, shape, layout)
    return Interface(
        layout=layout,
        scale=stated.scale,
        mean=tuple(stated.mean),
        std=tuple(stated.std),
        output=_output(key, backbone, model),
    )


def _layout(key: str, backbone: Backbone, shape: Any) -> Literal["NHWC", "NCHW"]:
    # No image is 3 pixels high or wide, so a 3 can only be the channels.
    if shape.rank.is_static:
        if shape[3] == openvino.Dimension(3):
            return "NHWC"
        if shape[1] == openvino.Dimension(3):
            return "NCHW"
    raise UserError(
        f"the input of {backbone.handle} is {shape}, which does not say where the channels are; "
        f"set {key}.input.layout to NHWC or NCHW in params.yaml"
    )


def _expect_size(backbone: Backbone, shape: Any, layout: str) -> None:
    side = backbone.resolution
    right = [-1, side, side, 3] if layout == "NHWC" else [-1, 3, side, side]
    if not shape.compatible(openvino.PartialShape(right)):
        raise UserError(
            f"{backbone.handle} does not take {side} × {side} images as {layout}: its input is "
            f"{shape}"
        )


def _output(key: str, backbone: Backbone, model: Any) -> int:
    names = [output.get_names() for output in model.outputs]
    listed = ", ".join(
        f"{min(output.get_names(), default='unnamed')} {output.get_partial_shape()}"
        for output in model.outputs
    )
    if backbone.output is not None:
        found = [index for index, known in enumerate(names) if backbone.output in known]
        if not found:
            raise UserError(
                f"params.yaml: {key}.output is {quoted(backbone.output)}, which "
                f"{clipped(backbone.handle)} has not; its outputs are {listed}"
            )
        return found[0]
    if len(names) == 1:
        return 0
    vectors = [
        index for index, output in enumerate(model.outputs) if is_vector(output.get_partial_shape())
    ]
    if len(vectors) == 1:
        return vectors[0]
    raise UserError(
        f"{backbone.handle} has the outputs {listed}; set {key}.output in params.yaml to the name "
        "of the one that is a vector for each image"
    )


def _features(info: BackboneInfo, folder: Path) -> int:
    """Return D, having run two images: a network exported for a batch of one would only fail later.

    Raises:
        UserError: it does not return one vector for each.
    """
    side = info.resolution
    try:
        extract = openvino_network.load(folder, info)
        features = extract(np.zeros((2, side, side, 3), np.float32))
    except RuntimeError as error:
        found = openvino.Core().read_model(network_file(folder)).inputs[0].get_partial_shape()
        raise UserError(
            f"{info.handle} does not take a batch of {side} × {side} images: its input is "
            f"{found}; export it for any batch size, and this image size ({_reason(error)})"
        ) from None
    if features.ndim != 2 or features.shape[0] != 2:
        raise UserError(
            f"{info.handle} returns {features.shape} for two images, not (2, D); export the "
            "network with its last pooling and for any batch size, not a feature map"
        )
    return int(features.shape[1])
