"""A finished classifier: photos as encoded bytes in, calibrated answers out.

    classifier = Classifier.load(Path("data/export"))
    for name, answer in classifier.classify((path, path.read_bytes()) for path in paths):
        ...

It needs no TensorFlow (but for networks that only TensorFlow can run).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from transfer_learning.classifier import engines, manifest
from transfer_learning.classifier.engines import Engine
from transfer_learning.classifier.manifest import Manifest
from transfer_learning.config import paths
from transfer_learning.config.params import MEGAPIXELS
from transfer_learning.heads.head import FILE as HEAD
from transfer_learning.heads.head import Head, softmax
from transfer_learning.photos.squares import squares
from transfer_learning.runtime import hardware

K = TypeVar("K")
# Photos for each core that are under way or wait to be fetched.
AHEAD = 8


@dataclass(frozen=True)
class Answer:
    """What the classifier says of a photo.

    label: the class of the largest probability; of equal ones the class listed first.
    score: that probability.
    probabilities: float64 [C], calibrated, in the order of ``Manifest.classes``.
    sure: whether the score is at least ``Manifest.threshold``.
    """

    label: str
    score: float
    probabilities: np.ndarray
    sure: bool


@dataclass(frozen=True)
class Refused:
    """A photo without an answer, and why: it cannot be read, is none, or is too large."""

    reason: str


class Classifier:
    """An exported classifier in memory; any number of threads may use one at once.

    Each photo is decoded, resized and computed by itself, by one of as many threads as there are
    cores, so an answer is the same, bit for bit, whatever else is asked at that time.

    Attributes:
        manifest: what ``model.json`` says: classes, threshold, metrics, and so on.
        engine: ``openvino``, or ``tensorflow`` where OpenVINO cannot run the backbones.
    """

    def __init__(
        self, manifest: Manifest, head: Head, engine: Engine, *, megapixels: float = MEGAPIXELS
    ) -> None:
        self.manifest = manifest
        self.engine = engine.name
        self._engine = engine
        # In float64, as evaluate takes it; a row per class.
        self._kernel = np.ascontiguousarray(head.kernel.T.astype(np.float64))
        self._bias = head.bias.astype(np.float64)
        self._megapixels = megapixels
        self._executor = ThreadPoolExecutor(hardware.cores(), thread_name_prefix="classify")

    @classmethod
    def load(cls, folder: Path = paths.EXPORT, *, megapixels: float = MEGAPIXELS) -> Classifier:
        """Read an exported classifier, after the digests of all that is read.

        Args:
            folder: where ``export`` left it.
            megapixels: larger photos are refused.

        Raises:
            UserError: there is none, it is of another version, or a file of it is missing,
                damaged or not the one that was exported.
        """
        found = manifest.read(folder)
        manifest.check(folder, found, HEAD)
        return cls(found, Head.read(folder), engines.load(folder, found), megapixels=megapixels)

    def classify(
        self, photos: Iterable[tuple[K, bytes | Exception]]
    ) -> Iterator[tuple[K, Answer | Refused]]:
        """Yield the answer to each photo, with its key, in their order, as they come.

        A bounded number of photos is taken ahead of what was fetched, and of large ones a bounded
        number is decoded at once (``pixels.room``), so any number of photos takes the same memory.

        Args:
            photos: a key of any kind, and a file's bytes, or the error that reading it raised.
        """
        pending: deque[tuple[K, Future[Answer | Refused]]] = deque()
        ahead = AHEAD * hardware.cores()
        try:
            for key, photo in photos:
                pending.append((key, self._executor.submit(self.answer, photo)))
                while pending and (len(pending) >= ahead or pending[0][1].done()):
                    first, future = pending.popleft()
                    yield first, future.result()
            while pending:
                first, future = pending.popleft()
                yield first, future.result()
        finally:
            # Where the caller stops early.
            for _, future in pending:
                future.cancel()

    def answer(self, photo: bytes | Exception) -> Answer | Refused:
        """Return the answer to one photo, in this thread."""
        if isinstance(photo, Exception):
            return Refused(_reason(photo))
        members = self.manifest.members
        try:
            found = squares(
                photo,
                (member.resolution for member in members),
                settings=self.manifest.resize,
                megapixels=self._megapixels,
            )
        except ValueError as error:
            return Refused(str(error))
        features = self._engine.features(
            {member.name: found[member.resolution] for member in members}
        )
        logits = self._kernel @ features.astype(np.float64) + self._bias
        probabilities = softmax(logits[np.newaxis] / self.manifest.temperature)[0]
        best = int(probabilities.argmax())
        score = float(probabilities[best])
        sure = score >= self.manifest.threshold
        return Answer(self.manifest.classes[best], score, probabilities, sure)

    def close(self) -> None:
        """End the threads; what waits for them is given up."""
        self._executor.shutdown(cancel_futures=True)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__
