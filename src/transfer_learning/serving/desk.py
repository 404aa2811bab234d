"""Photos of all requests to one classifier, a bounded number at once, each core at one of them.

There are no batches: on a CPU they gain nothing (docs/serve.md), and so a photo waits for no other,
its answer depends on no other, and a large one holds up one core and not all.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from transfer_learning.classifier.classifier import Answer, Classifier, Refused
from transfer_learning.runtime import hardware
from transfer_learning.serving.limits import Limits
from transfer_learning.serving.looking import look
from transfer_learning.serving.problems import Problem
from transfer_learning.serving.uploads import Photo

# Of the newest photo in the running mean of seconds for each.
WEIGHT = 0.05
# Before any is measured.
FIRST_GUESS = 0.02

log = logging.getLogger(__name__)


class Desk:
    """Where requests hand in photos and wait for their answers.

    Attributes:
        open: photos that wait or are in work.
        failing: whether the classifier failed at the newest photo, at no fault of the photo.
    """

    def __init__(self, classifier: Classifier, limits: Limits) -> None:
        """Start a thread for each core."""
        self.open = 0
        self.failing = False
        self._classifier = classifier
        self._limits = limits
        self._cores = hardware.cores()
        self._executor = ThreadPoolExecutor(self._cores, thread_name_prefix="photo")
        self._seconds = FIRST_GUESS

    @property
    def ready(self) -> bool:
        """Say whether a photo that comes now would be answered."""
        return not self.failing and self.open < self._limits.waiting

    async def answers(self, photos: Sequence[Photo]) -> list[Answer | Problem]:
        """Return the answer to each photo, in order; a photo that is refused fails alone.

        When the call is cancelled, photos that wait still are dropped.

        Raises:
            Problem: more photos would wait than may.
        """
        self._refuse_beyond(self._limits.waiting - len(photos))
        run = asyncio.get_running_loop().run_in_executor
        with self._places(len(photos)):
            return await asyncio.gather(
                *(run(self._executor, self._answer, photo) for photo in photos)
            )

    def refuse_if_full(self) -> None:
        """Raise before a body is read for nothing.

        Raises:
            Problem: as many photos wait as may.
        """
        self._refuse_beyond(self._limits.waiting - 1)

    def close(self) -> None:
        """End the threads, after the photos that they are at."""
        self._executor.shutdown(cancel_futures=True)

    @contextmanager
    def _places(self, count: int) -> Iterator[None]:
        # In the event loop alone, so it needs no lock.
        self.open += count
        try:
            yield
        finally:
            self.open -= count

    def _refuse_beyond(self, others: int) -> None:
        if self.open > others:
            seconds = max(1, math.ceil(self.open * self._seconds / self._cores))
            raise Problem(
                503, f"{self.open} photos wait already, try again soon", retry_after=seconds
            )

    def _answer(self, photo: Photo) -> Answer | Problem:
        if isinstance(photo, Problem):
            return photo
        start = time.perf_counter()
        try:
            if problem := look(photo, megapixels=self._limits.megapixels):
                return problem
            found = self._classifier.answer(photo)
        # A photo's fault would be its answer.
        except Exception:
            log.exception("the classifier failed")
            self.failing = True
            return Problem(500, "the classifier failed; the server's log says why")
        self.failing = False
        self._seconds += WEIGHT * (time.perf_counter() - start - self._seconds)
        return Problem(422, found.reason) if isinstance(found, Refused) else found
