"""From a source to ``data/dataset``: checked, split, written, counted."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from transfer_learning import records, splits
from transfer_learning.dataset import (
    SPLITS,
    DatasetInfo,
    PhotoEntry,
    Rejected,
    SplitSummary,
    inspect,
    split_counts,
)
from transfer_learning.errors import UserError
from transfer_learning.params import Dataset
from transfer_learning.preprocessing import check_jpeg
from transfer_learning.records import Record
from transfer_learning.sources import Photo, Source, open_source
from transfer_learning.stage import progress, progress_bar


def fetch(settings: Dataset, folder: Path) -> DatasetInfo:
    """Write every photo's encoded bytes as one TFRecord file per split, and ``dataset.json``.

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
            offsets = records.write(path, _encoded(members, spool))
            entries += [
                PhotoEntry(
                    member.photo.id, member.photo.label, split, *member.size, offset, member.length
                )
                for member, offset in zip(members, offsets, strict=True)
            ]
            labels = [record.label for record in records.read(path)]
            summaries[split] = SplitSummary(
                slice=slices[split],
                declared=len(positions),
                counted=len(labels),
                per_class=split_counts(labels, len(source.classes)),
            )
    info = DatasetInfo(
        source=settings.source,
        synthetic=source.synthetic,
        classes=source.classes,
        found=len(source.photos),
        splits={split: summaries[split] for split in SPLITS},
        rejected=tuple(rejected),
        photos=tuple(entries),
    )
    info.write(folder)
    return info


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
    with progress_bar(total=len(source.photos), what=what) as bar:
        for photo in progress(source.photos, bar):
            encoded = source.read(photo)
            try:
                size = inspect(encoded)
                check_jpeg(encoded)
            except ValueError as error:
                rejected.append(Rejected(photo.id, str(error)))
                continue
            kept.append(_Kept(photo, size, spool.tell(), len(encoded)))
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


def _encoded(members: list[_Kept], spool: BinaryIO) -> Iterator[Record]:
    for member in members:
        spool.seek(member.position)
        yield Record(member.photo.id, member.photo.label, spool.read(member.length))
