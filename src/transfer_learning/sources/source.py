"""What every source of photos gives: the same ordered list of (id, label, encoded bytes).

The order is TFDS's for a builder whose keys are ``CLASS/FILE``: ascending md5 of the split's
name and the key (``tensorflow_datasets/core/hashing.py``), so that a slice of ``train`` means
the same for every source.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from transfer_learning.config.params import MEGAPIXELS
from transfer_learning.photos.dataset import Rejected
from transfer_learning.runtime.errors import UserError


@dataclass(frozen=True, slots=True)
class Photo:
    """One photo of a source: ``id`` is CLASS/FILE or deeper, ``label`` the class's position."""

    id: str
    label: int


class Place(Protocol):
    """Where a photo's bytes come from, for any process that sees what the source sees."""

    @property
    def trace(self) -> object:
        """A plain value that is another one where the bytes may be."""
        ...

    def read(self) -> bytes | str:
        """Return the encoded bytes, or a sentence that says why they cannot be read."""
        ...


def unseen(path: object) -> UserError:
    """Return what is said of a file that was listed, and is not there when it is read."""
    return UserError(
        f"{path} was there and is not seen now; run it again, or, where several machines work, put "
        "the photos where all of them see them at this path"
    )


@dataclass(frozen=True)
class Given:
    """A photo whose bytes are at hand, because only the source's own reader gets at them."""

    encoded: bytes

    @property
    def trace(self) -> str:
        """The digest of the bytes."""
        return hashlib.sha256(self.encoded).hexdigest()

    def read(self) -> bytes:
        """Return the bytes."""
        return self.encoded


@dataclass(frozen=True)
class Source:
    """A source's classes, its photos in TFDS's order, and where each one's bytes come from.

    ``places`` gives those of all photos in their order, as they are asked for.  ``computed`` says
    that to read one is work for a core, ``at_once`` how many are to be read at a time where that is
    waiting.  ``left_out`` is what lies beside the photos and cannot be one; a photo of more than
    ``megapixels`` is rejected.

    ``about`` describes the data set (its name, version, citation, …), ``credits`` gives a
    photo's credit line under its id; both are empty where the source says nothing.
    """

    classes: tuple[str, ...]
    photos: tuple[Photo, ...]
    places: Callable[[], Iterable[Place]]
    synthetic: bool
    about: dict[str, str] = field(default_factory=dict)
    credits: dict[str, str] = field(default_factory=dict)
    left_out: tuple[Rejected, ...] = ()
    megapixels: float = MEGAPIXELS
    computed: bool = False
    at_once: int = 0

    def encoded(self) -> Iterator[tuple[Photo, bytes | str]]:
        """Yield every photo and its encoded bytes, or why not, in the order of ``photos``."""
        for photo, place in zip(self.photos, self.places(), strict=True):
            yield photo, place.read()


def read_credits(licence: str, photos: Iterable[Photo]) -> dict[str, str]:
    """Return photo id → credit from a LICENSE.txt with a line "CLASS/FILE CREDIT" per photo."""
    lines = (line.split(maxsplit=1) for line in licence.splitlines())
    credits = {line[0]: line[1].strip() for line in lines if len(line) == 2}
    return {photo.id: credits[photo.id] for photo in photos if photo.id in credits}


def in_tfds_order(photos: Iterable[Photo]) -> tuple[Photo, ...]:
    """Return photos whose ids are CLASS/FILE in the order of a TFDS builder with such keys."""

    def key(photo: Photo) -> int:
        return int(hashlib.md5(b"train" + photo.id.encode()).hexdigest(), 16)

    return tuple(sorted(photos, key=key))
