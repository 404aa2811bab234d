"""From a source to ``data/dataset``: checked, split, written, counted."""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from transfer_learning.config.params import Dataset
from transfer_learning.photos import records, thumbnails
from transfer_learning.photos.dataset import (
    SPLITS,
    DatasetInfo,
    PhotoEntry,
    Rejected,
    SplitSummary,
    split_counts,
)
from transfer_learning.photos.records import Record
from transfer_learning.runtime import hardware, parallel
from transfer_learning.runtime.errors import UserError, clipped
from transfer_learning.runtime.progress import progress, progress_bar
from transfer_learning.sources import splits
from transfer_learning.sources.registry import open_source
from transfer_learning.sources.source import Photo, Source
from transfer_learning.sources.validation import decoded_size


def fetch(settings: Dataset, folder: Path) -> DatasetInfo:
    """Write every photo's encoded bytes as one TFRecord file per split, with ``dataset.json``.

    The test photos are written once more as thumbnails.

    A photo that cannot be decoded is listed under ``rejected``; splits are slices of the rest.

    Raises:
        UserError: the source or a slice is wrong, or a class has no photo left.
    """
    source = open_source(settings)
    slices = settings.splits.model_dump()
    # Before the photos are read: a wrong slice should not cost that time.
    splits.resolve(slices, len(source.photos))
    with tempfile.TemporaryFile() as spool:
        kept, rejected = _check(source, spool, what=f"fetch: {settings.source}")
        entries: list[PhotoEntry] = []
        summaries: dict[str, SplitSummary] = {}
        for split, positions in splits.resolve(slices, len(kept)).items():
            members = [kept[position] for position in positions]
            path = folder / f"{split}.tfrecord"
            records.write(path, _records(members, spool))
            entries += [
                PhotoEntry(member.photo.id, member.photo.label, split, *member.size)
                for member in members
            ]
            labels = [record.label for record in records.read(path)]
            summaries[split] = SplitSummary(
                slice=slices[split],
                declared=len(positions),
                counted=len(labels),
                per_class=split_counts(labels, len(source.classes)),
            )
            if split == "test":
                thumbnails.write(folder, _opened(members, spool))
    _warn_of_empty_classes(source.classes, summaries)
    info = DatasetInfo(
        source=settings.source,
        synthetic=source.synthetic,
        classes=source.classes,
        found=len(source.photos),
        splits={split: summaries[split] for split in SPLITS},
        rejected=tuple(rejected),
        photos=tuple(entries),
        about=source.about,
        credits=source.credits,
    )
    info.write(folder)
    return info


def _warn_of_empty_classes(classes: tuple[str, ...], summaries: dict[str, SplitSummary]) -> None:
    for split in ("train", "test"):
        counts = zip(classes, summaries[split].per_class, strict=True)
        if empty := [name for name, count in counts if not count]:
            print(
                f"warning: no {split} photo of {clipped(', '.join(empty))}; add photos, or "
                f"widen dataset.splits.{split}",
                file=sys.stderr,
            )


@dataclass(frozen=True)
class _Kept:
    """A photo that can be decoded; its bytes lie in the spool, which bounds the memory."""

    photo: Photo
    size: tuple[int, int]
    position: int
    length: int


def _check(source: Source, spool: BinaryIO, *, what: str) -> tuple[list[_Kept], list[Rejected]]:
    kept: list[_Kept] = []
    rejected: list[Rejected] = []
    with (
        progress_bar(total=len(source.photos), what=what) as bar,
        ThreadPoolExecutor(hardware.cores()) as executor,
    ):
        checked = parallel.ordered(executor, _inspected, source.encoded())
        for photo, encoded, found in progress(checked, bar):
            if isinstance(found, str):
                rejected.append(Rejected(photo.id, found))
            else:
                kept.append(_Kept(photo, found, spool.tell(), len(encoded)))
                spool.write(encoded)
    counts = split_counts([item.photo.label for item in kept], len(source.classes))
    for name, count in zip(source.classes, counts, strict=True):
        if count == 0:
            example = next(item for item in rejected if item.id.startswith(f"{name}/"))
            raise UserError(
                f"class {name!r}: none of its photos can be decoded ({example.id}: "
                f"{example.reason}); replace them or leave the class out"
            )
    return kept, rejected


def _inspected(item: tuple[Photo, bytes]) -> tuple[Photo, bytes, tuple[int, int] | str]:
    """Add a photo's width and height, or why it is rejected."""
    photo, encoded = item
    try:
        return photo, encoded, decoded_size(encoded)
    except ValueError as error:
        return photo, encoded, str(error)


def _records(members: list[_Kept], spool: BinaryIO) -> Iterator[Record]:
    for member in members:
        spool.seek(member.position)
        yield Record(member.photo.id, member.photo.label, spool.read(member.length))


def _opened(members: list[_Kept], spool: BinaryIO) -> Iterator[tuple[str, Image.Image]]:
    for record in _records(members, spool):
        yield record.id, Image.open(io.BytesIO(record.image))
