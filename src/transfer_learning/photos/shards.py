"""The record files of a split as units of work."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from transfer_learning.photos import records
from transfer_learning.work.units import Unit


def units(folder: Path, split: str, photos: int) -> Iterator[Unit]:
    """Yield a unit for each of a split's files, in their order, by the file's name.

    Args:
        folder: where the files are.
        split: whose they are.
        photos: how many the split has.

    Raises:
        UserError: a file is missing or empty.
        ValueError: there are files for fewer or more photos.
    """
    files = records.shards(folder, split)
    if len(files) != records.shards_of(photos):
        raise ValueError(f"{folder} has {len(files)} files of {split} for {photos} photos")
    for index, path in enumerate(files):
        count = min(records.SHARD, photos - index * records.SHARD)
        yield Unit(path.stem, count, (path,))
