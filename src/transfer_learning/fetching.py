"""From a source to ``data/dataset``: checked, split, written, counted."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import simplejpeg
from PIL import Image

from transfer_learning import dataset, device, parallel, records, splits, thumbnails
from transfer_learning.dataset import (
    SPLITS,
    DatasetInfo,
    PhotoEntry,
    Rejected,
    SplitSummary,
    split_counts,
)
from transfer_learning.errors import UserError
from transfer_learning.params import Dataset
from transfer_learning.records import Record
from transfer_learning.sources.registry import Photo, Source, open_source
from transfer_learning.stage import progress, progress_bar


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
            offsets = records.write(path, _records(members, spool))
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
            if split == "test":
                thumbnails.write(folder, _opened(members, spool))
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
        ThreadPoolExecutor(device.cores()) as executor,
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
        return photo, encoded, inspect(encoded)
    except ValueError as error:
        return photo, encoded, str(error)


def inspect(encoded: bytes) -> tuple[int, int]:
    """Decode a photo wholly and return its width and height in pixels.

    Raises:
        ValueError: Pillow or, for a JPEG, TensorFlow cannot decode it; the message says why.
    """
    if (size := _size_of_clean_jpeg(encoded)) is not None:
        return size
    size = dataset.inspect(encoded)
    if encoded.startswith(_JPEG):
        # Imported for the few that need it: TensorFlow's start takes longer than 1,000 photos.
        from transfer_learning.decoding import check_jpeg

        check_jpeg(encoded)
    return size


_JPEG = b"\xff\xd8\xff"
_LOSSLESS_JPEG = b"\xff\xc3"


def _size_of_clean_jpeg(encoded: bytes) -> tuple[int, int] | None:
    """Return width and height of a JPEG in which libjpeg finds nothing to warn of, else None.

    A JPEG that is not clean may still be good: many real ones have extraneous bytes.
    """
    # libjpeg decodes lossless JPEGs by now; the one in TensorFlow does not.
    if not encoded.startswith(_JPEG) or _LOSSLESS_JPEG in encoded:
        return None
    try:
        with Image.open(io.BytesIO(encoded), formats=["JPEG"]) as image:
            simplejpeg.decode_jpeg(encoded)
            return image.size
    # As in dataset.inspect, which then says what is wrong.
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None


def _records(members: list[_Kept], spool: BinaryIO) -> Iterator[Record]:
    for member in members:
        spool.seek(member.position)
        yield Record(member.photo.id, member.photo.label, spool.read(member.length))


def _opened(members: list[_Kept], spool: BinaryIO) -> Iterator[tuple[str, Image.Image]]:
    for record in _records(members, spool):
        yield record.id, Image.open(io.BytesIO(record.image))
