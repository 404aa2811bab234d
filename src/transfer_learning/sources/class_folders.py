"""Photos as files: PATH/CLASS/PHOTO or deeper."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from transfer_learning.config.params import Folder
from transfer_learning.photos import pixels
from transfer_learning.photos.dataset import Rejected
from transfer_learning.runtime import hardware, parallel
from transfer_learning.runtime.errors import UserError, quoted
from transfer_learning.sources.scan import (
    ABOUT,
    BESIDE,
    LICENCE,
    NO_UTF8,
    Scan,
    is_junk,
    is_named_as_photo,
    too_large,
)
from transfer_learning.sources.source import Photo, unseen


@dataclass(frozen=True)
class LocalFile:
    """A photo in a file of its own."""

    path: Path

    @property
    def trace(self) -> list[int] | str:
        """Its size, time and place on the disk, which DVC takes for its bytes."""
        try:
            status = self.path.stat()
        except OSError as error:
            return _because(error)
        return [status.st_size, status.st_mtime_ns, status.st_ino]

    def read(self) -> bytes | str:
        """Return its bytes, or why it cannot be read.

        Raises:
            UserError: it is not there, although it was listed.
        """
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            raise unseen(self.path) from None
        except OSError as error:
            return _because(error)


def scan(root: Path, settings: Folder) -> Scan:
    """List the folder; of files without a photo's usual suffix the first bytes are read.

    A link to a file or to a class's folder is followed; one to a folder inside a class is left
    out, as is all that cannot be a photo.  Hidden files and folders are passed over.

    Raises:
        UserError: a class that is asked for is missing or cannot be listed.
    """
    left_out: list[Rejected] = []
    classes = settings.classes
    if classes is None:
        classes = list(class_folders(root, left_out))
    photos = []
    for label, name in enumerate(classes):
        if not (root / name).is_dir():
            raise UserError(
                f"params.yaml: dataset.folder.classes has {quoted(name)}, which is no "
                f"folder in {quoted(settings.path)}"
            )
        photos += [Photo(path, label) for path in _files(root, name, left_out)]
    licence, whole = root / LICENCE, root.absolute()
    return Scan(
        tuple(classes),
        tuple(photos),
        tuple(left_out),
        lambda photo: LocalFile(whole / photo.id),
        licence.read_text("utf-8", errors="replace") if licence.is_file() else "",
        is_class=_holds_photos(root),
    )


def manifest(root: Path, found: Scan) -> dict[str, str]:
    """Return file → md5 of its bytes, or why it is not read, of all that ``scan`` looks at.

    The bytes are read each time: the old size and time do not mean the old bytes.
    """
    names = sorted(photo.id for photo in found.photos)
    if (root / LICENCE).is_file():
        names.insert(0, LICENCE)
    with ThreadPoolExecutor(hardware.cores()) as executor:
        paths = (root / name for name in names)
        entries = dict(zip(names, parallel.ordered(executor, _md5, paths), strict=True))
    return entries | {item.id: item.reason for item in found.left_out}


def _holds_photos(folder: Path) -> bool:
    return any(is_named_as_photo(path.name) for path in folder.iterdir())


def class_folders(root: Path, left_out: list[Rejected]) -> Iterator[str]:
    """Yield the names of the class folders, sorted; the rest that is not junk is left out."""
    above = {os.path.realpath(root), *map(str, Path(os.path.realpath(root)).parents)}
    for name in listed(root, "", left_out):
        path = root / name
        if is_folder(path):
            if os.path.realpath(path) in above:
                left_out.append(Rejected(name, "a link to the folder that it lies in"))
            else:
                yield name
        elif not name.lower().startswith(ABOUT):
            reason = _unreadable(path) or BESIDE
            left_out.append(Rejected(name, reason))


def _files(root: Path, folder: str, left_out: list[Rejected]) -> Iterator[str]:
    """Yield the paths below ``root`` of the files in a folder and in those below it."""
    waiting = [folder]
    while waiting:
        folder = waiting.pop()
        for name in listed(root, folder, left_out):
            inside = f"{folder}/{name}"
            path = root / inside
            if is_folder(path):
                if path.is_symlink():
                    left_out.append(
                        Rejected(inside, "a link to a folder; put its photos or a real folder here")
                    )
                else:
                    waiting.append(inside)
            elif reason := _unreadable(path) or _other(path):
                left_out.append(Rejected(inside, reason))
            else:
                yield inside


def listed(root: Path, folder: str, left_out: list[Rejected]) -> list[str]:
    """Return the names in a folder that are text and no junk, sorted."""
    try:
        names = sorted(path.name for path in (root / folder).iterdir())
    except OSError as error:
        left_out.append(Rejected(folder, _because(error)))
        return []
    listed = []
    for name in names:
        if is_junk(name):
            continue
        try:
            name.encode()
        except UnicodeEncodeError:
            shown = os.fsencode(f"{folder}/{name}").decode(errors="backslashreplace")
            left_out.append(Rejected(shown.lstrip("/"), NO_UTF8))
        else:
            listed.append(name)
    return listed


def is_folder(path: Path) -> bool:
    """Say whether a path is a folder that can be entered."""
    try:
        return path.is_dir()
    except OSError:  # A link that must not be followed, as in /proc.
        return False


def _unreadable(path: Path) -> str:
    """Say why a file cannot be read as a photo; nothing where it can, as far as is seen."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return "a link to nothing"
    except OSError as error:
        return _because(error)
    if not stat.S_ISREG(status.st_mode):
        return "no file, but a pipe, a socket or a device"
    if reason := too_large(status.st_size):
        return reason
    return "" if os.access(path, os.R_OK) else "it cannot be read (Permission denied)"


def _other(path: Path) -> str:
    """Say why a readable file is no photo; nothing where it seems to be one."""
    if is_named_as_photo(path.name):
        return ""
    try:
        return "" if pixels.is_photo(path) else pixels.no_photo()
    except OSError as error:
        return _because(error)


def _because(error: OSError) -> str:
    return f"it cannot be read ({error.strerror})"


def _read(path: Path) -> bytes | str:
    """Return a file's bytes, or why it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        return _because(error)


def _md5(path: Path) -> str:
    read = _read(path)
    return read if isinstance(read, str) else hashlib.md5(read).hexdigest()
