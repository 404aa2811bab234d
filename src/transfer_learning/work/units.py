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
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from transfer_learning.runtime import files
from transfer_learning.runtime.errors import UserError

LIBRARY = Path(__file__).parents[1]
# What a stage of units says at Ctrl-C.
INTERRUPTED = "interrupted: the shards that are done are kept; run it again, and it goes on"


@dataclass(frozen=True)
class Unit:
    """One shard: ``photos`` is how many it holds, ``name`` what a message calls it.

    ``inputs`` are the files that are read, by these paths: where a worker has copies of them, it
    gets a unit with theirs.  ``facts`` are the plain values that the result depends on besides;
    ``task`` is what else the worker is given, such as bytes that ``facts`` describe.
    """

    name: str
    photos: int
    inputs: tuple[Path, ...] = ()
    facts: Mapping[str, object] = field(default_factory=dict)
    task: Any = None


class Worker(Protocol):
    """What does units, one after the other; what they share, such as a network, it loads once.

    One with a GPU is called from several threads, each for another unit.
    """

    def __call__(self, unit: Unit, target: Path, advance: Callable[[int], object]) -> None:
        """Write a unit's file.

        An error in it is no user's, unless it is a ``UserError``: the unit is tried again.

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
    be pickled; ``facts`` are plain values that all results depend on, and ``inputs`` files inside
    the project that ``open`` reads.  With ``gpu`` a worker gains from a GPU.  From
    ``processes_from`` photos on it pays to start processes for them, where this machine has several
    cores; without it one worker does all.  ``photo`` names a unit's photo by its place, where a
    process has died of one.
    """

    stage: str
    open: Callable[[int], Worker]
    facts: Mapping[str, object] = field(default_factory=dict)
    inputs: tuple[Path, ...] = ()
    gpu: bool = False
    processes_from: int | None = None
    photo: Callable[[Unit, int], str] | None = None


class PhotoError(Exception):
    """What went wrong with one photo of a unit is its cause; its text is the photo's name."""


@contextmanager
def photo(name: str) -> Iterator[None]:
    """Let an error in the block, which a worker does for one photo, name that photo."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        raise PhotoError(name) from error


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
        advance: called with a number of photos whenever so many more are done; negative where
            they must be done again.

    Raises:
        UserError: a unit fails each time that it is tried, or the executor cannot start.
    """
    # Here, for the executors know what a unit is.
    from transfer_learning.work import executors

    with closing(executors.run(job, units, folder, advance)) as paths:
        yield paths
    shutil.rmtree(folder, ignore_errors=True)


def on_disk(path: Path) -> list[object]:
    """Return what a file here is known by, as DVC does it: its size, time and place on the disk."""
    status = path.stat()
    return [status.st_size, status.st_mtime_ns, status.st_ino]


def digest(value: object, length: int = 32) -> str:
    """Return so many hexadecimal digits that differ for different plain values."""
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:length]


@cache
def code() -> str:
    """Return one digest of the library's own code."""
    whole = hashlib.sha256()
    for path in sorted(LIBRARY.rglob("*.py")):
        whole.update(files.sha256(path).encode())
    return whole.hexdigest()
