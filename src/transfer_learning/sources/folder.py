"""``dataset.source: folder``: the user's photos, PATH/CLASS/PHOTO or deeper."""

from __future__ import annotations

import hashlib
import json
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
from transfer_learning.runtime.errors import UserError, clipped, quoted
from transfer_learning.sources.source import Photo, Source, in_tfds_order, read_credits

LICENCE = "LICENSE.txt"
# Files named so are meant to be photos; of others, the content says whether they are.
SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp")
# What systems and programs leave in folders; so is all whose name begins with a dot.
JUNK = frozenset(["__macosx", "thumbs.db", "desktop.ini", "@eadir"])
# Files about the photos, beside the class folders.
ABOUT = ("license", "readme")
# Bytes of a file, which is held in memory; no photo has as many.
LARGEST = 2**28


@dataclass(frozen=True)
class Scan:
    """What lies in the folder: every file of a class is a photo, unless it is left out.

    A photo's id is its path below the folder, however deep; its class is the first part.
    """

    root: Path
    classes: tuple[str, ...]
    photos: tuple[Photo, ...]
    left_out: tuple[Rejected, ...]


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
        """Return its bytes, or why it cannot be read."""
        return _read(self.path)


def scan(settings: Folder) -> Scan:
    """List the folder; of files without a photo's usual suffix the first bytes are read.

    A link to a file or to a class's folder is followed; one to a folder inside a class is left
    out, as is all that cannot be a photo.  Hidden files and folders are passed over.

    Raises:
        UserError: the folder, or a class that is asked for, is missing or cannot be listed.
    """
    root = folder_of(settings)
    left_out: list[Rejected] = []
    classes = settings.classes
    if classes is None:
        classes = list(_class_folders(root, left_out))
    elif len(set(classes)) != len(classes):
        twice = next(name for name in classes if classes.count(name) > 1)
        raise UserError(f"params.yaml: dataset.folder.classes names a class twice: {quoted(twice)}")
    photos = []
    for label, name in enumerate(classes):
        if not (root / name).is_dir():
            raise UserError(
                f"params.yaml: dataset.folder.classes has {quoted(name)}, which is no "
                f"folder in {quoted(settings.path)}"
            )
        photos += [Photo(path, label) for path in _files(root, name, left_out)]
    return Scan(root, tuple(classes), tuple(photos), tuple(left_out))


def folder_of(settings: Folder) -> Path:
    """Return ``dataset.folder.path``, in which ~ is the user's home.

    Raises:
        UserError: it is no folder that can be listed.
    """
    key = f"params.yaml: dataset.folder.path is {quoted(settings.path)}"
    try:
        root = Path(settings.path).expanduser()
        os.scandir(root).close()
    except RuntimeError:  # Of a user who is not known, or has no home.
        reason = "whose home is not known"
    except (FileNotFoundError, NotADirectoryError):
        seen = "" if root.is_absolute() else f" ({clipped(str(root.absolute()))})"
        reason = f"which is no folder{seen}"
    except OSError as error:
        reason = f"which cannot be listed ({error.strerror})"
    else:
        return root
    raise UserError(f"{key}, {reason}; give the folder that holds one per class")


def manifest(settings: Folder) -> str:
    """Return JSON of all that ``open_folder`` looks at: file → md5 of its bytes, or why not read.

    The bytes are read each time: the old size and time do not mean the old bytes.

    Raises:
        UserError: as ``scan``.
    """
    found = scan(settings)
    names = sorted(photo.id for photo in found.photos)
    if (found.root / LICENCE).is_file():
        names.insert(0, LICENCE)
    with ThreadPoolExecutor(hardware.cores()) as executor:
        paths = (found.root / name for name in names)
        entries = dict(zip(names, parallel.ordered(executor, _md5, paths), strict=True))
    entries |= {item.id: item.reason for item in found.left_out}
    return json.dumps(entries, indent=0) + "\n"


def open_folder(settings: Folder) -> Source:
    """List the photos of the folder; none is read yet.

    Raises:
        UserError: as ``scan``; or there are fewer than two classes, or one without any file.
    """
    found = scan(settings)
    if len(found.classes) < 2:
        a_class = "; it seems to be a class: give the folder above it" * _holds_photos(found.root)
        raise UserError(
            f"params.yaml: dataset.folder.path is {quoted(settings.path)}, which holds "
            f"{len(found.classes)} class folders; a classifier needs two or more "
            f"(PATH/CLASS/PHOTO.jpg){a_class}"
        )
    if empty := set(range(len(found.classes))) - {photo.label for photo in found.photos}:
        raise UserError(
            f"{found.root / found.classes[min(empty)]} holds no photo; add some, or leave the "
            "class out with dataset.folder.classes"
        )
    ordered = in_tfds_order(found.photos)
    licence = found.root / LICENCE
    text = licence.read_text("utf-8", errors="replace") if licence.is_file() else ""
    return Source(
        found.classes,
        ordered,
        lambda: (LocalFile(found.root.absolute() / photo.id) for photo in ordered),
        synthetic=False,
        credits=read_credits(text, ordered),
        left_out=found.left_out,
        megapixels=settings.max_megapixels,
    )


def _holds_photos(folder: Path) -> bool:
    return any(path.suffix.lower() in SUFFIXES for path in folder.iterdir())


def _class_folders(root: Path, left_out: list[Rejected]) -> Iterator[str]:
    """Yield the names of the class folders, sorted; the rest that is not junk is left out."""
    above = {os.path.realpath(root), *map(str, Path(os.path.realpath(root)).parents)}
    for name in _listed(root, "", left_out):
        path = root / name
        if _is_folder(path):
            if os.path.realpath(path) in above:
                left_out.append(Rejected(name, "a link to the folder that it lies in"))
            else:
                yield name
        elif not name.lower().startswith(ABOUT):
            reason = _unreadable(path) or "it lies beside the class folders, in none of them"
            left_out.append(Rejected(name, reason))


def _files(root: Path, folder: str, left_out: list[Rejected]) -> Iterator[str]:
    """Yield the paths below ``root`` of the files in a folder and in those below it."""
    waiting = [folder]
    while waiting:
        folder = waiting.pop()
        for name in _listed(root, folder, left_out):
            inside = f"{folder}/{name}"
            path = root / inside
            if _is_folder(path):
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


def _listed(root: Path, folder: str, left_out: list[Rejected]) -> list[str]:
    """Return the names in a folder that are text and no junk, sorted."""
    try:
        names = sorted(path.name for path in (root / folder).iterdir())
    except OSError as error:
        left_out.append(Rejected(folder, _because(error)))
        return []
    listed = []
    for name in names:
        if name.startswith(".") or name.lower() in JUNK:
            continue
        try:
            name.encode()
        except UnicodeEncodeError:
            shown = os.fsencode(f"{folder}/{name}").decode(errors="backslashreplace")
            left_out.append(Rejected(shown.lstrip("/"), "its name is not UTF-8; rename it"))
        else:
            listed.append(name)
    return listed


def _is_folder(path: Path) -> bool:
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
    if status.st_size > LARGEST:
        return f"it has {status.st_size:,} bytes, and at most {LARGEST:,} are read"
    return "" if os.access(path, os.R_OK) else "it cannot be read (Permission denied)"


def _other(path: Path) -> str:
    """Say why a readable file is no photo; nothing where it seems to be one."""
    if path.suffix.lower() in SUFFIXES:
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
