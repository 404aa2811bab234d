"""A network of TensorFlow as one graph with constant weights, and where OpenVINO needs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from transfer_learning.backbones import Extractor
from transfer_learning.backbones.artifact import FROZEN, BackboneInfo
from transfer_learning.backbones.openvino_network import FLOAT32, read
from transfer_learning.runtime.openvino_quiet import openvino

# Of the largest feature: engines in float32 differ by less than 1e-4, other functions by far more.
TOLERANCE = 1e-3


def prepare(folder: Path, info: BackboneInfo, extractor: Extractor) -> None:
    """See to it that OpenVINO and TensorFlow run the same SavedModel.

    OpenVINO reads its serving signature, TensorFlow calls the module. Where the features of two
    images differ, or OpenVINO cannot read it, ``frozen.pb`` is put beside it and read instead.

    Args:
        folder: the artifact's folder.
        info: what is known of it.
        extractor: what ``saved_model.load`` returns for it.
    """
    images = np.random.default_rng(0).random((2, info.resolution, info.resolution, 3), np.float32)
    expected = np.asarray(extractor(images))
    try:
        found = openvino.Core().compile_model(read(folder, info), "CPU", FLOAT32)(images)[0]
    except RuntimeError:
        found = np.empty(0)
    tolerance = TOLERANCE * np.abs(expected).max()
    if found.shape != expected.shape or not np.allclose(found, expected, rtol=0, atol=tolerance):
        write_frozen_graph(extractor, folder / FROZEN)


def write_frozen_graph(extractor: Any, path: Path) -> None:
    """Write what ``frozen_graph`` returns, serialised; the file's name must end in ``.pb``."""
    path.write_bytes(frozen_graph(extractor).SerializeToString(deterministic=True))


def frozen_graph(extractor: Any) -> Any:
    """Return a backbone as one ``tf.compat.v1.GraphDef`` with constant weights.

    Images, float32 [N, R, R, 3] in [0, 1], are its one input, and features its one output.

    Args:
        extractor: what ``backbones.load`` returns, a ``tf.function`` with one signature.
    """
    # Here, so that tensorflow_quiet loads TensorFlow.
    from tensorflow.python.framework.convert_to_constants import (
        convert_variables_to_constants_v2,
    )

    frozen = convert_variables_to_constants_v2(extractor.get_concrete_function())
    graph = frozen.graph.as_graph_def()
    # In an order of its own: that of the nodes differs from run to run.
    graph.node.sort(key=lambda node: node.name)
    return graph
