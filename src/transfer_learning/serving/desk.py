"""Photos of all requests to one classifier: taken in turn, together where several wait.

The classifier is a stream, which one thread feeds with photos as long as some wait and ends when
none does.  Photos of different requests are therefore decoded and computed side by side, and one
alone waits for no other.
"""

from __future__ import annotations

import asyncio
import logging
import math
import queue
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager

import anyio.to_thread

from transfer_learning.classifier.classifier import Answer, Classifier, Refused
from transfer_learning.serving.limits import Limits
from transfer_learning.serving.looking import look
from transfer_learning.serving.problems import Problem
from transfer_learning.serving.uploads import Photo

# A photo's answer to come, and the photo.
Job = tuple["Future[Answer | Refused]", bytes]
# Of the newest photo in the running mean of seconds for each.
WEIGHT = 0.05
# Before any is measured.
FIRST_GUESS = 0.02

log = logging.getLogger(__name__)


class Desk:
    """Where requests hand in photos and wait for their answers."""

    def __init__(self, classifier: Classifier, limits: Limits) -> None:
        """Start the thread that answers."""
        self.open = 0
        self.failing = False
        self._closed = False
        self._limits = limits
        self._classifier = classifier
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._seconds = FIRST_GUESS
        self._thread = threading.Thread(target=self._work, name="classifier", daemon=True)
        self._thread.start()

    @property
    def ready(self) -> bool:
        """Say whether a photo that comes now would be answered."""
        return self._thread.is_alive() and not self.failing and self.open < self._limits.waiting

    async def answers(self, photos: Sequence[Photo]) -> list[Answer | Problem]:
        """Return the answer to each photo, in order; a photo that is refused fails alone.

        Called in the event loop.  When the call is cancelled, photos that wait still are dropped.

        Raises:
            Problem: more photos wait than may, or the classifier failed at no photo's fault.
        """
        with self._places(len(photos)):
            looked = await anyio.to_thread.run_sync(self._look, photos)
            waiting = [
                self._hand_in(photo) if isinstance(photo, bytes) else photo for photo in looked
            ]
            await asyncio.gather(*(item for item in waiting if isinstance(item, asyncio.Future)))
        return [
            _answer(item.result()) if isinstance(item, asyncio.Future) else item for item in waiting
        ]

    def close(self) -> None:
        """Answer what is handed in, then end the thread."""
        self._jobs.put(None)
        self._thread.join()

    def refuse_if_full(self) -> None:
        """Raise before a body is read for nothing.

        Raises:
            Problem: as many photos wait as may.
        """
        self._refuse_more_than(self._limits.waiting - 1)

    @contextmanager
    def _places(self, count: int) -> Iterator[None]:
        self._refuse_more_than(self._limits.waiting - count)
        self.open += count
        try:
            yield
        finally:
            self.open -= count

    def _refuse_more_than(self, others: int) -> None:
        if self.open > others:
            seconds = max(1, math.ceil(self.open * self._seconds))
            raise Problem(
                503, f"{self.open} photos wait already, try again soon", retry_after=seconds
            )

    def _look(self, photos: Sequence[Photo]) -> list[Photo]:
        return [
            (look(photo, megapixels=self._limits.megapixels) or photo)
            if isinstance(photo, bytes)
            else photo
            for photo in photos
        ]

    def _hand_in(self, photo: bytes) -> asyncio.Future[Answer | Refused]:
        future: Future[Answer | Refused] = Future()
        self._jobs.put((future, photo))
        return asyncio.wrap_future(future)

    def _work(self) -> None:
        while not self._closed:
            self._stream()

    def _stream(self) -> None:
        """Answer photos from the next one on, as long as another one waits."""
        taken: set[Future[Answer | Refused]] = set()
        before = 0.0

        def jobs() -> Iterator[Job]:
            nonlocal before
            job = self._jobs.get()
            before = time.perf_counter()
            while job is not None:
                # False where the client has gone.
                if job[0].set_running_or_notify_cancel():
                    taken.add(job[0])
                    yield job
                try:
                    job = self._jobs.get_nowait()
                except queue.Empty:
                    return
            self._closed = True

        try:
            for future, answer in self._classifier.classify(jobs()):
                taken.discard(future)
                future.set_result(answer)
                now = time.perf_counter()
                self._seconds += WEIGHT * (now - before - self._seconds)
                before = now
            self.failing = False
        # A photo's fault would be its answer.  These requests fail; the next may do better.
        except Exception:
            log.exception("the classifier failed")
            self.failing = True
            for future in taken:
                future.set_exception(Problem(500, "the classifier failed"))


def _answer(found: Answer | Refused) -> Answer | Problem:
    return Problem(422, found.reason) if isinstance(found, Refused) else found
