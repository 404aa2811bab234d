"""The photos that a command line names: files, folders, and standard input."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from transfer_learning.photos import pixels

STDIN = "-"
# Of a file: the largest that is read, so that a row about it takes no more memory.
MEGABYTES = 512
# What computers leave among photos.
NO_PHOTOS = ("Thumbs.db", "desktop.ini", "__MACOSX")
SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff"),
    *(".jp2", ".j2k", ".avif", ".ppm", ".pgm", ".pbm", ".heic", ".heif"),
)


@dataclass(frozen=True)
class Found:
    """A photo to look at: its name as it will be printed, and whether it was named itself.

    Or a folder that cannot be listed, with the error.
    """

    name: str
    named: bool
    error: OSError | None = None


def found(names: list[str]) -> Iterator[Found]:
    """Yield the photos of the command line: folders with all below them, in the names' order.

    Of a folder those files are taken that have a photo's suffix or begin like a photo; hidden ones
    are not, and links to folders inside it are not followed.
    """
    for name in names:
        if name != STDIN and Path(name).is_dir():
            yield from _below(name)
        else:
            yield Found(name, named=True)


def read(item: Found) -> bytes | Exception:
    """Return a photo's bytes, or the error that there is in their place."""
    if item.error:
        return item.error
    limit = MEGABYTES * 2**20
    try:
        if item.name == STDIN and item.named:
            encoded = sys.stdin.buffer.read(limit + 1)
        else:
            # Reading a pipe that lies in a folder would wait for ever.
            if not item.named and not stat.S_ISREG(Path(item.name).stat().st_mode):
                return OSError(errno.EINVAL, "not a regular file")
            with open(item.name, "rb") as file:
                encoded = file.read(limit + 1)
    except (OSError, ValueError) as error:
        return error
    if len(encoded) > limit:
        return ValueError(f"it has more than {MEGABYTES} MB")
    return encoded


def _below(folder: str) -> Iterator[Found]:
    errors: list[OSError] = []
    for parent, folders, files in os.walk(folder, onerror=errors.append):
        # In place, which is how walk is told where to go.
        folders[:] = sorted(name for name in folders if not _passed_over(name))
        for name in sorted(files):
            path = Path(parent, name)
            if not _passed_over(name) and _looks_like_a_photo(path):
                yield Found(str(path), named=False)
    yield from (Found(str(error.filename), named=False, error=error) for error in errors)


def _passed_over(name: str) -> bool:
    return name.startswith(".") or name in NO_PHOTOS


def _looks_like_a_photo(path: Path) -> bool:
    if path.suffix.lower() in SUFFIXES:
        return True
    try:
        return stat.S_ISREG(path.stat().st_mode) and pixels.is_photo(path)
    except OSError:
        return False
