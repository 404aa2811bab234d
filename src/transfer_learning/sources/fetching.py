"""From a source to ``data/dataset``: checked, split, written, counted."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np

from transfer_learning.config.params import Dataset
from transfer_learning.config.paths import EXCLUDE
from transfer_learning.photos import pixels, records, thumbnails
from transfer_learning.photos.dataset import (
    SPLITS,
    Correction,
    DatasetInfo,
    PhotoList,
    Rejected,
    SplitSummary,
    split_counts,
)
from transfer_learning.runtime.errors import UserError, clipped, quoted
from transfer_learning.runtime.progress import progress_bar
from transfer_learning.sources import corrections, grouping, splits
from transfer_learning.sources.checking import Checker
from transfer_learning.sources.kept import Gathering, Kept
from transfer_learning.sources.registry import open_source
from transfer_learning.sources.source import Given, Photo, Place, Source
from transfer_learning.work import units

# Test photos below which a figure tells little, and how many times a class may have another's.
FEW_TESTED = 100
UNEVEN = 20
# Photos that take a core as long as two processes take to start: to read and decode, and to draw.
PROCESSES_FROM, DRAWN_FROM = 300, 60
# Photos of a unit whose reading is work: of more, many cores would wait for the last one.
COMPUTED = 32
# Bytes of photos that the source gives itself, after which a unit ends.
GIVEN = 2**24


def fetch(settings: Dataset, folder: Path, *, work: Path) -> DatasetInfo:
    """Write every photo's encoded bytes as TFRecord files, by split, with ``dataset.json``.

    The test photos are written once more as thumbnails, and the looks of all as ``looks.npz``.

    A photo that cannot be decoded is listed under ``rejected``, as is what the source left out;
    what ``data/exclude.csv`` excludes or relabels is listed under ``corrections``.  Splits are
    slices of the rest.  Meanwhile the photos lie in the folder ``work``; a stopped fetch leaves
    them there, and the next one goes on after them.

    Raises:
        UserError: the source, ``data/exclude.csv`` or a slice is wrong, or a class has no photo
            left.
    """
    source = open_source(settings)
    asked = corrections.apply(corrections.read(), source.photos, source.classes)
    slices = settings.splits.model_dump()
    # Before the photos are read: a wrong slice should not cost that time.
    splits.resolve(slices, len(source.photos))
    with _checked(source, asked, work, what=f"fetch: {settings.source}") as (kept, rejected):
        if settings.stratify:
            kept = kept.ordered(splits.stratified(kept.labels.tolist()))
        resolved: Mapping[str, Sequence[int]] = splits.resolve(slices, len(kept.labels))
        looked = kept.looks()
        looked.write(folder)
        grouped = None
        if settings.group_duplicates:
            resolved, grouped = grouping.together(resolved, looked, kept.labels.tolist())
        summaries = {
            split: _write(kept, positions, split, folder, slices[split], len(source.classes))
            for split, positions in resolved.items()
        }
        entries = PhotoList.of(
            entry
            for split, positions in resolved.items()
            for entry in kept.entries(positions, split)
        )
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
        photos=entries,
        about=source.about,
        credits=source.credits,
        warnings=warnings,
        corrections=tuple(asked.values()),
        grouping=grouped,
    )
    info.write(folder)
    return info


def _write(
    kept: Kept, positions: Sequence[int], split: str, folder: Path, declared: str, classes: int
) -> SplitSummary:
    """Write the records of a split, and of the test photos the thumbnails; count what is there."""
    records.write_shards(folder, split, kept.records(positions), photos=len(positions))
    if split == "test":
        small = thumbnails.side(len(positions))
        thumbnails.write(folder, kept.opened(positions), side=small)
    labels = [record.label for record in records.read(records.shards(folder, split))]
    return SplitSummary(
        slice=declared,
        declared=len(positions),
        counted=len(labels),
        per_class=split_counts(labels, classes),
    )


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


@contextmanager
def _checked(
    source: Source, asked: Mapping[str, Correction], work: Path, *, what: str
) -> Iterator[tuple[Kept, list[Rejected]]]:
    """Give the photos that can be decoded, under the labels that are asked for, and the others.

    Their bytes lie in ``work`` until the block has ended well.
    """
    excluded = {item.id for item in asked.values() if item.action == "exclude"}
    photos = [photo for photo in source.photos if photo.id not in excluded]
    labels = [_label(photo, source.classes, asked) for photo in photos]
    gathering, rejected = Gathering(photos), []
    with (
        progress_bar(total=len(photos), what=what) as bar,
        units.results(_job(source), _units(source, excluded), work, bar.update) as files,
    ):
        for file in files:
            rejected += [Rejected(photo.id, reason) for photo, reason in gathering.add(file)]
        bar.close()
        kept = gathering.kept(labels)
        _expect_every_class(source.classes, kept.labels, rejected)
        yield kept, rejected


def _job(source: Source) -> units.Job:
    enough = DRAWN_FROM if source.computed else PROCESSES_FROM
    return units.Job(
        "fetch",
        partial(Checker, source.megapixels, source.at_once),
        {"megapixels": source.megapixels, "formats": pixels.formats()},
        # Waiting for a network needs no cores.
        processes_from=None if source.at_once else enough,
        photo=_id,
    )


def _id(unit: units.Unit, place: int) -> str:
    photos: Sequence[tuple[str, Place]] = unit.task
    return photos[place][0]


def _units(source: Source, excluded: Set[str]) -> Iterator[units.Unit]:
    """Yield the photos that are not excluded, ``records.SHARD`` at a time or fewer large ones."""
    most = COMPUTED if source.computed else records.SHARD
    done = size = 0
    photos: list[tuple[str, Place]] = []

    def unit() -> units.Unit:
        return units.Unit(
            f"photos {done - len(photos) + 1} to {done}",
            len(photos),
            facts={"traces": [place.trace for _, place in photos]},
            task=tuple(photos),
        )

    for photo, place in zip(source.photos, source.places(), strict=True):
        if photo.id in excluded:
            continue
        photos.append((photo.id, place))
        done += 1
        size += len(place.encoded) if isinstance(place, Given) else 0
        if len(photos) == most or size > GIVEN:
            yield unit()
            size = 0
            photos = []
    if photos:
        yield unit()


def _label(photo: Photo, classes: Sequence[str], asked: Mapping[str, Correction]) -> int:
    match asked.get(photo.id):
        case Correction(action="relabel", label=label):
            return classes.index(label)
        case _:
            return photo.label


def _expect_every_class(
    classes: Sequence[str], labels: np.ndarray, rejected: Sequence[Rejected]
) -> None:
    for name, count in zip(classes, np.bincount(labels, minlength=len(classes)), strict=True):
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
