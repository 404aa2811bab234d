"""A package's network whose convolutions learn.

Each BatchNorm is folded into the convolution before it, so its statistics stay those of the
pretraining, and kernel and bias learn.
"""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

from transfer_learning.backbones import architectures, tensorflow_network
from transfer_learning.backbones.architectures import Convolution, Network
from transfer_learning.backbones.artifact import BackboneInfo
from transfer_learning.config.finetuning import ALL
from transfer_learning.runtime import npz
from transfer_learning.runtime.errors import UserError
from transfer_learning.runtime.tensorflow_quiet import tf


class PackageNetwork:
    """A ``Tunable`` from the list of convolutions that every engine builds from."""

    def __init__(
        self, name: str, folder: Path, info: BackboneInfo, *, unfreeze: int | str, dtype: str
    ) -> None:
        """Read the network of an artifact's folder.

        Raises:
            UserError: it has fewer blocks than are to be unfrozen.
        """
        self._info, self._dtype = info, tf.as_dtype(dtype)
        self._weights = npz.read_all(folder / "weights.npz")
        self._network = architectures.NETWORKS[info.network](self._weights)
        blocks = self._network.blocks
        count = len(blocks) if unfreeze == ALL else int(unfreeze)
        if count > len(blocks):
            raise UserError(
                f"params.yaml: finetuned.{name}.unfreeze is {count}, but {info.handle} has "
                f"{len(blocks)} blocks; set it to at most that, or to {ALL}"
            )
        self._learning = [
            convolution for block in blocks[-count:] for convolution in block.convolutions
        ]
        self._variables = {
            convolution.name: (
                tf.Variable(tensorflow_network.tensorflow_kernel(convolution)),
                tf.Variable(convolution.bias),
            )
            for convolution in self._learning
        }
        self.variables = [variable for pair in self._variables.values() for variable in pair]
        self.decayed = [kernel for kernel, _ in self._variables.values()]
        self.faster = _faster(self._network, count, info.resolution)

    def features(self, images: Any) -> Any:
        """Return float32 [N, D] of images float32 [N, R, R, 3] in [0, 1]."""
        return tensorflow_network.apply(
            self._network, images, self._dtype, parameters=self._parameters
        )

    def regularisation(self) -> Any:
        """Return 0: these networks add nothing to the loss."""
        return tf.zeros([])

    def write(self, folder: Path) -> str:
        """Write ``weights.npz``, by the names of the original; what did not learn is as it was."""
        weights = dict(self._weights)
        for convolution in self._learning:
            kernel, bias = (variable.numpy() for variable in self._variables[convolution.name])
            learnt = dataclasses.replace(
                convolution,
                kernel=tensorflow_network.from_tensorflow_kernel(convolution, kernel),
                bias=bias,
            )
            weights |= learnt.unfolded()
        npz.write(folder / "weights.npz", **weights)
        return self._info.network

    def _parameters(self, convolution: Convolution) -> tuple[Any, Any]:
        if pair := self._variables.get(convolution.name):
            return pair
        return tensorflow_network.constants(convolution)


def _faster(network: Network, unfrozen: int, resolution: int) -> str:
    # Forward through all, and back, to inputs and weights, through what is unfrozen.
    costs = {
        blocks: 1 + 2 * share_of_last(network, blocks, resolution) for blocks in range(1, unfrozen)
    }
    whole = 1 + 2 * share_of_last(network, unfrozen, resolution)
    half = max((blocks for blocks, cost in costs.items() if cost <= whole / 2), default=None)
    words = "fewer epochs"
    if half is not None:
        words += (
            f", or unfreeze: {half}, the last {half} of {len(network.blocks)} blocks, with "
            f"{costs[half] / whole:.2g} times the multiplications"
        )
    return f"{words}; this network takes no lower resolution"


def share_of_last(network: Network, blocks: int, resolution: int) -> float:
    """Return which part of a photo's multiply-adds is in the last ``blocks`` blocks."""
    side, costs = resolution, []
    for block in network.blocks:
        cost = 0
        for convolution in block.convolutions:
            side = math.ceil(side / convolution.stride)
            cost += side * side * convolution.kernel.size
        costs.append(cost)
    return sum(costs[-blocks:]) / sum(costs)
