"""This machine as the executor: one process on all cores, or one for each core."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

from transfer_learning.runtime import hardware, nvidia, parallel
from transfer_learning.work.attempts import Tries
from transfer_learning.work.member import ON_GPU, Member, Project, Room
from transfer_learning.work.processes import Processes, Turn
from transfer_learning.work.shelf import Shelf
from transfer_learning.work.units import Job, Unit


def run(
    job: Job, units: Iterable[Unit], folder: Path, advance: Callable[[int], object]
) -> Iterator[Path]:
    """Yield the units' files, as ``units.results`` says."""
    shelf, tries = Shelf(job, folder), Tries(job.stage, folder)
    room, cores = Project(Path.cwd(), folder), hardware.cores()
    turns = ((unit, shelf.place(unit)) for unit in units)
    first = _up_to(turns, job.processes_from or 0) if cores > 1 else []
    rest = chain(first, turns)
    if job.processes_from and sum(unit.photos for unit, _ in first) >= job.processes_from:
        yield from Processes(job, room, cores, advance).run(rest, tries)
    else:
        yield from _here(job, room, cores, advance, rest, tries)


def _up_to(turns: Iterator[Turn], photos: int) -> list[Turn]:
    """Take so many turns that they have so many photos, or all."""
    taken: list[Turn] = []
    while photos > 0 and (turn := next(turns, None)):
        taken.append(turn)
        photos -= turn[0].photos
    return taken


def _here(
    job: Job,
    room: Room,
    cores: int,
    advance: Callable[[int], object],
    turns: Iterator[Turn],
    tries: Tries,
) -> Iterator[Path]:
    """Yield the files, made by one worker in this process."""
    member = Member(job, room, cores=cores)

    def finish(turn: Turn) -> Path:
        unit, path = turn
        if path.exists():
            advance(unit.photos)
        while not path.exists():
            done = _Done(advance)
            if failure := member.do(unit, path.name, done.count):
                advance(-done.photos)
                tries.count(unit, failure)
        return path

    if job.gpu and nvidia.look().usable:
        with ThreadPoolExecutor(ON_GPU) as threads:
            yield from parallel.ordered(threads, finish, turns, ahead=ON_GPU)
    else:
        yield from map(finish, turns)


class _Done:
    """How many photos of a unit are done, which do not count where it fails."""

    def __init__(self, advance: Callable[[int], object]) -> None:
        self.photos = 0
        self._advance = advance

    def count(self, photos: int) -> None:
        self.photos += photos
        self._advance(photos)
