"""OpenVINO as the engine: on a CPU."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from transfer_learning.backbones import openvino_network
from transfer_learning.backbones.artifact import BackboneInfo
from transfer_learning.config.params import Precision
from transfer_learning.features.features import Features
from transfer_learning.photos import records
from transfer_learning.runtime import hardware
from transfer_learning.runtime.openvino_quiet import openvino
from transfer_learning.work import units


class OpenVino:
    """A backbone on this machine's CPU.

    Each core takes a batch of its own, which is faster than all cores at one batch and makes a
    photo's features independent of the number of cores. Batches are of one size, the last one
    filled up with black, so that one compiled network takes all.
    """

    name = "openvino"
    # More gains no speed on two cores, and takes memory.
    batch = 4

    def __init__(
        self,
        folder: Path,
        precision: Precision = "float32",
        *,
        info: BackboneInfo | None = None,
        cores: int | None = None,
    ) -> None:
        """Read and compile the network of an artifact's folder, described by ``info``.

        It computes on so many ``cores``, or on all.

        Raises:
            RuntimeError: OpenVINO cannot read it, or it is no function from images to vectors.
        """
        info = BackboneInfo.read(folder) if info is None else info
        self.version = openvino.__version__.split("-")[0]
        threads = cores or hardware.cores()
        compiled = openvino.Core().compile_model(
            _from_pixels(openvino_network.read(folder, info), batch=self.batch, info=info),
            "CPU",
            (openvino_network.FLOAT32 if precision == "float32" else openvino_network.BFLOAT16)
            | {
                "INFERENCE_NUM_THREADS": threads,
                "NUM_STREAMS": threads,
                # Else two processes share one core while others idle.
                "ENABLE_CPU_PINNING": False,
            },
        )
        self._image_bytes = info.resolution * info.resolution * 3
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
                yield [self._checked(photo) for photo in batch]

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

    def _checked(self, photo: records.Record) -> bytes:
        with units.photo(photo.id):
            if len(photo.image) != self._image_bytes:
                raise ValueError(f"it has {len(photo.image)} bytes, not {self._image_bytes}")
        return photo.image

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
                pixels[index] = np.frombuffer(image, np.uint8).reshape(pixels.shape[1:])
            pixels[len(images) :] = 0
            request.start_async()
            pending.append((request, len(images)))
        while pending:
            yield oldest()


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
