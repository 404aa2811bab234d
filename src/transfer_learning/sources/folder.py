"""``dataset.source: folder``: the user's photos, PATH/CLASS/PHOTO."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from transfer_learning.config.params import Folder
from transfer_learning.runtime.errors import UserError
from transfer_learning.sources.source import Photo, Source, in_tfds_order, read_credits

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp")


def manifest(folder: Path) -> str:
    """Return JSON of every file below ``folder`` and its md5, sorted by path.

    Raises:
        UserError: the folder is missing.
    """
    if not folder.is_dir():
        raise UserError(f"params.yaml: dataset.folder.path is {str(folder)!r}, which is no folder")
    digests = {
        path.relative_to(folder).as_posix(): hashlib.md5(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    return json.dumps(digests, indent=0) + "\n"


def open_folder(settings: Folder) -> Source:
    """List the photos of the folder; none is read yet.

    Raises:
        UserError: the folder is missing, has fewer than two classes, or a class without photos.
    """
    root = Path(settings.path)
    key = f"params.yaml: dataset.folder.path is {settings.path!r}"
    if not root.is_dir():
        raise UserError(f"{key}, which is no folder; give the folder that holds one per class")
    classes = settings.classes
    if classes is None:
        classes = sorted(path.name for path in root.iterdir() if path.is_dir())
    if len(classes) < 2:
        raise UserError(
            f"{key}, which holds {len(classes)} class folders; a classifier needs two or more "
            "(PATH/CLASS/PHOTO.jpg)"
        )
    if len(set(classes)) != len(classes):
        raise UserError(f"params.yaml: dataset.folder.classes names a class twice: {classes}")
    photos = []
    for label, name in enumerate(classes):
        folder = root / name
        if not folder.is_dir():
            raise UserError(
                f"params.yaml: dataset.folder.classes has {name!r}, but {folder} is no folder"
            )
        files = sorted(
            p.name for p in folder.iterdir() if p.suffix.lower() in SUFFIXES and p.is_file()
        )
        if not files:
            raise UserError(
                f"{folder} holds no photo ({', '.join(SUFFIXES)}); add some, or leave "
                "the class out with dataset.folder.classes"
            )
        photos += [Photo(f"{name}/{file}", label) for file in files]
    ordered = in_tfds_order(photos)
    licence = root / "LICENSE.txt"
    text = licence.read_text("utf-8", errors="replace") if licence.is_file() else ""
    return Source(
        tuple(classes),
        ordered,
        lambda: ((root / photo.id).read_bytes() for photo in ordered),
        synthetic=False,
        credits=read_credits(text, ordered),
    )
