"""This process as the executor: one unit after the other, on all cores."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from transfer_learning.runtime import hardware, nvidia, parallel
from transfer_learning.work.attempts import Tries
from transfer_learning.work.member import ON_GPU, Member, Project
from transfer_learning.work.shelf import Shelf
from transfer_learning.work.units import Job, Unit


def run(
    job: Job, units: Iterable[Unit], folder: Path, advance: Callable[[int], object]
) -> Iterator[Path]:
    """Yield the units' files, as ``units.results`` says."""
    shelf, tries = Shelf(job, folder), Tries(job.stage, folder)
    member = Member(job, Project(Path.cwd(), folder), cores=hardware.cores())

    def finish(turn: tuple[Unit, Path]) -> Path:
        unit, path = turn
        if path.exists():
            advance(unit.photos)
        while not path.exists():
            done = _Done(advance)
            if failure := member.do(unit, path.name, done.count):
                advance(-done.photos)
                tries.count(unit, failure)
        return path

    turns = ((unit, shelf.place(unit)) for unit in units)
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
