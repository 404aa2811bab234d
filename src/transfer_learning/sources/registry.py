"""Sources of labelled photos: each gives the same ordered list of (id, label, encoded bytes).

The order is TFDS's for a builder whose keys are ``CLASS/FILE``: ascending md5 of the split's
name and the key (``tensorflow_datasets/core/hashing.py``), so that a slice of ``train`` means
the same for every source.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from transfer_learning import device, parallel
from transfer_learning.errors import UserError
from transfer_learning.params import Dataset, Folder, Rendered
from transfer_learning.sources.synthetic.render import CLASSES, render

# Fewer are rendered sooner than a process has started.
RENDERED_PER_PROCESS = 50
SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp")


@dataclass(frozen=True)
class Photo:
    """One photo of a source: ``id`` is CLASS/FILE, ``label`` the class's position."""

    id: str
    label: int


@dataclass(frozen=True)
class Source:
    """A source's classes, its photos in TFDS's order, and how to get one's encoded bytes.

    ``about`` describes the data set (its name, version, citation, …), ``credits`` gives a
    photo's credit line under its id; both are empty where the source says nothing.
    """

    classes: tuple[str, ...]
    photos: tuple[Photo, ...]
    stream: Callable[[], Iterable[bytes]]
    synthetic: bool
    about: dict[str, str] = field(default_factory=dict)
    credits: dict[str, str] = field(default_factory=dict)

    def encoded(self) -> Iterator[tuple[Photo, bytes]]:
        """Yield every photo and its encoded bytes, in the order of ``photos``."""
        yield from zip(self.photos, self.stream(), strict=True)


def open_source(dataset: Dataset) -> Source:
    """List the photos of ``dataset.source``; none is read or drawn yet.

    Raises:
        UserError: the folder is missing, has fewer than two classes, or a class without photos;
            the source is one that is not read yet.
    """
    match dataset.source:
        case "rendered":
            return _rendered(dataset.rendered)
        case "folder":
            return _folder(dataset.folder)
        case "tfds":
            # Here, because TFDS takes 0.5 s to import.
            from transfer_learning import tfds_source

            return tfds_source.open_tfds(dataset.tfds)


def count(dataset: Dataset) -> int | None:
    """Return the number of photos; None where it is not known before they are fetched.

    Raises:
        UserError: as ``open_source``, as far as it can be known without a network.
    """
    if dataset.source == "tfds":
        from transfer_learning import tfds_source

        return tfds_source.check(dataset.tfds)
    return len(open_source(dataset).photos)


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


def _rendered(settings: Rendered) -> Source:
    photos = in_tfds_order(
        Photo(f"{name}/{index:05d}.jpg", label)
        for label, name in enumerate(CLASSES)
        for index in range(settings.images_per_class)
    )

    return Source(CLASSES, photos, lambda: _render_all(photos, settings.seed), synthetic=True)


def _render_all(photos: tuple[Photo, ...], seed: int) -> Iterator[bytes]:
    """Render the photos on all cores, in their order."""
    draw = partial(_render, seed)
    workers = min(device.cores(), len(photos) // RENDERED_PER_PROCESS)
    if workers < 2:
        yield from map(draw, photos)
        return
    with ProcessPoolExecutor(
        workers,
        # Not forked, because fetch has threads by now.
        mp_context=multiprocessing.get_context("spawn"),
        # Ctrl-C is for the main process to answer.
        initializer=signal.signal,
        initargs=(signal.SIGINT, signal.SIG_IGN),
    ) as executor:
        yield from parallel.ordered(executor, draw, photos)


def _render(seed: int, photo: Photo) -> bytes:
    return render(seed=seed, label=photo.label, index=int(Path(photo.id).stem))


def _folder(settings: Folder) -> Source:
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
