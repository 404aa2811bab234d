"""Units for tests of the executors: small files, a log of what was computed, and what fails."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from transfer_learning.runtime.errors import UserError
from transfer_learning.work import units
from transfer_learning.work.units import Job, Unit

PHOTOS = 3


@dataclass
class Toy:
    """A worker that writes a unit's name and input; ``log`` gets a line for each file and try.

    ``fails`` says how often a unit fails, ``dies`` which one kills its process the first time,
    ``refused`` which one is a user's error.
    """

    cores: int
    log: Path
    fails: dict[str, int] = field(default_factory=dict)
    dies: str = ""
    refused: str = ""
    nap: float = 0.0

    def __call__(self, unit: Unit, target: Path, advance: Callable[[int], object]) -> None:
        tried = self.log.read_text().count(f"try {unit.name}\n")
        self._note(f"try {unit.name}")
        print("a worker's remark")
        time.sleep(self.nap)
        advance(1)
        if unit.name == self.refused:
            raise UserError("params.yaml is wrong")
        if unit.name == self.dies and not tried:
            # Half a file, as of a machine that is switched off.
            target.write_text("half")
            os.kill(os.getpid(), signal.SIGKILL)
        with units.photo(f"{unit.name}/b.jpg"):
            if tried < self.fails.get(unit.name, 0):
                raise ValueError("boom")
        target.write_text(unit.name + "".join(path.read_text() for path in unit.inputs))
        advance(PHOTOS - 1)
        self._note(f"done {unit.name}")

    def _note(self, line: str) -> None:
        with self.log.open("a") as file:
            file.write(f"{line}\n")


@dataclass(frozen=True)
class Run:
    """What a run gave: the files' texts in order, and the photos that were counted."""

    texts: list[str]
    photos: int


class Bench:
    """A folder in which jobs of toys run."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.log = root / "log"
        self.folder = root / "work"
        self.log.touch()

    def units(self, count: int) -> list[Unit]:
        """Return units that read a file each."""
        found = []
        for index in range(count):
            path = self.root / f"{index}.txt"
            if not path.exists():
                path.write_text(f" reads {index}")
            found.append(Unit(f"u{index}", PHOTOS, (path,)))
        return found

    def run(
        self,
        todo: Iterable[Unit],
        facts: str = "",
        processes_from: int | None = None,
        **options: object,
    ) -> Run:
        """Run a job of toys."""
        photos: list[int] = []
        toys = partial(Toy, log=self.log, **options)
        job = Job("toys@x", toys, {"facts": facts}, processes_from=processes_from)
        with units.results(job, todo, self.folder, photos.append) as results:
            return Run([path.read_text() for path in results], sum(photos))

    def finished(self) -> int:
        """Return how many files of units a run that did not end well has left."""
        return len([path for path in self.folder.iterdir() if not path.suffix])

    def computed(self) -> list[str]:
        """Return the units whose files were computed since the last call, in the log's order."""
        lines = self.log.read_text().splitlines()
        self.log.write_text("")
        return [line.removeprefix("done ") for line in lines if line.startswith("done ")]


def expected(count: int) -> Run:
    """Return what any executor gives."""
    return Run([f"u{index} reads {index}" for index in range(count)], PHOTOS * count)
