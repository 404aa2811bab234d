"""What computes features for an exported classifier: OpenVINO, or TensorFlow where only that can.

Each photo is computed by itself, so an answer depends on no other photo.
"""

from __future__ import annotations

import queue
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import numpy as np

from transfer_learning.classifier import manifest as manifests
from transfer_learning.classifier.manifest import Manifest
from transfer_learning.runtime import hardware
from transfer_learning.runtime.damage import damaged
from transfer_learning.runtime.errors import UserError

NETWORK = ("openvino/network.xml", "openvino/network.bin")
SAVED_MODEL = "saved_model"
# The signature of the SavedModel that takes pixels of the members' own sizes.
FEATURES = "features"


def pixels_name(index: int) -> str:
    """Return what TensorFlow's formats call the pixels of the member with that index."""
    return f"pixels_{index}"


class Engine(Protocol):
    """A network in memory; any number of threads may use it at once."""

    name: str

    def features(self, pixels: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return float32 [D] of one photo, given as uint8 [R, R, 3] by each member's name."""
        ...


def load(folder: Path, manifest: Manifest) -> Engine:
    """Read the network of an exported classifier, after its digests.

    Raises:
        UserError: a file is missing, damaged or not the exported one, or there is no network.
    """
    if NETWORK[0] in manifest.files:
        manifests.check(folder, manifest, *NETWORK)
        return _OpenVino(folder, manifest)
    files = [name for name in manifest.files if name.startswith(f"{SAVED_MODEL}/")]
    if not files:
        raise UserError(f"{folder} holds no network that can be run here: make export")
    manifests.check(folder, manifest, *files)
    return _TensorFlow(folder, manifest)


class _OpenVino:
    name = "openvino"

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        # Here, for whoever reads no network.
        from transfer_learning.backbones.openvino_network import FLOAT32
        from transfer_learning.runtime.openvino_quiet import openvino

        threads = hardware.cores()
        core = openvino.Core()
        try:
            model = core.read_model(folder / NETWORK[0])
            sizes = {
                item.name: [1, item.resolution, item.resolution, 3] for item in manifest.members
            }
            model.reshape(sizes)
            compiled = core.compile_model(
                model,
                "CPU",
                FLOAT32
                | {
                    "INFERENCE_NUM_THREADS": threads,
                    "NUM_STREAMS": threads,
                    "ENABLE_CPU_PINNING": False,
                },
            )
        except RuntimeError as error:
            raise damaged(folder / NETWORK[0], str(error).strip().splitlines()[-1]) from None
        self._idle: queue.SimpleQueue = queue.SimpleQueue()
        # Every way into OpenVINO's bindings is first gone by this thread alone: two that meet in
        # them for the first time can lock up (docs/performance.md).
        black = {name: np.zeros(size[1:], np.uint8) for name, size in sizes.items()}
        for _ in range(threads):
            self._idle.put(compiled.create_infer_request())
            self.features(black)

    def features(self, pixels: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return float32 [D] of one photo, as ``Engine`` says."""
        request = self._idle.get()
        try:
            for name, image in pixels.items():
                request.get_tensor(name).data[0] = image
            request.infer()
            return request.get_tensor("features").data[0].copy()
        finally:
            self._idle.put(request)


class _TensorFlow:
    name = "tensorflow"

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        # Here, because it takes seconds, and only networks that OpenVINO cannot run need it.
        from transfer_learning.runtime.tensorflow_quiet import tf

        # It keeps the variables alive.
        self._module = tf.saved_model.load(str(folder / SAVED_MODEL))
        self._run = self._module.signatures[FEATURES]
        self._tensor = tf.constant

    def features(self, pixels: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return float32 [D] of one photo, as ``Engine`` says."""
        images = {
            pixels_name(index): self._tensor(image[np.newaxis])
            for index, image in enumerate(pixels.values())
        }
        return self._run(**images)["features"].numpy()[0]
