"""TensorFlow as the engine: on a GPU, and on a CPU where OpenVINO cannot run a backbone."""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

import numpy as np

from transfer_learning import backbones
from transfer_learning.backbones.artifact import FROZEN_GRAPH, SAVED_MODEL, BackboneInfo
from transfer_learning.features.features import Features
from transfer_learning.photos.tf_input import pixel_dataset
from transfer_learning.runtime import hardware, parallel
from transfer_learning.runtime.errors import UserError
from transfer_learning.runtime.tensorflow_quiet import tf

# Enough to fill a large GPU; a small one answers with "out of memory", and gets smaller ones.
GPU_BATCH = 256
CPU_BATCH = 32
# Batches between two waits for the device, whose features stay on it until then.
CHUNK = 8


def open_engine(
    folder: Path,
    precision: str,
    *,
    device: str,
    info: BackboneInfo | None = None,
    cores: int | None = None,
) -> TensorFlow:
    """Return the engine for a backbone on ``device``, ``GPU:0`` or ``CPU:0``.

    Where it is the first in its process, it computes on so many ``cores``, or on all.

    In float32 a GPU's TensorFloat-32 is off, since its 10 bits would show in the features. In
    bfloat16 the packages' networks are computed in it; a SavedModel's graph fixes its own types,
    so it takes TensorFloat-32 for its products instead, where the GPU has it.

    Raises:
        UserError: a SavedModel cannot be loaded, or the device has no memory for the network.
    """
    info = BackboneInfo.read(folder) if info is None else info
    on_gpu = device.startswith("GPU")
    if precision == "bfloat16" and (reason := without_bfloat16(on_gpu=on_gpu)):
        print(f"{reason}: features are computed in float32")
        precision = "float32"
    elif precision == "bfloat16" and info.network in (SAVED_MODEL, FROZEN_GRAPH):
        precision = "tensorfloat32"
    if cores:
        # Later than the first use of TensorFlow, whose threads are those of the first.
        with contextlib.suppress(RuntimeError):
            tf.config.threading.set_intra_op_parallelism_threads(cores)
    tf.config.experimental.enable_tensor_float_32_execution(precision != "float32")
    if on_gpu:
        # Else cuDNN takes what is fastest at the moment, and equal photos may get other bytes.
        tf.config.experimental.enable_op_determinism()
    dtype: Literal["float32", "bfloat16"] = "bfloat16" if precision == "bfloat16" else "float32"
    try:
        extractor = backbones.load(folder, dtype=dtype, info=info)
    except tf.errors.OpError as error:
        if not is_out_of_memory(error):
            raise
        raise UserError(
            f"{device} has too little memory for the network of {folder}; end what else uses it, "
            "or set CUDA_VISIBLE_DEVICES=-1 to use the CPU"
        ) from None
    return TensorFlow(
        extractor,
        resolution=info.resolution,
        precision=precision,
        device=device,
        batch=GPU_BATCH if on_gpu else CPU_BATCH,
    )


def without_bfloat16(*, on_gpu: bool) -> str | None:
    """Return why the device gains nothing from bfloat16 and TensorFloat-32; None if it does."""
    if not on_gpu:
        return "TensorFlow on a CPU gains nothing from bfloat16"
    capability = hardware.compute_capability(tf)
    if capability is None or capability >= hardware.AMPERE:
        return None
    # TensorFlow would convert to float32 and back around each convolution.
    found = ".".join(map(str, capability))
    return f"a GPU of compute capability {found} has no bfloat16, which needs 8.0"


