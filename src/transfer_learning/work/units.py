"""Units of work: each is a pure function from a shard of photos to one file.

A unit's file is written whole or not at all, under a name that is a digest of all that it depends
on, in a folder that DVC does not know: what a stage had finished when it was stopped is not
computed again.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from transfer_learning.runtime import files, hardware

LIBRARY = Path(__file__).parents[1]


@dataclass(frozen=True)
class Unit:
    """One shard: ``photos`` is how many it holds, ``name`` what a message calls it.

    ``inputs`` are the files that are read, ``facts`` the plain values that the result depends on
    besides; ``task`` is what else the worker is given, such as bytes that ``facts`` describe.
    """

    name: str
    photos: int
    inputs: tuple[Path, ...] = ()
    facts: Mapping[str, object] = field(default_factory=dict)
    task: Any = None


class Worker(Protocol):
    """What does units, one after the other; what they share, such as a network, it loads once."""

    def __call__(self, unit: Unit, target: Path, advance: Callable[[int], object]) -> None:
        """Write a unit's file.

        Args:
            unit: what to do.
            target: where to write it.
            advance: called with a number of photos whenever so many more are done.
        """
        ...


@dataclass(frozen=True)
class Job:
    """All units of a stage.

    ``stage`` is its name (``extract@b``), ``open`` makes a worker that uses so many cores, and can
    be pickled; ``facts`` are plain values that all results depend on.
    """

    stage: str
    open: Callable[[int], Worker]
    facts: Mapping[str, object] = field(default_factory=dict)


@contextmanager
def results(
    job: Job, units: Iterable[Unit], folder: Path, advance: Callable[[int], object]
) -> Iterator[Iterator[Path]]:
    """Give the files of the units, in their order, each as soon as it is there.

    When the block ends well, the files that it has left are removed; where it does not, they stay,
    and the next run of the same job goes on after them.

    Args:
        job: what the units belong to.
        units: taken one by one, when there is room.
        folder: where the files are kept meanwhile.
        advance: called with a number of photos whenever so many more are done.
    """
    folder.mkdir(parents=True, exist_ok=True)
    yield _run(job, units, folder, advance)
    shutil.rmtree(folder)


def _run(
    job: Job, units: Iterable[Unit], folder: Path, advance: Callable[[int], object]
) -> Iterator[Path]:
    worker: Worker | None = None
    for unit in units:
        path = folder / digest(job, unit)
        if path.exists():
            advance(unit.photos)
        else:
            worker = worker or job.open(hardware.cores())
            temporary = path.with_suffix(".part")
            worker(unit, temporary, advance)
            temporary.replace(path)
        yield path


def digest(job: Job, unit: Unit) -> str:
    """Return the name of a unit's file, 32 hexadecimal digits.

    A file that is read counts as its path, size, time and place on the disk, as it does for DVC.
    """
    read = []
    for path in unit.inputs:
        status = path.stat()
        read.append([str(path), status.st_size, status.st_mtime_ns, status.st_ino])
    whole = [job.stage, job.facts, unit.name, unit.facts, read, code()]
    return hashlib.sha256(json.dumps(whole, sort_keys=True, default=str).encode()).hexdigest()[:32]


@cache
def code() -> str:
    """Return one digest of the library's own code."""
    whole = hashlib.sha256()
    for path in sorted(LIBRARY.rglob("*.py")):
        whole.update(files.sha256(path).encode())
    return whole.hexdigest()
