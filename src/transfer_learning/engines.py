"""What runs a backbone: OpenVINO on a CPU, TensorFlow on a GPU.

Why OpenVINO, how it is set and what it was measured against: docs/performance.md.
"""

from __future__ import annotations

import ctypes
import math
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np

from transfer_learning import networks, records
from transfer_learning.features import Features
from transfer_learning.networks import Convolution, Network
from transfer_learning.openvino_quiet import openvino
from transfer_learning.packages import BackboneInfo

Precision = Literal["float32", "bfloat16"]

# The network as TensorFlow runs it, where OpenVINO does not get the same from saved_model/
FROZEN = "frozen.pb"
# Of the largest feature: engines in float32 differ by less than 1e-4, other functions by far more.
TOLERANCE = 1e-3

ops = openvino.opset13


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
    if _has_gpu():
        from transfer_learning import tensorflow_engine

        return tensorflow_engine.open_engine(folder, precision, device="GPU:0")
    try:
        return OpenVino(folder, precision)
    except RuntimeError as error:
        print(f"OpenVINO cannot run {folder}, so TensorFlow does: {_reason(error)}")
    from transfer_learning import tensorflow_engine

    return tensorflow_engine.open_engine(folder, precision, device="CPU:0")


def _reason(error: RuntimeError) -> str:
    # Of OpenVINO's many lines "-- No conversion rule found for operations: …" is the one that says.
    lines = str(error).strip().splitlines()
    return next((line[3:] for line in lines if line.startswith("-- ")), lines[-1])


def _has_gpu() -> bool:
    # TensorFlow is asked only where it could see one: without the driver's library it cannot, and
    # its import takes longer than a thousand photos.
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    from transfer_learning.tensorflow_quiet import tf

    return bool(tf.config.list_physical_devices("GPU"))


class OpenVino:
    """A backbone on this machine's CPU.

    Each core takes a batch of its own, which is faster than all cores at one batch and makes a
    photo's features independent of the number of cores. Batches are of one size, the last one
    filled up with black, so that one compiled network takes all.
    """

    name = "openvino"
    # More gains no speed on two cores, and takes memory.
    batch = 4

    def __init__(self, folder: Path, precision: Precision = "float32") -> None:
        """Read and compile the network of an artifact's folder.

        Raises:
            RuntimeError: OpenVINO cannot read it, or it is no function from images to vectors.
        """
        info = BackboneInfo.read(folder)
        self.version = openvino.__version__.split("-")[0]
        threads = _cores()
        compiled = openvino.Core().compile_model(
            _from_pixels(read(folder), batch=self.batch, info=info),
            "CPU",
            {
                # Else it takes bfloat16 wherever the CPU has it.
                "INFERENCE_PRECISION_HINT": "bf16" if precision == "bfloat16" else "f32",
                "INFERENCE_NUM_THREADS": threads,
                "NUM_STREAMS": threads,
                # Else two processes share one core while others idle.
                "ENABLE_CPU_PINNING": False,
            },
        )
        in_bfloat16 = compiled.get_property("INFERENCE_PRECISION_HINT") == openvino.Type.bf16
        self.precision = "bfloat16" if in_bfloat16 else "float32"
        if self.precision != precision:
            print("this CPU does not compute in bfloat16: features are computed in float32")
        # More than there are threads, so that none waits for the reader.
        self._requests = [compiled.create_infer_request() for _ in range(2 * threads)]

    def extract(
        self, paths: Sequence[Path], classes: Sequence[str], advance: Callable[[int], object]
    ) -> Features:
        """Return the features of a split, as ``Engine`` says."""
        ids: list[str] = []
        labels: list[int] = []

        def batches() -> Iterator[list[bytes]]:
            photos = records.read(paths)
            while batch := list(islice(photos, self.batch)):
                ids.extend(photo.id for photo in batch)
                labels.extend(photo.label for photo in batch)
                yield [photo.image for photo in batch]

        features = []
        for vectors in self.run(batches()):
            features.append(vectors)
            advance(len(vectors))
        return Features(
            features=np.concatenate(features),
            labels=np.array(labels, np.int64),
            ids=np.array(ids),
            classes=np.array(classes),
        )

    def run(self, batches: Iterable[Sequence[bytes]]) -> Iterator[np.ndarray]:
        """Yield the features, float32 [N, D], of batches of up to ``batch`` images, in order.

        An image is its R·R·3 bytes. All requests are started and awaited by this one thread:
        OpenVINO's bindings can lock up where two threads meet in them.
        """
        idle = deque(self._requests)
        pending: deque[tuple[Any, int]] = deque()

        def oldest() -> np.ndarray:
            request, count = pending.popleft()
            request.wait()
            idle.append(request)
            return request.get_output_tensor().data[:count].copy()

        for images in batches:
            if not idle:
                yield oldest()
            request = idle.popleft()
            pixels = request.get_input_tensor().data
            for index, image in enumerate(images):
                pixels[index].flat = np.frombuffer(image, np.uint8)
            pixels[len(images) :] = 0
            request.start_async()
            pending.append((request, len(images)))
        while pending:
            yield oldest()


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS and Windows have no affinity.
        return os.cpu_count() or 1


