"""A network with its last feature maps as its output, where its features are their means."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from transfer_learning.backbones import openvino_network
from transfer_learning.backbones.artifact import BackboneInfo
from transfer_learning.runtime.openvino_quiet import openvino

# What may stand between the means and a network's output: they change no number.
PASSING = {"Squeeze", "Reshape", "Convert", "Transpose"}
# The axes of height and width, in the two orders that there are.
SPATIAL = {(1, 2), (2, 3)}
# Between the output and the means of the maps, of their size: one network's two ways to sum.
CLOSE = 1e-3

LastMaps = Callable[[np.ndarray], np.ndarray]


def load(folder: Path, info: BackboneInfo) -> LastMaps | None:
    """Return a function from images to the maps whose means their features are.

    It takes float32 [N, R, R, 3] in [0, 1] and returns float32 [N, S, S, D], on the CPU and in
    float32.  None stands for a network that OpenVINO cannot read, or that does not end in means.

    Args:
        folder: the artifact's folder.
        info: what is known of it.
    """
    try:
        model = openvino_network.read(folder, info)
    except RuntimeError:
        return None
    found = _last_means(model)
    if found is None:
        return None
    maps, channels_first = found
    model.add_outputs([maps])
    compiled = openvino.Core().compile_model(model, "CPU", openvino_network.FLOAT32)

    def run(images: np.ndarray) -> np.ndarray:
        result = compiled(images)
        last = np.moveaxis(result[1], 1, -1) if channels_first else result[1]
        return np.array(last, np.float32)

    # On anything but an even picture, whose maps could be means by chance.
    resolution = info.resolution
    noise = np.random.default_rng(0).random((1, resolution, resolution, 3), dtype=np.float32)
    means, features = run(noise).mean(axis=(1, 2)), compiled(noise)[0]
    if means.shape != features.shape:
        return None
    same = np.abs(means - features).max() <= CLOSE * np.abs(features).max()
    return run if same else None


def _last_means(model: Any) -> tuple[Any, bool] | None:
    """Return what the last means are taken of, and whether channels come first in it."""
    node = model.output(0).get_node().input_value(0).get_node()
    while node.get_type_name() in PASSING:
        node = node.input_value(0).get_node()
    if node.get_type_name() != "ReduceMean":
        return None
    axes = node.input_value(1).get_node()
    if axes.get_type_name() != "Constant":
        return None
    maps = node.input_value(0)
    rank = maps.get_partial_shape().rank
    if not rank.is_static or rank.get_length() != 4:
        return None
    where = tuple(sorted(int(axis) % 4 for axis in np.ravel(axes.data)))
    return (maps, where == (2, 3)) if where in SPATIAL else None
