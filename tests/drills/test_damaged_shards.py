"""Drill: archives of photos with changed or missing bytes: named, or read as far as it goes."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from survival import DRILLS
from test_fetching import jpeg, png
from test_shards import tar, zipped

from transfer_learning.config.params import Folder
from transfer_learning.runtime.errors import UserError
from transfer_learning.sources.folder import open_folder

TRIES = 300 * DRILLS
FILES = {
    **{f"{name}/{number}.png": png(number) for name in "ab" for number in range(4)},
    "x.jpg": jpeg(3),
    "x.cls": b"a",
    "y.jpg": jpeg(4),
    "y.json": b'{"label": "b"}',
    "b/no suffix": png(5),
    "b/notes.txt": b"no photo",
}


def changed(good: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(good))
    match chance.choice(("flip", "cut", "noise")):
        case "cut":
            return good[:start]
        case "flip":
            return (
                good[:start] + bytes([good[start] ^ 1 << chance.randrange(8)]) + good[start + 1 :]
            )
        case _:
            length = min(chance.choice((5, 512, 3000)), len(good) - start)
            return good[:start] + chance.randbytes(length) + good[start + length :]


@pytest.mark.parametrize("make", [tar, zipped])
def test_a_changed_archive_is_named_or_read_as_far_as_it_goes(make: object, tmp_path: Path) -> None:
    path = make(tmp_path / {tar: "x.tar", zipped: "x.zip"}[make], FILES)
    settings = Folder(path=str(path), classes=None)
    good = path.read_bytes()
    right = {photo.id: read for photo, read in open_folder(settings).encoded()}
    chance, named, rejected = random.Random(0), 0, 0

    for _ in range(TRIES):
        path.write_bytes(changed(good, chance))
        try:
            read = {photo.id: read for photo, read in open_folder(settings).encoded()}
        except UserError as error:
            assert str(path) in str(error)
            named += 1
        else:
            rejected += sum(isinstance(item, str) for item in read.values())
            # A ZIP archive has a checksum of each file; TAR has none, and the decoders must tell.
            for name in right.keys() & read.keys():
                assert make is tar or read[name] in (right[name], f"it is damaged in {path}")

    assert named > TRIES / 10
    assert make is tar or rejected > 0
