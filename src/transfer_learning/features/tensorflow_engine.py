"""TensorFlow as the engine: on a GPU, and on a CPU where OpenVINO cannot run a backbone."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from transfer_learning import backbones
from transfer_learning.backbones.artifact import FROZEN_GRAPH, SAVED_MODEL, BackboneInfo
from transfer_learning.features.features import Features
from transfer_learning.photos.tf_input import pixel_dataset
from transfer_learning.runtime import parallel
from transfer_learning.runtime.errors import UserError
from transfer_learning.runtime.tensorflow_quiet import tf

# Enough to fill a large GPU; a small one answers with "out of memory", and gets smaller ones.
GPU_BATCH = 256
CPU_BATCH = 32
# Batches between two waits for the device, whose features stay on it until then.
CHUNK = 8


def open_engine(
    folder: Path, precision: str, *, device: str, info: BackboneInfo | None = None
) -> TensorFlow:
    """Return the engine for a backbone on ``device``, ``GPU:0`` or ``CPU:0``.

    In float32 a GPU's TensorFloat-32 is off, since its 10 bits would show in the features. In
    bfloat16 the packages' networks are computed in it; a SavedModel's graph fixes its own types,
    so it takes TensorFloat-32 for its products instead, where the GPU has it.

    Raises:
        UserError: a SavedModel cannot be loaded.
    """
    info = BackboneInfo.read(folder) if info is None else info
    on_gpu = device.startswith("GPU")
    if precision == "bfloat16" and not on_gpu:
        print("TensorFlow on a CPU gains nothing from bfloat16: features are computed in float32")
        precision = "float32"
    elif precision == "bfloat16" and info.network in (SAVED_MODEL, FROZEN_GRAPH):
        precision = "tensorfloat32"
    tf.config.experimental.enable_tensor_float_32_execution(precision != "float32")
    if on_gpu:
        # Else cuDNN takes what is fastest at the moment, and equal photos may get other bytes.
        tf.config.experimental.enable_op_determinism()
    return TensorFlow(
        backbones.load(
            folder, dtype="bfloat16" if precision == "bfloat16" else "float32", info=info
        ),
        resolution=info.resolution,
        precision=precision,
        device=device,
        batch=GPU_BATCH if on_gpu else CPU_BATCH,
    )


class TensorFlow:
    """A backbone in TensorFlow, on one device.

    Files are read and parsed on several threads, a batch is copied to the device while it computes
    on the one before, and the features are copied back a chunk at a time, so that the device never
    waits for the host. All batches have one shape, the last one filled up with black: a graph is
    compiled, and its convolutions tuned, once per shape.
    """

    name = "tensorflow"
    version = tf.__version__

    def __init__(
        self,
        extractor: backbones.Extractor,
        *,
        resolution: int,
        precision: str,
        device: str,
        batch: int,
    ) -> None:
        self.precision = precision
        self.batch = batch
        self._extractor = extractor
        self._compiled = functools.cache(self._compile)
        self._resolution = resolution
        self._device = device

    def extract(
        self, paths: Sequence[Path], classes: Sequence[str], advance: Callable[[int], object]
    ) -> Features:
        """Return the features of a split, as ``Engine`` says.

        Raises:
            UserError: not even a batch of one photo fits in the device's memory.
        """
        while True:
            done: list[int] = []

            def count(photos: int, done: list[int] = done) -> None:
                done.append(photos)
                advance(photos)

            try:
                return self._extract(paths, classes, count)
            except tf.errors.ResourceExhaustedError:
                advance(-sum(done))
            if self.batch == 1:
                raise UserError(
                    f"{self._device} has too little memory for one photo of "
                    f"{self._resolution} × {self._resolution} pixels; end what else uses it, or "
                    "set CUDA_VISIBLE_DEVICES=-1 to use the CPU"
                )
            self.batch //= 2
            print(f"{self._device} is out of memory: going on in batches of {self.batch}")

    def _extract(
        self, paths: Sequence[Path], classes: Sequence[str], advance: Callable[[int], object]
    ) -> Features:
        run = self._compiled(self.batch)
        ids: list[bytes] = []
        labels, features, pending = [], [], []
        for batch, pixels in self._on_device(paths):
            ids.extend(batch["id"].numpy())
            labels.append(batch["label"].numpy())
            with tf.device(self._device):
                pending.append(run(pixels))
            if len(pending) == CHUNK:
                features += [vectors.numpy() for vectors in pending]
                pending.clear()
            advance(len(labels[-1]))
        features += [vectors.numpy() for vectors in pending]
        return Features(
            features=np.concatenate(features)[: len(ids)],
            labels=np.concatenate(labels),
            ids=np.array([photo_id.decode() for photo_id in ids]),
            classes=np.array(classes),
        )

    def _compile(self, batch: int) -> Any:
        shape = [batch, self._resolution, self._resolution, 3]

        @tf.function(input_signature=[tf.TensorSpec(shape, tf.uint8)], autograph=False)
        def run(pixels: Any) -> Any:
            return self._extractor(tf.cast(pixels, tf.float32) / 255.0)

        return run

    def _on_device(self, paths: Sequence[Path]) -> Iterator[tuple[dict[str, Any], Any]]:
        """Yield batches and their pixels, uint8 [batch, R, R, 3], on the device, ahead of use."""

        def copy(batch: dict[str, Any]) -> tuple[dict[str, Any], Any]:
            missing = self.batch - len(batch["label"])
            with tf.device(self._device):
                return batch, tf.pad(batch["image"], [[0, missing], [0, 0], [0, 0], [0, 0]])

        dataset = pixel_dataset(paths, self._resolution, batch=self.batch)
        with ThreadPoolExecutor(1) as executor:
            yield from parallel.ordered(executor, copy, dataset.prefetch(tf.data.AUTOTUNE), ahead=2)
