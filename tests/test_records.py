"""TFRecord files: what TensorFlow reads in them, shards, damage, and equal bytes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from imports import SRC

from transfer_learning.photos import records
from transfer_learning.photos.records import Record
from transfer_learning.runtime.errors import UserError

RECORDS = [
    Record("roses/1.jpg", 2, b"\xff\xd8\xff first image"),
    Record("tulips/ä ö.png", 0, bytes(range(256)) * 3),
    Record("roses/2.jpg", 300, b"\x00" * 200),
    Record("daisy/1.jpg", 1, b"a last image"),
]
WRITE = f"""
import sys
from pathlib import Path
from transfer_learning.photos.records import Record, write
write(Path(sys.argv[1]), {RECORDS!r})
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file of the four records."""
    path = tmp_path / "train.tfrecord"
    records.write(path, RECORDS)
    return path


def numbered(count: int) -> list[Record]:
    return [Record(f"a/{i:04d}.jpg", i % 5, b"%d" % i * 50) for i in range(count)]


def tensorflow() -> Any:
    from transfer_learning.runtime.tensorflow_quiet import tf

    return tf


def test_what_is_written_is_read_back_in_order(path: Path) -> None:
    assert list(records.read(path)) == RECORDS


def test_tensorflow_reads_what_is_written(path: Path) -> None:
    tf = tensorflow()
    features = {
        "id": tf.io.FixedLenFeature([], tf.string),
        "label": tf.io.FixedLenFeature([], tf.int64),
        "image": tf.io.FixedLenFeature([], tf.string),
    }

    dataset = tf.data.TFRecordDataset(str(path)).map(
        lambda record: tf.io.parse_single_example(record, features)
    )

    assert [
        Record(record["id"].decode(), int(record["label"]), record["image"])
        for record in dataset.as_numpy_iterator()
    ] == RECORDS


def test_the_bytes_are_those_that_tensorflow_would_write(path: Path, tmp_path: Path) -> None:
    tf = tensorflow()
    theirs = tmp_path / "theirs.tfrecord"

    with tf.io.TFRecordWriter(str(theirs)) as writer:
        for record in RECORDS:
            example = tf.train.Example()
            example.features.feature["label"].int64_list.value.append(record.label)
            example.features.feature["image"].bytes_list.value.append(record.image)
            example.features.feature["id"].bytes_list.value.append(record.id.encode())
            writer.write(example.SerializeToString(deterministic=True))

    assert path.read_bytes() == theirs.read_bytes()


def test_the_folder_is_made_if_it_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "train.tfrecord"

    records.write(path, RECORDS)

    assert list(records.read(path)) == RECORDS


def test_a_file_of_no_records_is_damaged(tmp_path: Path) -> None:
    records.write(tmp_path / "none.tfrecord", [])

    with pytest.raises(UserError, match="it is empty"):
        list(records.read(tmp_path / "none.tfrecord"))


def test_writing_again_replaces_the_file(path: Path) -> None:
    records.write(path, RECORDS[:1])

    assert list(records.read(path)) == RECORDS[:1]


def test_a_write_that_fails_leaves_the_old_file(path: Path) -> None:
    def failing() -> Iterator[Record]:
        yield RECORDS[0]
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        records.write(path, failing())

    assert list(records.read(path)) == RECORDS


def test_equal_records_give_equal_bytes_in_every_process(path: Path, tmp_path: Path) -> None:
    paths = [tmp_path / f"{seed}.tfrecord" for seed in (1, 2)]

    processes = [
        subprocess.Popen(
            [sys.executable, "-c", WRITE, str(path)],
            env=os.environ | {"PYTHONHASHSEED": path.stem, "PYTHONPATH": str(SRC)},
        )
        for path in paths
    ]

    assert [process.wait(timeout=120) for process in processes] == [0, 0]
    assert {other.read_bytes() for other in paths} == {path.read_bytes()}


def test_several_files_are_read_one_after_the_other(tmp_path: Path) -> None:
    paths = [tmp_path / "b.tfrecord", tmp_path / "a.tfrecord"]
    records.write(paths[0], RECORDS[:3])
    records.write(paths[1], RECORDS[3:])

    assert list(records.read(paths)) == RECORDS


@pytest.mark.parametrize("size", [5, 12, 30, -5, -1], ids=lambda size: f"cut at {size}")
def test_a_file_cut_short_is_named(path: Path, size: int) -> None:
    path.write_bytes(path.read_bytes()[:size])

    with pytest.raises(UserError, match=r"train\.tfrecord is damaged \(it ends within a record\)"):
        list(records.read(path))


@pytest.mark.parametrize("position", [0, 7, 9, 40, -1], ids=lambda place: f"byte {place}")
def test_a_changed_byte_is_noticed_and_the_file_named(path: Path, position: int) -> None:
    raw = bytearray(path.read_bytes())
    raw[position] ^= 1
    path.write_bytes(raw)

    with pytest.raises(UserError, match=r"train\.tfrecord is damaged \(the checksum of a record"):
        list(records.read(path))


def test_records_before_the_damage_are_read(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])
    reading = records.read(path)

    assert [next(reading), next(reading), next(reading)] == RECORDS[:3]
    with pytest.raises(UserError):
        next(reading)


def test_records_of_something_else_are_refused(tmp_path: Path) -> None:
    tf = tensorflow()
    path = tmp_path / "other.tfrecord"
    with tf.io.TFRecordWriter(str(path)) as writer:
        writer.write(tf.train.Example().SerializeToString())

    with pytest.raises(UserError, match=r"other\.tfrecord .* no id, label and image"):
        list(records.read(path))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.tfrecord is missing; run dvc repro"):
        list(records.read(tmp_path / "none.tfrecord"))


@pytest.mark.parametrize(
    ("photos", "sizes"), [(1, [1]), (10, [10]), (11, [10, 1]), (30, [10, 10, 10])]
)
def test_a_split_is_cut_into_files_in_a_row(
    photos: int, sizes: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "SHARD", 10)

    records.write_shards(tmp_path, "test", numbered(photos), photos=photos)

    paths = records.shards(tmp_path, "test")
    assert [path.name for path in paths] == [
        f"test-{index:05d}-of-{len(sizes):05d}.tfrecord" for index in range(len(sizes))
    ]
    assert [len(list(records.read(path))) for path in paths] == sizes
    assert list(records.read(paths)) == numbered(photos)


@pytest.mark.parametrize("photos", [2, 4])
def test_another_number_of_records_than_announced_is_an_error(photos: int, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"test: {photos} records were announced"):
        records.write_shards(tmp_path, "test", numbered(3), photos=photos)


def test_a_missing_shard_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "SHARD", 1)
    records.write_shards(tmp_path, "test", numbered(3), photos=3)
    (tmp_path / "test-00002-of-00003.tfrecord").unlink()

    with pytest.raises(UserError, match=r"test are not complete .*test-00001-of-00003"):
        records.shards(tmp_path, "test")


def test_shards_of_two_writings_are_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "SHARD", 1)
    records.write_shards(tmp_path, "test", numbered(2), photos=2)
    records.write_shards(tmp_path, "test", numbered(1), photos=1)

    with pytest.raises(UserError, match="not complete"):
        records.shards(tmp_path, "test")


def test_a_split_without_files_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="valid are not complete"):
        records.shards(tmp_path, "valid")


def test_reading_imports_no_tensorflow() -> None:
    code = "import sys, transfer_learning.photos.records; sys.exit('tensorflow' in sys.modules)"

    process = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": str(SRC)}
    )

    assert process.returncode == 0