# What a GPU answers, by the exception's type, where its memory is taken; read in lower case.
# Other errors of these types have other reasons, which a smaller batch would only hide.
OUT_OF_MEMORY: dict[type[Exception], tuple[str, ...]] = {
    tf.errors.ResourceExhaustedError: ("",),
    # github.com/tensorflow/tensorflow/issues 7272 (a context without memory), 60401 (a copy to the
    # GPU), 7025 (the same, which names no memory); github.com/google-research/bert/issues/791.
    tf.errors.InternalError: (
        "out_of_memory",
        "out of memory",
        "dst tensor is not initialized",
        "status_alloc_failed",
    ),
    # No algorithm finds its working memory: issues 43174, 45068 and 60713.
    tf.errors.NotFoundError: ("no algorithm worked", "no algorithm without scratch worked"),
    # cuDNN cannot be set up: github.com/jax-ml/jax/issues/15361,
    # github.com/YoshitakaMo/localcolabfold/issues/235.
    tf.errors.FailedPreconditionError: (
        "dnn library is not found",
        "dnn library initialization failed",
    ),
    # The same from TensorFlow 2.8: issues 55309 and 55468, github.com/edwardyehuang/CAR/issues/1.
    tf.errors.UnimplementedError: ("dnn library is not found",),
    # The same before, and working memory at run time: issues 28326, 36025 and 60713.
    tf.errors.UnknownError: (
        "failed to get convolution algorithm",
        "out_of_memory",
        "out of memory",
        "status_alloc_failed",
    ),
}


def is_out_of_memory(error: Exception) -> bool:
    """Return whether TensorFlow's error says, in whatever words, that memory ran out."""
    said = str(error).lower()
    return any(
        isinstance(error, kind) and any(words in said for words in patterns)
        for kind, patterns in OUT_OF_MEMORY.items()
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
        self._turn = threading.Lock()

    def extract(
        self, paths: Sequence[Path], classes: Sequence[str], advance: Callable[[int], object]
    ) -> Features:
        """Return the features of a split, as ``Engine`` says.

        Several threads may be in it: one reads while the device computes for another.

        Raises:
            UserError: not even a batch of one photo fits in the device's memory.
        """
        while True:
            batch = self.batch
            done: list[int] = []

            def count(photos: int, done: list[int] = done) -> None:
                done.append(photos)
                advance(photos)

            try:
                return self._extract(paths, classes, count, batch)
            except tf.errors.OpError as error:
                if not is_out_of_memory(error):
                    raise
                said = error.message.strip().partition("\n")[0]
                advance(-sum(done))
            if batch == 1:
                raise UserError(
                    f"{self._device} has too little memory for one photo of "
                    f"{self._resolution} × {self._resolution} pixels; end what else uses it, or "
                    f"set CUDA_VISIBLE_DEVICES=-1 to use the CPU (TensorFlow: {said})"
                )
            with self._turn:
                # Once, where several threads found it out.
                if self.batch == batch:
                    self.batch //= 2
                    print(f"{self._device} is out of memory: going on in batches of {self.batch}")

    def forward(self, pixels: np.ndarray) -> np.ndarray:
        """Return the features, float32 [batch, D], of up to ``batch`` photos, uint8 [N, R, R, 3].

        All batches have one shape, so that those after the first N are of black.
        """
        missing = self.batch - len(pixels)
        with tf.device(self._device):
            filled = tf.pad(pixels, [[0, missing], [0, 0], [0, 0], [0, 0]])
            return np.asarray(self._compiled(self.batch)(filled))

    def _extract(
        self,
        paths: Sequence[Path],
        classes: Sequence[str],
        advance: Callable[[int], object],
        size: int,
    ) -> Features:
        with self._turn:
            run = self._compiled(size)
        ids: list[bytes] = []
        labels, features, pending = [], [], []
        for batch, pixels in self._on_device(paths, size):
            ids.extend(batch["id"].numpy())
            labels.append(batch["label"].numpy())
            # One batch's kernels after another's, so that no two take memory at a time.
            with self._turn, tf.device(self._device):
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

    def _on_device(self, paths: Sequence[Path], size: int) -> Iterator[tuple[dict[str, Any], Any]]:
        """Yield batches and their pixels, uint8 [batch, R, R, 3], on the device, ahead of use."""

        def copy(batch: dict[str, Any]) -> tuple[dict[str, Any], Any]:
            missing = size - len(batch["label"])
            with tf.device(self._device):
                return batch, tf.pad(batch["image"], [[0, missing], [0, 0], [0, 0], [0, 0]])

        dataset = pixel_dataset(paths, self._resolution, batch=size)
        with ThreadPoolExecutor(1) as executor:
            yield from parallel.ordered(executor, copy, dataset.prefetch(tf.data.AUTOTUNE), ahead=2)
