"""The pixels as a dataset: the split's order over many files, shapes and batches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from transfer_learning.photos import records
from transfer_learning.photos.records import Record
from transfer_learning.photos.tf_input import pixel_dataset
from transfer_learning.runtime.tensorflow_quiet import tf

SIDE = 4
SHARD = 8
PHOTOS = 101


def photo(number: int) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Thirteen files; the ids are not in alphabetical order, so that sorting would show."""
    monkeypatch.setattr(records, "SHARD", SHARD)
    records.write_shards(
        tmp_path,
        "train",
        (Record(f"{-i % PHOTOS}/ö.jpg", i % 5, photo(i).tobytes()) for i in range(PHOTOS)),
        photos=PHOTOS,
    )
    return records.shards(tmp_path, "train")


@pytest.mark.parametrize("readers", [1, 3, 4, 20])
@pytest.mark.parametrize("batch", [1, 4, 8])
def test_the_photos_come_in_the_order_of_the_split(
    paths: list[Path], batch: int, readers: int
) -> None:
    found = list(
        pixel_dataset(paths, SIDE, batch=batch, readers=readers).unbatch().as_numpy_iterator()
    )

    numbers = range(PHOTOS)
    assert [item["id"].decode() for item in found] == [f"{-i % PHOTOS}/ö.jpg" for i in numbers]
    assert [int(item["label"]) for item in found] == [i % 5 for i in numbers]
    assert np.array_equal([item["image"] for item in found], [photo(i) for i in numbers])


def test_only_the_last_batch_is_smaller(paths: list[Path]) -> None:
    batches = list(pixel_dataset(paths, SIDE, batch=4).as_numpy_iterator())

    assert [len(batch["label"]) for batch in batches] == [4] * 25 + [1]
    assert batches[0]["image"].shape == (4, SIDE, SIDE, 3)
    assert batches[0]["image"].dtype == np.uint8


def test_the_shape_of_the_pixels_is_declared(paths: list[Path]) -> None:
    image = pixel_dataset(paths, SIDE, batch=4).element_spec["image"]

    assert image.shape.as_list() == [None, SIDE, SIDE, 3]


def test_it_reads_what_the_reader_without_tensorflow_reads(paths: list[Path]) -> None:
    theirs = list(pixel_dataset(paths, SIDE, batch=1).unbatch().as_numpy_iterator())

    assert [
        Record(item["id"].decode(), int(item["label"]), item["image"].tobytes()) for item in theirs
    ] == list(records.read(paths))


def test_a_batch_that_does_not_divide_a_file_is_refused(paths: list[Path]) -> None:
    with pytest.raises(ValueError, match="a batch of 3 photos does not divide a file of 8"):
        pixel_dataset(paths, SIDE, batch=3)


def test_a_damaged_file_is_an_error(paths: list[Path]) -> None:
    paths[0].write_bytes(paths[0].read_bytes()[:-2])

    with pytest.raises(tf.errors.DataLossError):
        list(pixel_dataset(paths, SIDE, batch=8))


def test_pixels_of_another_resolution_are_an_error(paths: list[Path]) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match="reshape"):
        list(pixel_dataset(paths, SIDE + 1, batch=8))
