"""What lies where the user's photos are: in folders, archives or a bucket, or in a list."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from transfer_learning.photos.dataset import Rejected
from transfer_learning.runtime.errors import UserError, quoted
from transfer_learning.sources.source import Photo, Place

LICENCE = "LICENSE.txt"
# Files named so are meant to be photos; of others, the content says whether they are.
SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp")
# What systems and programs leave in folders; so is all whose name begins with a dot.
JUNK = frozenset(["__macosx", "thumbs.db", "desktop.ini", "@eadir"])
# Files about the photos, beside the class folders.
ABOUT = ("license", "readme")
# Bytes of a file, which is held in memory; no photo has as many.
LARGEST = 2**28
BESIDE = "it lies beside the class folders, in none of them"
NO_UTF8 = "its name is not UTF-8; rename it"


@dataclass(frozen=True)
class Scan:
    """Every file of a class is a photo, unless it is left out.

    A photo's id is its path below what holds the class folders, however deep; its class is the
    first part.  ``place`` says where one's bytes are, ``at_once`` is as in ``Source``.
    """

    classes: tuple[str, ...]
    photos: tuple[Photo, ...]
    left_out: tuple[Rejected, ...]
    place: Callable[[Photo], Place]
    licence: str = ""
    at_once: int = 0
    # Whether photos lie where the class folders should.
    is_class: bool = False


def is_junk(name: str) -> bool:
    """Say whether one part of a path is what systems and programs leave."""
    return name.startswith(".") or name.lower() in JUNK


def is_named_as_photo(name: str) -> bool:
    """Say whether the suffix is a photo's."""
    return posixpath.splitext(name)[1].lower() in SUFFIXES


def too_large(size: int) -> str:
    """Say that a file has more bytes than are read; nothing where it has not."""
    return f"it has {size:,} bytes, and at most {LARGEST:,} are read" if size > LARGEST else ""


def check_classes(classes: Sequence[str] | None) -> None:
    """Check ``dataset.folder.classes``.

    Raises:
        UserError: it names a class twice.
    """
    if classes is not None and len(set(classes)) != len(classes):
        twice = next(name for name in classes if classes.count(name) > 1)
        raise UserError(f"params.yaml: dataset.folder.classes names a class twice: {quoted(twice)}")


def by_class(
    places: Mapping[str, Place],
    left_out: Mapping[str, str],
    *,
    classes: Sequence[str] | None,
    path: str,
    licence: str = "",
    at_once: int = 0,
) -> Scan:
    """Return the photos and the files that are none, by the first parts of their paths.

    Args:
        places: path → where its bytes are.
        left_out: path → why it is no photo.
        classes: as in ``dataset.folder``.
        path: ``dataset.folder.path``, for messages.
        licence: as in ``Scan``.
        at_once: the same.

    Raises:
        UserError: a class that is asked for is not there.
    """
    inside = {name.split("/")[0] for name in (*places, *left_out) if "/" in name}
    for name in classes or ():
        if name not in inside:
            raise UserError(
                f"params.yaml: dataset.folder.classes has {quoted(name)}, which is no class in "
                f"{quoted(path)}"
            )
    chosen = tuple(sorted(inside) if classes is None else classes)
    labels = {name: label for label, name in enumerate(chosen)}
    photos = (Photo(name, labels.get(name.split("/")[0], -1)) for name in places if "/" in name)
    rejected = dict(left_out) | {name: BESIDE for name in places if "/" not in name}
    return Scan(
        chosen,
        tuple(photo for photo in photos if photo.label >= 0),
        tuple(
            Rejected(name, rejected[name])
            for name in sorted(rejected)
            if "/" not in name or name.split("/")[0] in labels
        ),
        lambda photo: places[photo.id],
        licence,
        at_once,
        is_class=any("/" not in name for name in places),
    )
