"""An exported classifier of a few kilobytes, whose features are a photo's mean colour."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from served import CLASSES, described

from transfer_learning.classifier.engines import NETWORK
from transfer_learning.heads.head import Head
from transfer_learning.runtime.files import sha256
from transfer_learning.runtime.openvino_quiet import openvino

ops = openvino.opset13


def build(folder: Path) -> Path:
    Head(np.eye(3, dtype=np.float32) * 8, np.zeros(3, np.float32), np.array(CLASSES)).write(folder)
    (folder / NETWORK[0]).parent.mkdir()
    openvino.save_model(_network("small", 32), folder / NETWORK[0], compress_to_fp16=False)
    manifest = described()
    files = ("head.npz", *NETWORK)
    manifest.files.update({name: sha256(folder / name) for name in files})
    manifest.write(folder)
    return folder


def _network(name: str, side: int) -> openvino.Model:
    pixels = ops.parameter([-1, side, side, 3], openvino.Type.u8, name)
    pixels.output(0).get_tensor().set_names({name})
    scaled = ops.divide(ops.convert(pixels, openvino.Type.f32), np.float32(255))
    features = ops.reduce_mean(scaled, np.array([1, 2]), keep_dims=False)
    result = ops.result(features)
    features.output(0).get_tensor().set_names({"features"})
    return openvino.Model([result], [pixels], "tiny")