def _from_pixels(model: Any, *, batch: int, info: BackboneInfo) -> Any:
    """Return a model from uint8 [batch, R, R, 3] of one from float32 [N, R, R, 3] in [0, 1].

    Raises:
        RuntimeError: the model has another input or output.
    """
    model.reshape([batch, info.resolution, info.resolution, 3])
    shapes = [output.get_partial_shape() for output in model.outputs]
    if shapes != [openvino.PartialShape([batch, info.features])]:
        found = ", ".join(map(str, shapes))
        raise RuntimeError(f"its output is {found}, not [{batch},{info.features}]")
    steps = openvino.preprocess.PrePostProcessor(model)
    steps.input().tensor().set_element_type(openvino.Type.u8)
    steps.input().preprocess().convert_element_type(openvino.Type.f32).scale(255.0)
    return steps.build()


def prepare(folder: Path, extractor: Callable[[Any], Any]) -> None:
    """See to it that OpenVINO and TensorFlow run the same SavedModel.

    OpenVINO reads its serving signature, TensorFlow calls the module. Where the features of two
    images differ, or OpenVINO cannot read it, ``frozen.pb`` is put beside it and read instead.

    Args:
        folder: the artifact's folder, with ``backbone.json``.
        extractor: what ``backbones.load`` returns for it.
    """
    resolution = BackboneInfo.read(folder).resolution
    pixels = np.random.default_rng(0).integers(0, 256, (2, resolution, resolution, 3), np.uint8)
    expected = np.asarray(extractor(pixels.astype(np.float32) / 255))
    try:
        (found,) = OpenVino(folder).run([[image.tobytes() for image in pixels]])
        if np.abs(found - expected).max() <= TOLERANCE * np.abs(expected).max():
            return
    except RuntimeError:
        pass
    from transfer_learning import backbones

    backbones.write_frozen_graph(folder, folder / FROZEN)


def multiply_adds(folder: Path, resolution: int) -> int:
    """Return how many multiplications, each with an addition, a photo costs.

    Those of convolutions and matrix products are counted, from the network's own graph, as the
    papers of these networks count them: biases, activations and means are left out. 0 stands for
    a network that OpenVINO cannot read.

    Args:
        folder: the artifact's folder, with ``backbone.json``.
        resolution: the side of the input in pixels.
    """
    try:
        model = read(folder)
        model.reshape([1, resolution, resolution, 3])
    except RuntimeError:
        return 0
    return sum(_multiply_adds(node) for node in model.get_ops())


def _multiply_adds(node: Any) -> int:
    outputs = math.prod(node.output(0).get_shape())
    match node.get_type_name():
        case "Convolution" | "GroupConvolution":
            # A kernel is [O, I, kh, kw], or [groups, O, I, kh, kw]: each output sums I·kh·kw.
            return outputs * math.prod(node.input_value(1).get_shape()[-3:])
        case "MatMul":
            axis = -2 if node.get_attributes()["transpose_a"] else -1
            return outputs * int(node.input_value(0).get_shape()[axis])
    return 0


def read(folder: Path) -> Any:
    """Return the artifact as a model from images float32 [N, R, R, 3] in [0, 1] to features.

    Raises:
        RuntimeError: OpenVINO cannot read it.
    """
    info = BackboneInfo.read(folder)
    if info.network != "saved_model":
        return _build(networks.read(info.network, folder), info.resolution)
    frozen = folder / FROZEN
    return openvino.Core().read_model(frozen if frozen.exists() else folder / "saved_model")


def _build(network: Network, resolution: int) -> Any:
    images = ops.parameter([-1, resolution, resolution, 3], openvino.Type.f32)
    mean, std = (np.array(values, np.float32) for values in (network.mean, network.std))
    x = ops.divide(ops.subtract(images, mean), std)
    x = ops.transpose(x, [0, 3, 1, 2])
    for block in network.blocks:
        y = x
        for convolution in block.convolutions:
            y = _convolve(y, convolution)
        x = ops.add(x, y) if block.residual else y
    return openvino.Model([ops.reduce_mean(x, [2, 3])], [images], "backbone")


def _convolve(x: Any, convolution: Convolution) -> Any:
    kernel, convolve = convolution.kernel, ops.convolution
    if convolution.depthwise:
        # [C, 1, kh, kw] → [C, 1, 1, kh, kw]: C groups of one channel.
        kernel, convolve = kernel[:, None], ops.group_convolution
    pad = [kernel.shape[-1] // 2] * 2
    x = convolve(
        x,
        kernel,
        [convolution.stride] * 2,
        pad,
        pad,
        [1, 1],
        auto_pad="explicit" if convolution.symmetric else "same_upper",
    )
    x = ops.add(x, convolution.bias[:, None, None])
    return ops.clamp(x, 0.0, 6.0) if convolution.relu6 else x
