"""A bucket as the place where workers find what they read and leave what they write.

For machines that share no folder.  An object of a bucket is there whole or not at all.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import fsspec

from transfer_learning.runtime.errors import UserError, one_line, quoted
from transfer_learning.work.units import Job, Unit, Worker


@dataclass(frozen=True)
class Keys:
    """Where a job's objects lie in the bucket; ``job`` begins the names of its units' files."""

    url: str
    stage: str
    job: str

    def opened(self) -> Any:
        """Return the bucket as a file system of fsspec.

        Raises:
            UserError: it is no URL that fsspec knows, or its client is not installed.
        """
        if "://" not in self.url:
            raise UserError(
                f"TRANSFER_LEARNING_STORAGE is {quoted(self.url)}, which is no URL of a bucket, "
                "such as s3://BUCKET/FOLDER"
            )
        with _named(self.url):
            return fsspec.url_to_fs(self.url, use_listings_cache=False)[0]

    @property
    def top(self) -> str:
        """What all of the stage's keys begin with."""
        return f"{self.url.rstrip('/')}/{self.stage}"

    def shared(self, path: Path) -> str:
        """Return the key of a file that all units read."""
        return f"{self.top}/in/{self.job}/{path.as_posix()}"

    def own(self, name: str, number: int) -> str:
        """Return the key of the n-th file that a unit reads, whose result has that name."""
        return f"{self.top}/in/{name}/{number}"

    def result(self, name: str) -> str:
        """Return the key of a unit's file."""
        return f"{self.top}/out/{name}"


class Sender:
    """The side of the bucket on which the stage is: it sends what is read, fetches results."""

    def __init__(self, keys: Keys, job: Job) -> None:
        """Send what all units read, see what earlier runs have left, remove what is of no use.

        Raises:
            UserError: the bucket cannot be used.
        """
        self._keys, self._files = keys, keys.opened()
        with _named(keys.url):
            top = self._files._strip_protocol(keys.top)
            there = self._files.find(top)
            # in/JOB/… and in/JOB-…, out/JOB-…
            kept = tuple(f"{top}/{side}/{keys.job}" for side in ("in", "out"))
            if old := [key for key in there if not key.startswith(kept)]:
                self._files.rm(old)
            self._there = set(there) - set(old)
            for path in job.inputs:
                self._send(path, keys.shared(path))

    def send(self, unit: Unit, name: str) -> None:
        """Send what a unit reads, once."""
        with _named(self._keys.url):
            for number, path in enumerate(unit.inputs):
                self._send(path, self._keys.own(name, number))

    def has(self, name: str) -> bool:
        """Say whether an earlier run has left a unit's file."""
        return self._files._strip_protocol(self._keys.result(name)) in self._there

    def fetch(self, unit: Unit, path: Path) -> None:
        """Fetch a unit's file, whole or not at all, and remove what it was made of."""
        part = path.with_name(f"{path.name}.part")
        with _named(self._keys.url):
            self._files.get_file(self._keys.result(path.name), str(part))
            part.replace(path)
            read = [self._keys.own(path.name, number) for number in range(len(unit.inputs))]
            if sent := [key for key in read if self._files._strip_protocol(key) in self._there]:
                self._files.rm(sent)

    def clear(self) -> None:
        """Remove all of the stage's objects."""
        with _named(self._keys.url):
            if there := self._files.find(self._keys.top):
                self._files.rm(there)

    def _send(self, path: Path, key: str) -> None:
        plain = self._files._strip_protocol(key)
        if plain not in self._there:
            self._files.put_file(str(path), key)
            self._there.add(plain)


class Receiver:
    """The side of the bucket on which a worker is: ``member.Room``, in a folder of its own.

    Files lie in it as they do in the project, those from outside of the project apart.
    """

    def __init__(self, keys: Keys, job: Job) -> None:
        self._keys, self._shared = keys, job.inputs

    def enter(self) -> None:
        """As ``Room`` says."""
        self._files = self._keys.opened()
        self._folder = tempfile.TemporaryDirectory(prefix="transfer-learning-")
        os.chdir(self._folder.name)
        with _named(self._keys.url):
            for path in self._shared:
                self._get(self._keys.shared(path), path)

    def fill(self, unit: Unit, name: str, work: Worker, advance: Callable[[int], object]) -> None:
        """As ``Room`` says."""
        copies = tuple(_inside(path, number) for number, path in enumerate(unit.inputs))
        target = Path(name)
        try:
            for number, copy in enumerate(copies):
                self._get(self._keys.own(name, number), copy)
            work(replace(unit, inputs=copies), target, advance)
            self._files.put_file(str(target), self._keys.result(name))
        finally:
            for path in (*copies, target):
                path.unlink(missing_ok=True)

    def leave(self) -> None:
        """As ``Room`` says."""
        os.chdir(tempfile.gettempdir())
        self._folder.cleanup()

    def _get(self, key: str, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._files.get_file(key, str(path))


def _inside(path: Path, number: int) -> Path:
    """Return where in a worker's folder the copy of a file of a unit lies."""
    outside = path.is_absolute() or ".." in path.parts
    return Path("outside", str(number), path.name) if outside else path


@contextmanager
def _named(url: str) -> Iterator[None]:
    """Let what goes wrong with the bucket name it."""
    try:
        yield
    except UserError:
        raise
    except ImportError as error:
        raise UserError(
            f"TRANSFER_LEARNING_STORAGE is {url}, which needs a package: {one_line(error)}"
        ) from None
    # Each client has errors of its own kinds.
    except Exception as error:
        said = one_line(f"{type(error).__name__}: {error}")
        raise UserError(f"TRANSFER_LEARNING_STORAGE is {url}, which fails: {said}") from None
