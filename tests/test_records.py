"""TFRecord files: round trip, offsets of the image bytes, and equal bytes for equal photos."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from transfer_learning import records

PHOTOS = [
    ("roses/1.jpg", 2, b"\xff\xd8\xff first image"),
    ("tulips/ä ö.png", 0, bytes(range(256)) * 3),
    ("roses/2.jpg", 2, b"\x00" * 200),
    ("daisy/1.jpg", 1, b"a last image"),
]
SRC = Path("src").resolve()
WRITE = f"""
import sys
from pathlib import Path
from transfer_learning import records
records.write(Path(sys.argv[1]), {PHOTOS!r})
"""


def test_what_is_written_is_read_back_in_order(tmp_path: Path) -> None:
    path = tmp_path / "train.tfrecord"
    records.write(path, PHOTOS)

    assert list(records.as_photos(records.read(path))) == PHOTOS


def test_labels_are_those_written_in_order(tmp_path: Path) -> None:
    path = tmp_path / "train.tfrecord"
    records.write(path, PHOTOS)

    assert records.labels(path) == [2, 0, 2, 1]


def test_many_photos_keep_their_order(tmp_path: Path) -> None:
    path = tmp_path / "train.tfrecord"
    photos = [(f"a/{i:04d}.jpg", i % 5, b"%d" % i * 50) for i in range(300)]
    records.write(path, photos)

    assert list(records.as_photos(records.read(path))) == photos


def test_offsets_point_at_the_image_bytes_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "train.tfrecord"

    offsets = records.write(path, PHOTOS)

    raw = path.read_bytes()
    assert len(offsets) == len(PHOTOS)
    for offset, (_, _, image) in zip(offsets, PHOTOS, strict=True):
        assert raw[offset : offset + len(image)] == image
    assert offsets == sorted(set(offsets))


def test_the_folder_is_made_if_it_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "train.tfrecord"

    records.write(path, PHOTOS)

    assert records.labels(path) == [2, 0, 2, 1]


def test_a_file_of_no_photos_is_read_as_none(tmp_path: Path) -> None:
    path = tmp_path / "none.tfrecord"

    assert records.write(path, []) == []
    assert records.labels(path) == []


def test_writing_again_replaces_the_file(tmp_path: Path) -> None:
    path = tmp_path / "train.tfrecord"
    records.write(path, PHOTOS)
    records.write(path, PHOTOS[:1])

    assert list(records.as_photos(records.read(path))) == PHOTOS[:1]


def test_equal_photos_give_equal_bytes_in_every_process(tmp_path: Path) -> None:
    paths = [tmp_path / f"{seed}.tfrecord" for seed in (1, 2)]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", WRITE, str(path)],
            env=os.environ | {"PYTHONHASHSEED": path.stem, "PYTHONPATH": str(SRC)},
        )
        for path in paths
    ]

    assert [process.wait(timeout=120) for process in processes] == [0, 0]
    here = tmp_path / "here.tfrecord"
    records.write(here, PHOTOS)
    assert {path.read_bytes() for path in paths} == {here.read_bytes()}


def test_raw_pixels_are_read_back_with_their_shape(tmp_path: Path) -> None:
    path = tmp_path / "pixels.tfrecord"
    pixels = np.random.default_rng(0).integers(0, 256, (2, 4, 4, 3), dtype=np.uint8)
    records.write(path, [(f"a/{i}.jpg", i, pixels[i].tobytes()) for i in range(2)])

    dataset = records.read_pixels(path, 4)

    found = list(dataset.as_numpy_iterator())
    assert [record["image"].dtype for record in found] == [np.uint8, np.uint8]
    assert np.array_equal([record["image"] for record in found], pixels)
    assert [(record["id"], record["label"]) for record in found] == [
        (b"a/0.jpg", 0),
        (b"a/1.jpg", 1),
    ]
    assert list(records.as_photos(dataset)) == [
        (f"a/{i}.jpg", i, pixels[i].tobytes()) for i in range(2)
    ]


def test_pixels_of_another_resolution_are_an_error(tmp_path: Path) -> None:
    path = tmp_path / "pixels.tfrecord"
    records.write(path, [("a/1.jpg", 0, bytes(4 * 4 * 3))])

    with pytest.raises(Exception, match="reshape"):
        list(records.read_pixels(path, 5).as_numpy_iterator())
