"""A worker with the place where it works: what every executor has one or many of."""

from __future__ import annotations

import os
import platform
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from transfer_learning.runtime.errors import UserError
from transfer_learning.work.attempts import Failure, attempt
from transfer_learning.work.units import Job, Unit, Worker

# Units in work at a time for each GPU, which computes on one while others are read.
ON_GPU = 3


class Room(Protocol):
    """Where a worker finds what it reads and leaves what it writes; it can be pickled."""

    def enter(self) -> None:
        """Make a process of this machine ready for ``fill``, whose working folder it may change.

        Raises:
            UserError: this machine cannot reach the place.
        """
        ...

    def fill(self, unit: Unit, name: str, work: Worker, advance: Callable[[int], object]) -> None:
        """Let ``work`` write the unit's file, which is there under that name whole or not at all.

        Whatever ``work`` raises goes through.
        """
        ...

    def leave(self) -> None:
        """Remove what ``enter`` has put on this machine."""
        ...


@dataclass(frozen=True)
class Project:
    """The project's own folder, which all machines see at the same path."""

    root: Path
    folder: Path

    def enter(self) -> None:
        """As ``Room`` says."""
        try:
            os.chdir(self.root)
        except OSError:
            seen = False
        else:
            seen = self.folder.is_dir()
        if not seen:
            raise UserError(
                f"{platform.node()} does not see {self.root / self.folder}: all nodes must have "
                "the project's folder at the same path, or set TRANSFER_LEARNING_STORAGE to a "
                "bucket (docs/scale.md)"
            )

    def fill(self, unit: Unit, name: str, work: Worker, advance: Callable[[int], object]) -> None:
        """As ``Room`` says."""
        # Of its own: a unit may be in work twice, where its first worker is cut off, not dead.
        part = self.folder / f"{name}.{uuid.uuid4().hex}.part"
        try:
            work(unit, part, advance)
            part.replace(self.folder / name)
        finally:
            part.unlink(missing_ok=True)

    def leave(self) -> None:
        """As ``Room`` says: nothing."""


class Member:
    """One worker of a job, opened when its first unit comes, and again where that failed."""

    def __init__(self, job: Job, room: Room, *, cores: int) -> None:
        self._job, self._room, self._cores = job, room, cores
        self._worker: Worker | None = None
        self._opening = threading.Lock()

    def do(self, unit: Unit, name: str, advance: Callable[[int], object]) -> Failure | None:
        """Do a unit; return why that failed, or None where it did not."""
        return attempt(lambda: self._room.fill(unit, name, self._work, advance))

    def _work(self, unit: Unit, target: Path, advance: Callable[[int], object]) -> None:
        with self._opening:
            self._worker = self._worker or self._job.open(self._cores)
        self._worker(unit, target, advance)
