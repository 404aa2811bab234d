"""From a source to ``data/dataset``: checked, split, written, counted."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from transfer_learning.config.params import Dataset
from transfer_learning.config.paths import EXCLUDE
from transfer_learning.photos import pixels, records, thumbnails
from transfer_learning.photos.dataset import (
    SPLITS,
    Correction,
    DatasetInfo,
    PhotoEntry,
    PhotoList,
    Rejected,
    SplitSummary,
    split_counts,
)
from transfer_learning.photos.looks import Looks
from transfer_learning.photos.records import Record
from transfer_learning.runtime import hardware, parallel
from transfer_learning.runtime.errors import UserError, clipped, quoted
from transfer_learning.runtime.progress import progress, progress_bar
from transfer_learning.sources import corrections, grouping, splits
from transfer_learning.sources.registry import open_source
from transfer_learning.sources.source import Photo, Source
from transfer_learning.sources.validation import Inspected, inspect

# Test photos below which a figure tells little, and how many times a class may have another's.
FEW_TESTED = 100
UNEVEN = 20
# Characters of a decoder's own words.
REASON = 200


def fetch(settings: Dataset, folder: Path) -> DatasetInfo:
    """Write every photo's encoded bytes as TFRecord files, by split, with ``dataset.json``.

    The test photos are written once more as thumbnails, and the looks of all as ``looks.npz``.

    A photo that cannot be decoded is listed under ``rejected``, as is what the source left out;
    what ``data/exclude.csv`` excludes or relabels is listed under ``corrections``.  Splits are
    slices of the rest.

    Raises:
        UserError: the source, ``data/exclude.csv`` or a slice is wrong, or a class has no photo
            left.
    """
    source = open_source(settings)
    asked = corrections.apply(corrections.read(), source.photos, source.classes)
    slices = settings.splits.model_dump()
    # Before the photos are read: a wrong slice should not cost that time.
    splits.resolve(slices, len(source.photos))
    with tempfile.TemporaryFile() as spool:
        kept, rejected = _check(source, asked, spool, what=f"fetch: {settings.source}")
        entries: list[PhotoEntry] = []
        summaries: dict[str, SplitSummary] = {}
        if settings.stratify:
            kept = [kept[i] for i in splits.stratified([item.photo.label for item in kept])]
        looked = Looks.of((item.photo.id, item.found.look) for item in kept)
        resolved: Mapping[str, Sequence[int]] = splits.resolve(slices, len(kept))
        looked.write(folder)
        grouped = None
        if settings.group_duplicates:
            labels = [item.photo.label for item in kept]
            resolved, grouped = grouping.together(resolved, looked, labels)
        for split, positions in resolved.items():
            members = [kept[position] for position in positions]
            photos = _records(members, spool)
            records.write_shards(folder, split, photos, photos=len(members))
            entries += [
                PhotoEntry(member.photo.id, member.photo.label, split, *member.found.size)
                for member in members
            ]
            labels = [record.label for record in records.read(records.shards(folder, split))]
            summaries[split] = SplitSummary(
                slice=slices[split],
                declared=len(positions),
                counted=len(labels),
                per_class=split_counts(labels, len(source.classes)),
            )
            if split == "test":
                small = thumbnails.side(len(members))
                thumbnails.write(folder, _opened(members, spool), side=small)
    warnings = tuple(_warnings(source.classes, summaries, stratified=settings.stratify))
    for warning in warnings:
        print(f"warning: {warning}", file=sys.stderr)
    info = DatasetInfo(
        source=settings.source,
        synthetic=source.synthetic,
        classes=source.classes,
        found=len(source.photos) + len(source.left_out),
        splits={split: summaries[split] for split in SPLITS},
        rejected=(*rejected, *source.left_out),
        photos=PhotoList.of(entries),
        about=source.about,
        credits=source.credits,
        warnings=warnings,
        corrections=tuple(asked.values()),
        grouping=grouped,
    )
    info.write(folder)
    return info


def _warnings(
    classes: tuple[str, ...], splits: dict[str, SplitSummary], *, stratified: bool
) -> Iterator[str]:
    """Say what makes figures from these photos weak, a sentence each."""
    stratify = "" if stratified else "set dataset.stratify to true, "
    for split in ("train", "test"):
        counts = zip(classes, splits[split].per_class, strict=True)
        if empty := [name for name, count in counts if not count]:
            yield (
                f"no {split} photo of {clipped(', '.join(empty))}; {stratify}add photos, or widen "
                f"dataset.splits.{split}"
            )
    if (tested := splits["test"].counted) < FEW_TESTED:
        yield (
            f"only {tested} test photo{'s' * (tested != 1)}, so chance moves an accuracy by "
            f"{100 * 1.96 * 0.5 / tested**0.5:.0f} points or so; add photos, or widen "
            "dataset.splits.test"
        )
    totals = [sum(counts) for counts in zip(*(s.per_class for s in splits.values()), strict=True)]
    if max(totals) >= UNEVEN * min(totals):
        most, least = (classes[totals.index(pick(totals))] for pick in (max, min))
        yield (
            f"{clipped(most)} has {max(totals)} photos and {clipped(least)} {min(totals)}; the "
            "accuracy says little about the small classes"
        )


@dataclass(frozen=True)
class _Kept:
    """A photo that can be decoded; its bytes lie in the spool, which bounds the memory."""

    photo: Photo
    found: Inspected
    position: int
    length: int


def _check(
    source: Source, asked: Mapping[str, Correction], spool: BinaryIO, *, what: str
) -> tuple[list[_Kept], list[Rejected]]:
    kept: list[_Kept] = []
    rejected: list[Rejected] = []
    with (
        progress_bar(total=len(source.photos), what=what) as bar,
        ThreadPoolExecutor(hardware.cores()) as executor,
    ):
        inspected = partial(_inspected, source.megapixels)
        for item in progress(parallel.ordered(executor, inspected, _wanted(source, asked)), bar):
            if isinstance(item, Rejected):
                rejected.append(item)
            else:
                photo, encoded, found = item
                kept.append(_Kept(photo, found, spool.tell(), len(encoded)))
                spool.write(encoded)
    counts = split_counts([item.photo.label for item in kept], len(source.classes))
    for name, count in zip(source.classes, counts, strict=True):
        if count == 0:
            example = next((item for item in rejected if item.id.startswith(f"{name}/")), None)
            if example is None:
                raise UserError(
                    f"{EXCLUDE} leaves no photo of class {name!r}; keep one, or leave the class out"
                )
            raise UserError(
                f"class {quoted(name)}: none of its photos can be decoded ({example.id}: "
                f"{example.reason}); replace them or leave the class out"
            )
    return kept, rejected


def _wanted(source: Source, asked: Mapping[str, Correction]) -> Iterator[tuple[Photo, bytes | str]]:
    """Yield the photos that are not excluded, under the label that is asked for."""
    for photo, encoded in source.encoded():
        match asked.get(photo.id):
            case None:
                yield photo, encoded
            case Correction(action="relabel", label=label):
                yield replace(photo, label=source.classes.index(label)), encoded


def _inspected(
    megapixels: float, item: tuple[Photo, bytes | str]
) -> tuple[Photo, bytes, Inspected] | Rejected:
    """Add what a photo is found to be, or say why it is rejected."""
    photo, encoded = item
    if isinstance(encoded, str):
        return Rejected(photo.id, encoded)
    try:
        return photo, encoded, inspect(encoded, megapixels=megapixels)
    except ValueError as error:
        return Rejected(photo.id, clipped(" ".join(str(error).split()), REASON))


def _records(members: list[_Kept], spool: BinaryIO) -> Iterator[Record]:
    for member in members:
        spool.seek(member.position)
        yield Record(
            member.photo.id,
            member.photo.label,
            spool.read(member.length),
            by_pillow=member.found.by_pillow,
        )


def _opened(members: list[_Kept], spool: BinaryIO) -> Iterator[tuple[str, Image.Image]]:
    for record in _records(members, spool):
        yield record.id, pixels.open_photo(record.image)
