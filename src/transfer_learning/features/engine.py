"""What computes features: the protocol, and the choice for this machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from transfer_learning.config.params import Precision
from transfer_learning.features.features import Features
from transfer_learning.features.openvino_engine import OpenVino
from transfer_learning.runtime import nvidia


class Engine(Protocol):
    """What turns photos into features.

    ``name`` and ``version`` say with what, ``precision`` in which arithmetic.
    """

    name: str
    version: str
    precision: str

    def extract(
        self, paths: Sequence[Path], classes: Sequence[str], advance: Callable[[int], object]
    ) -> Features:
        """Return the features of a split, its photos in order.

        Args:
            paths: the split's record files, of R × R pixels.
            classes: the names of the labels.
            advance: called with a number of photos whenever so many more are done; negative
                where they must be done again.
        """
        ...


def open_engine(folder: Path, precision: Precision) -> Engine:
    """Return the engine for the backbone of ``folder`` and this machine, saying what is unusual.

    Raises:
        UserError: a SavedModel cannot be loaded.
        FileNotFoundError: the folder is not a backbone's artifact.
    """
    gpu = nvidia.look()
    if gpu.unused_because:
        print(f"the GPU is not used: {gpu.unused_because}")
    if gpu.usable:
        from transfer_learning.features import tensorflow_engine

        return tensorflow_engine.open_engine(folder, precision, device="GPU:0")
    try:
        return OpenVino(folder, precision)
    except RuntimeError as error:
        print(f"OpenVINO cannot run {folder}, so TensorFlow does: {_reason(error)}")
    from transfer_learning.features import tensorflow_engine

    return tensorflow_engine.open_engine(folder, precision, device="CPU:0")


def _reason(error: RuntimeError) -> str:
    # Of OpenVINO's many lines "-- No conversion rule found for operations: …" is the one that says.
    lines = str(error).strip().splitlines()
    return next((line[3:] for line in lines if line.startswith("-- ")), lines[-1])
