"""Ray as the executor: workers on this machine's cores, or on a cluster's, a GPU each.

A worker is an actor, which loads its network once.  Who dies is replaced where the cluster has
room, and what it was doing goes to the next that is free; results are given in the units' order.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import socket
import sys
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayActorError, RayError

from transfer_learning.runtime import files, hardware
from transfer_learning.runtime.errors import UserError, one_line
from transfer_learning.work.attempts import TRIES, Failure, Tries, attempt
from transfer_learning.work.bucket import Keys, Receiver, Sender
from transfer_learning.work.member import ON_GPU, Member, Project, Room
from transfer_learning.work.shelf import Shelf
from transfer_learning.work.units import LIBRARY, Job, Unit, on_disk

# Units taken and not yet given, for each worker: those that wait behind a slow one.
AHEAD = 4
# Seconds without a worker at work after which a word is said.
PATIENCE = 30.0
# Seconds between two looks at how large the cluster is.
LOOK = 5.0
# Seconds for a cluster to answer.
ANSWER = 10.0


def run(
    job: Job,
    units: Iterable[Unit],
    folder: Path,
    advance: Callable[[int], object],
    *,
    storage: str | None,
    cluster: str | None,
) -> Generator[Path, None, None]:
    """Yield the units' files, as ``units.results`` says.

    Args:
        job: as there.
        units: as there.
        folder: as there.
        advance: as there; called when a unit is done.
        storage: a bucket's URL; None where all nodes see the project's folder.
        cluster: the address of one; None for Ray on this machine.

    Raises:
        UserError: no such cluster answers, or a node cannot work; or as ``units.results`` says.
    """
    # In a bucket a file is known by what it holds, to any machine that goes on.
    shelf = Shelf(job, folder, known_by=files.sha256 if storage else on_disk)
    room: Room = Project(Path.cwd(), folder)
    bucket = None
    if storage:
        keys = Keys(storage, job.stage, shelf.job)
        room, bucket = Receiver(keys, job), Sender(keys, job)
    with _connected(cluster):
        crew = _Crew(job, room)
        try:
            yield from _in_order(crew, units, shelf, bucket, advance)
        finally:
            crew.dismiss()
    if bucket:
        bucket.clear()


@dataclass(eq=False)
class _Turn:
    """A unit that was taken, and whether its file is there."""

    unit: Unit
    path: Path
    done: bool = False


def _in_order(
    crew: _Crew,
    units: Iterable[Unit],
    shelf: Shelf,
    bucket: Sender | None,
    advance: Callable[[int], object],
) -> Iterator[Path]:
    tries = Tries(crew.job.stage, shelf.folder)
    rest = iter(units)
    more = True
    taken: deque[_Turn] = deque()
    waiting: deque[_Turn] = deque()
    while more or taken:
        while more and len(taken) < AHEAD * crew.size:
            if (unit := next(rest, None)) is None:
                more = False
                break
            turn = _Turn(unit, shelf.place(unit))
            taken.append(turn)
            if bucket and bucket.has(turn.path.name) and not turn.path.exists():
                bucket.fetch(unit, turn.path)
            if turn.path.exists():
                turn.done = True
                advance(unit.photos)
                continue
            if bucket:
                bucket.send(unit, turn.path.name)
            waiting.append(turn)
        while taken and taken[0].done:
            yield taken.popleft().path
        while waiting and crew.idle:
            crew.give(waiting.popleft())
        # Of those that are taken the first is not done.
        for turn, failure in crew.wait() if taken else ():
            if failure:
                tries.count(turn.unit, failure)
                waiting.appendleft(turn)
                continue
            if bucket:
                bucket.fetch(turn.unit, turn.path)
            shelf.expect(turn.path)
            turn.done = True
            advance(turn.unit.photos)


class _Crew:
    """The workers: as many as the cluster has cores, or GPUs where the job gains from one."""

    def __init__(self, job: Job, room: Room) -> None:
        self.job = job
        # A worker is in it for each unit that it could take on.
        self.idle: list[Any] = []
        self._room = room
        self._actors: list[Any] = []
        self._starting: dict[Any, Any] = {}
        self._busy: dict[Any, tuple[Any, _Turn]] = {}
        on_gpu = job.gpu and ray.cluster_resources().get("GPU", 0) >= 1
        self._needs = "GPU" if on_gpu else "CPU"
        self._at_once = ON_GPU if on_gpu else 1
        # A dead one is replaced here, not by Ray, which would keep its unit for a lost node.
        self._open: Any = ray.remote(
            num_cpus=1, num_gpus=int(on_gpu), max_concurrency=self._at_once, max_restarts=0
        )(_Actor)
        self._failed_starts = 0
        self._looked = 0.0
        self._said: set[str] = set()
        self._hire()

    @property
    def size(self) -> int:
        """How many units they could do at a time, once all have started."""
        return len(self._actors) * self._at_once

    def give(self, turn: _Turn) -> None:
        """Let an idle worker do a unit."""
        actor = self.idle.pop()
        self._busy[actor.do.remote(turn.unit, turn.path.name)] = actor, turn

    def wait(self) -> Iterator[tuple[_Turn, Failure | None]]:
        """Wait until something has happened, and yield what has become of units.

        Raises:
            UserError: workers cannot start.
        """
        if time.monotonic() - self._looked > LOOK:
            self._hire()
        ready, _ = ray.wait([*self._starting, *self._busy], timeout=PATIENCE)
        if not ready and not self._busy:
            found = ray.cluster_resources().get(self._needs, 0)
            self._say(
                f"{self.job.stage}: no worker has started for {PATIENCE:.0f} s; the cluster has "
                f"{found:.0f} {self._needs}s, which others may hold (ray status)"
            )
        for future in ready:
            if future in self._starting:
                self._welcome(future)
            else:
                yield self._finished(future)

    def dismiss(self) -> None:
        """End all workers."""
        with contextlib.suppress(RayError):
            ray.get([actor.leave.remote() for actor in set(self.idle)], timeout=LOOK)
        for actor in self._actors:
            ray.kill(actor)

    def _hire(self) -> None:
        """Start workers for what the cluster has come to have, or for those who died."""
        self._looked = time.monotonic()
        room = int(ray.cluster_resources().get(self._needs, 0))
        for _ in range(max(room, 1) - len(self._actors)):
            actor = self._open.remote(self.job, self._room)
            self._actors.append(actor)
            self._starting[actor.ready.remote()] = actor

    def _welcome(self, future: Any) -> None:
        actor = self._starting.pop(future)
        try:
            failure = ray.get(future)
        except RayError as error:
            failure = Failure(one_line(error))
        if failure is None:
            self._failed_starts = 0
            self.idle += [actor] * self._at_once
            return
        self._lose(actor)
        if failure.user:
            raise failure.user
        self._failed_starts += 1
        if self._failed_starts == TRIES:
            raise UserError(f"{self.job.stage}: Ray's workers do not start: {failure.said}")

    def _finished(self, future: Any) -> tuple[_Turn, Failure | None]:
        actor, turn = self._busy.pop(future)
        try:
            failure, said = ray.get(future)
        except RayActorError:
            # No word of which photo it was: the process or its machine is gone.
            self._lose(actor)
            return turn, Failure("the death of its worker (a kill, a crash, or out of memory)")
        self.idle.append(actor)
        for line in said:
            self._say(line)
        return turn, failure

    def _lose(self, actor: Any) -> None:
        if actor in self._actors:
            self._actors.remove(actor)
            self.idle = [other for other in self.idle if other is not actor]
            ray.kill(actor)
            self._hire()

    def _say(self, line: str) -> None:
        """Print what any of the workers has to say, once."""
        if line not in self._said:
            self._said.add(line)
            print(line, file=sys.stderr)


class _Actor:
    """A worker in a process of its own, with one core."""

    def __init__(self, job: Job, room: Room) -> None:
        self._member, self._room = Member(job, room, cores=1), room
        sys.stdout = self._said = io.StringIO()

    def ready(self) -> Failure | None:
        """Return why it cannot work here, or None."""
        return attempt(self._room.enter)

    def do(self, unit: Unit, name: str) -> tuple[Failure | None, list[str]]:
        """Do a unit; return why that failed, or None, and all lines that were printed so far."""
        failure = self._member.do(unit, name, lambda photos: None)
        return failure, self._said.getvalue().splitlines()

    def leave(self) -> None:
        """Tidy up."""
        self._room.leave()


@contextmanager
def _connected(cluster: str | None) -> Iterator[None]:
    """Be part of a cluster, or of one on this machine that is there for the block alone."""
    if ray.is_initialized():
        yield
        return
    # It would ask, and tell its makers.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        if cluster:
            _expect_answer(cluster)
            # This project's code, whatever the nodes have.
            environment = {"py_modules": [str(LIBRARY)]}
            ray.init(cluster, runtime_env=environment, log_to_driver=False, logging_level="ERROR")
        else:
            ray.init(
                "local",
                num_cpus=hardware.cores(),
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
    except (OSError, RuntimeError, ValueError, RayError) as error:
        where = f"RAY_ADDRESS is {cluster}, but" if cluster else "on this machine,"
        advice = "; if it asks for a token, RAY_AUTH_MODE must be token" if cluster else ""
        raise UserError(f"{where} Ray cannot be used: {one_line(error)}{advice}") from None
    try:
        yield
    finally:
        ray.shutdown()


def _expect_answer(cluster: str) -> None:
    """Raise the OSError where nobody answers at HOST:PORT, which Ray would ask for minutes."""
    host, colon, port = cluster.partition("://")[2 if "://" in cluster else 0].rpartition(":")
    if colon and port.isdigit():
        socket.create_connection((host, int(port)), timeout=ANSWER).close()
