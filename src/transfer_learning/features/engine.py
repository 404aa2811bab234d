"""What computes features: the protocol, and the choice for this machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from transfer_learning.backbones.artifact import OPENVINO_FILE, BackboneInfo
from transfer_learning.config.params import Precision
from transfer_learning.features.features import Features
from transfer_learning.features.openvino_engine import OpenVino
from transfer_learning.runtime import nvidia
from transfer_learning.runtime.errors import UserError


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


def open_engine(
    folder: Path,
    precision: Precision,
    *,
    info: BackboneInfo | None = None,
    cores: int | None = None,
) -> Engine:
    """Return the engine for the backbone of ``folder`` and this machine, saying what is unusual.

    Args:
        folder: the artifact's folder.
        precision: the arithmetic that is wished for.
        info: what its ``backbone.json`` says, where that was read already.
        cores: how many a CPU's engine may use; all of this process, if not said.

    Raises:
        UserError: a SavedModel cannot be loaded, or OpenVINO cannot run an .onnx or .xml file.
        FileNotFoundError: the folder is not a backbone's artifact.
    """
    info = BackboneInfo.read(folder) if info is None else info
    if info.network == OPENVINO_FILE:
        return _open_file(folder, precision, info, cores)
    gpu = nvidia.look()
    if gpu.unused_because:
        print(f"the GPU is not used: {gpu.unused_because}")
    if gpu.usable:
        from transfer_learning.features import tensorflow_engine

        return tensorflow_engine.open_engine(folder, precision, device="GPU:0", info=info)
    try:
        return OpenVino(folder, precision, info=info, cores=cores)
    except RuntimeError as error:
        print(f"OpenVINO cannot run {folder}, so TensorFlow does: {_reason(error)}")
    from transfer_learning.features import tensorflow_engine

    return tensorflow_engine.open_engine(folder, precision, device="CPU:0", info=info, cores=cores)


def _open_file(folder: Path, precision: Precision, info: BackboneInfo, cores: int | None) -> Engine:
    if nvidia.look().usable:
        print(f"{info.handle} is a file that OpenVINO runs: on the CPU, not on the GPU")
    try:
        return OpenVino(folder, precision, info=info, cores=cores)
    except RuntimeError as error:
        raise UserError(f"OpenVINO cannot run {info.handle}: {_reason(error)}") from None


def _reason(error: RuntimeError) -> str:
    # Of OpenVINO's many lines "-- No conversion rule found for operations: …" is the one that says.
    lines = str(error).strip().splitlines()
    return next((line[3:] for line in lines if line.startswith("-- ")), lines[-1])
