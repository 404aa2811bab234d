"""``dataset.source: folder``: the user's photos, in whatever holds them."""

from __future__ import annotations

import json
import os
from pathlib import Path

from transfer_learning.config.params import Folder
from transfer_learning.runtime.errors import UserError, clipped, quoted
from transfer_learning.sources import archives, class_folders, shards, storage
from transfer_learning.sources.scan import Scan, check_classes
from transfer_learning.sources.source import Source, in_tfds_order, read_credits

LIST = ".csv"


def scan(settings: Folder) -> Scan:
    """List the photos of ``dataset.folder.path``; none is decoded.

    It is a folder of class folders or of archives, one archive, a list of photos (CSV), or the URL
    of any of them that fsspec can open.

    Raises:
        UserError: it, or a class that is asked for, is missing or cannot be listed.
    """
    check_classes(settings.classes)
    path = settings.path
    if not storage.is_url(path):
        root = folder_of(settings)
        if root.is_dir() and not (found := _archives(root)):
            return class_folders.scan(root, settings)
        path = str(root.absolute())
        if root.is_dir():
            return shards.scan_archives(found, settings)
    if path.lower().endswith(LIST):
        return shards.scan_list(path, settings)
    if path.lower().endswith(archives.SUFFIXES):
        return shards.scan_archives([path], settings)
    return shards.scan_bucket(path, settings)


def folder_of(settings: Folder) -> Path:
    """Return ``dataset.folder.path``, in which ~ is the user's home.

    Raises:
        UserError: it is neither a folder that can be listed, nor an archive or a list.
    """
    key = f"params.yaml: dataset.folder.path is {quoted(settings.path)}"
    try:
        root = Path(settings.path).expanduser()
        if root.is_file() and root.name.lower().endswith((LIST, *archives.SUFFIXES)):
            return root
        if root.is_file() and root.name.lower().endswith(archives.WHOLE):
            raise _whole(settings.path, root.name)
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
    raise UserError(
        f"{key}, {reason}; give the folder that holds one per class, or a .tar, .zip or "
        "list (.csv) of photos"
    )


def manifest(settings: Folder) -> str:
    """Return JSON of all that ``open_folder`` looks at: file → md5 of its bytes, or why not read.

    Of archives it is that of the whole file, of a bucket's files what the bucket lists of them.
    The bytes on this machine are read each time: the old size and time do not mean the old bytes.

    Raises:
        UserError: as ``scan``.
    """
    path = settings.path
    if storage.is_url(path) and not path.lower().endswith((LIST, *archives.SUFFIXES)):
        entries = {name: _shown(version) for name, version in storage.listed(path).items()}
    elif path.lower().endswith(LIST):
        entries = shards.list_manifest(str(_local(settings)), scan(settings))
    elif storage.is_url(path):
        with storage.reading(path):
            entries = {path: _shown(storage.version(path))}
    else:
        root = folder_of(settings)
        if found := [str(root)] if root.is_file() else _archives(root):
            entries = {Path(name).name: md5 for name, md5 in shards.digests(found).items()}
        else:
            entries = class_folders.manifest(root, scan(settings))
    return json.dumps(entries, indent=0) + "\n"


def open_folder(settings: Folder) -> Source:
    """List the photos; none is read yet.

    Raises:
        UserError: as ``scan``; or there are fewer than two classes, or one without any file.
    """
    found = scan(settings)
    if len(found.classes) < 2:
        a_class = "; it seems to be a class: give the folder above it" * found.is_class
        raise UserError(
            f"params.yaml: dataset.folder.path is {quoted(settings.path)}, which holds "
            f"{len(found.classes)} class folders; a classifier needs two or more "
            f"(PATH/CLASS/PHOTO.jpg){a_class}"
        )
    if empty := set(range(len(found.classes))) - {photo.label for photo in found.photos}:
        raise UserError(
            f"{settings.path}/{found.classes[min(empty)]} holds no photo; add some, or leave the "
            "class out with dataset.folder.classes"
        )
    ordered = in_tfds_order(found.photos)
    return Source(
        found.classes,
        ordered,
        lambda: map(found.place, ordered),
        synthetic=False,
        credits=read_credits(found.licence, ordered),
        left_out=found.left_out,
        megapixels=settings.max_megapixels,
        at_once=found.at_once,
    )


def _shown(version: list[object]) -> str:
    return " ".join(map(str, version))


def _local(settings: Folder) -> str:
    return settings.path if storage.is_url(settings.path) else str(folder_of(settings))


def _archives(root: Path) -> list[str]:
    """Return the archives in a folder without class folders.

    Raises:
        UserError: one is compressed as a whole.
    """
    names = class_folders.listed(root, "", [])
    if any(class_folders.is_folder(root / name) for name in names):
        return []
    for name in names:
        if name.lower().endswith(archives.WHOLE):
            raise _whole(str(root), name)
    paths = (root.absolute() / name for name in names if name.lower().endswith(archives.SUFFIXES))
    return [str(path) for path in paths if path.is_file()]


def _whole(folder: str, name: str) -> UserError:
    return UserError(
        f"params.yaml: dataset.folder.path is {quoted(folder)}, but {name} is "
        "compressed as a whole, so that no photo in it is found without those before it; unpack "
        "it, or make it a plain .tar (gunzip, unxz) or a .zip"
    )
