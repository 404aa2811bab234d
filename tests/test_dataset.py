"""The list of the photos in columns: what a tuple of entries is, and its file."""

from pathlib import Path

import pytest

from transfer_learning.photos.dataset import PHOTOS, SPLITS, PhotoEntry, PhotoList, size_summary
from transfer_learning.runtime import npz
from transfer_learning.runtime.errors import UserError

ENTRIES = [
    PhotoEntry("ä/" + number * "ü" + ".jpg", number % 3, SPLITS[number % 3], 40 + number, 30)
    for number in range(20)
]


def test_a_list_is_what_its_entries_are(tmp_path: Path) -> None:
    PhotoList.of(ENTRIES).write(tmp_path)

    photos = PhotoList.read(tmp_path)

    assert list(photos) == ENTRIES
    assert (len(photos), photos[3], photos[-1]) == (20, ENTRIES[3], ENTRIES[-1])
    assert list(photos[2:9:3]) == ENTRIES[2:9:3]
    assert photos == tuple(ENTRIES)
    assert photos != ENTRIES[1:]
    assert list(photos.ids()) == [entry.id for entry in ENTRIES]
    for split in SPLITS:
        assert list(photos.of_split(split)) == [e for e in ENTRIES if e.split == split]
    assert size_summary(photos) == {"width": (40, 49, 59), "height": (30, 30, 30)}
    assert list(PhotoList.of([])) == list(photos[20:]) == []
    with pytest.raises(IndexError):
        photos[20]


def test_columns_of_different_lengths_are_damage(tmp_path: Path) -> None:
    columns = vars(PhotoList.of(ENTRIES))
    npz.write(tmp_path / PHOTOS, **{**columns, "labels": columns["labels"][1:]})

    with pytest.raises(UserError, match=r"photos\.npz is damaged"):
        PhotoList.read(tmp_path)
