"""Processes of this machine that share the units of a job, one core and one unit each at a time.

Python code runs on one core of a process, so threads would leave most of many cores idle.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, MutableSequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path

from transfer_learning.work.attempts import Failure, Tries
from transfer_learning.work.member import Member, Room
from transfer_learning.work.units import Job, Unit

# Units taken and not yet given, for each process: one in work, and the next, with what it holds.
AHEAD = 2
# Seconds between two looks at how many photos are done.
LOOK = 0.2
DEATH = "the death of a process (a kill, a crash, or out of memory)"
# Of which unit is not known.
UNKNOWN = Failure(DEATH)
# A unit, and where its file is or is to be.
Turn = tuple[Unit, Path]


@dataclass
class _Taken:
    """A unit that was taken, and is given to a process unless its file is there.

    ``slot`` is where the process counts photos, ``said`` how many of them were told.
    """

    unit: Unit
    path: Path
    slot: int
    given: Future[Failure | None] | None = None
    said: int = 0


class Processes:
    """So many processes, each with a worker of the job that it opens when its first unit comes."""

    def __init__(self, job: Job, room: Room, cores: int, advance: Callable[[int], object]) -> None:
        self._job, self._room, self._cores = job, room, cores
        self._advance = advance
        # Not forked, because there may be threads by now.
        self._spawn = multiprocessing.get_context("spawn")
        # Photos done of the units in work.  A plain array: a process that is killed holds no lock.
        self._done: MutableSequence[int] = self._spawn.RawArray("q", AHEAD * cores)
        # Units in work when a process died, which are done one at a time: so it is known of which
        # unit the next one dies.
        self._suspects = 0
        self._others = set(multiprocessing.active_children())
        self._start()

    def run(self, turns: Iterator[Turn], tries: Tries) -> Iterator[Path]:
        """Yield the files of the units in their order, where there are not all at once.

        Raises:
            UserError: a unit fails each time that it is tried.
        """
        taken: deque[_Taken] = deque()
        numbers = count()
        try:
            while True:
                while len(taken) < len(self._done) and (turn := next(turns, None)):
                    taken.append(_Taken(*turn, slot=next(numbers) % len(self._done)))
                if not taken:
                    return
                for each in islice(taken, 1 if self._suspects else None):
                    self._give(each)
                first = taken[0]
                if first.given and not wait([first.given], timeout=LOOK).done:
                    for each in taken:
                        self._tell(each, self._done[each.slot])
                elif first.given and (failure := self._failure(first, first.given, taken)):
                    if failure is not UNKNOWN:
                        tries.count(first.unit, failure)
                else:
                    self._tell(first, first.unit.photos)
                    self._suspects = max(self._suspects - 1, 0)
                    yield taken.popleft().path
        finally:
            self._stop()

    def _start(self) -> None:
        self._pool = ProcessPoolExecutor(
            self._cores,
            mp_context=self._spawn,
            initializer=_open,
            initargs=(self._job, self._room, self._done),
        )

    def _stop(self) -> None:
        # Whatever they do, it would be finished in vain, or is kept as far as files are whole.
        for process in set(multiprocessing.active_children()) - self._others:
            process.kill()
        self._pool.shutdown(cancel_futures=True)

    def _give(self, turn: _Taken) -> None:
        if turn.given or turn.path.exists():
            return
        self._done[turn.slot] = 0
        try:
            # This starts a process, where none is idle.
            with _without_interrupts():
                turn.given = self._pool.submit(_do, turn.unit, turn.path.name, turn.slot)
        except BrokenProcessPool as error:
            # Mended when the first of those that have died is asked for.
            turn.given = Future()
            turn.given.set_exception(error)

    def _failure(
        self, first: _Taken, given: Future[Failure | None], taken: deque[_Taken]
    ) -> Failure | None:
        """Return why the first unit was not done, if so, and let it be given anew."""
        try:
            failure = given.result()
            if failure:
                self._take_back(first)
        except BrokenProcessPool:
            failure = self._death(first.unit, self._done[first.slot])
            self._suspects = self._suspects or len(taken)
            # The others have ended with it.
            self._stop()
            self._start()
            for turn in taken:
                self._take_back(turn)
        return failure

    def _death(self, unit: Unit, done: int) -> Failure:
        if not self._suspects:
            print(f"{self._job.stage}: {DEATH}; its unit is tried again", file=sys.stderr)
            return UNKNOWN
        name = self._job.photo
        return Failure(DEATH, name(unit, done) if name and done < unit.photos else None)

    def _take_back(self, turn: _Taken) -> None:
        self._tell(turn, 0)
        turn.given = None

    def _tell(self, turn: _Taken, done: int) -> None:
        self._advance(done - turn.said)
        turn.said = done


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Let Ctrl-C wait until the block ends, and for ever in a process that it starts."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _open(job: Job, room: Room, done: MutableSequence[int]) -> None:
    """Make this process ready, which ends with its parent, however that ends."""
    global _member, _done
    _member, _done = Member(job, room, cores=1), done
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


_member: Member
_done: MutableSequence[int]


def _do(unit: Unit, name: str, slot: int) -> Failure | None:
    _done[slot] = 0

    def advance(photos: int) -> None:
        _done[slot] += photos

    return _member.do(unit, name, advance)
