"""TFRecord files of ``tf.train.Example``: encoded photos, and photos of R × R pixels.

Written and read without TensorFlow, whose import takes seconds; what they hold, TensorFlow's own
readers parse.  The framing is that of ``tensorflow/core/lib/io/record_writer.h``, the messages
are those of ``tensorflow/core/example/{example,feature}.proto``.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import google_crc32c
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format
from google.protobuf.message import DecodeError

from transfer_learning.runtime.damage import damaged
from transfer_learning.runtime.errors import UserError

# Records a file: 38 MB of pixels at 224 px, and TensorFlow's guide asks for 10 MB or more
# (tensorflow.org/tutorials/load_data/tfrecord).  In larger ones, files read side by side but in
# order would cost more memory, since all of one comes before the next.
SHARD = 256

# A record is its payload's length (8 bytes), the length's checksum (4), the payload, its checksum.
_HEADER = struct.Struct("<QI")
_FOOTER = struct.Struct("<I")


@dataclass(frozen=True)
class Record:
    """One photo: ``image`` is its encoded bytes, or R × R × 3 uint8 pixels row by row."""

    id: str
    label: int
    image: bytes


def write(path: Path, records: Iterable[Record]) -> int:
    """Write a TFRecord file, whole or not at all; equal records give equal bytes.

    Returns:
        How many records there were.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".part")
    written = 0
    with temporary.open("wb") as file:
        for record in records:
            payload = _serialise(record)
            length = struct.pack("<Q", len(payload))
            file.write(_HEADER.pack(len(payload), _masked_crc(length)))
            file.write(payload)
            file.write(_FOOTER.pack(_masked_crc(payload)))
            written += 1
    temporary.replace(path)
    return written


def write_shards(folder: Path, split: str, records: Iterable[Record], *, photos: int) -> None:
    """Write a split's records, of which there are ``photos``, as files of ``SHARD`` in a row.

    Raises:
        ValueError: there are fewer or more records.
    """
    count = shards_of(photos)
    rest = iter(records)
    written = 0
    for index in range(count):
        path = folder / f"{split}-{index:05d}-of-{count:05d}.tfrecord"
        written += write(path, islice(rest, SHARD))
    if written != photos or next(rest, None) is not None:
        raise ValueError(f"{split}: {photos} records were announced, but there are not as many")


def shards_of(photos: int) -> int:
    """Return how many files a split of so many photos has."""
    return max(1, -(-photos // SHARD))


def shards(folder: Path, split: str) -> list[Path]:
    """Return the files of a split in its order.

    Raises:
        UserError: one is missing or empty.
    """
    paths = sorted(folder.glob(f"{split}-*-of-*.tfrecord"))
    counts = {re.sub(r".*-of-(\d+)\.tfrecord", r"\1", path.name) for path in paths}
    if len(counts) != 1 or len(paths) != int(counts.pop()):
        raise UserError(
            f"{folder}: the record files of {split} are not complete "
            f"({', '.join(path.name for path in paths) or 'none is there'}); "
            "delete the folder and run dvc repro"
        )
    for path in paths:
        expect_records(path)
    return paths


def read(paths: Path | Iterable[Path]) -> Iterator[Record]:
    """Yield the records of one file, or of several one after the other.

    Raises:
        UserError: a file is missing, cut short or damaged.
    """
    for path in [paths] if isinstance(paths, Path) else paths:
        for _, _, record in _records(path):
            yield record


@dataclass(frozen=True)
class Place:
    """Where the image of a record lies: ``length`` bytes of ``path`` from ``offset`` on."""

    id: str
    label: int
    path: Path
    offset: int
    length: int


def locate(paths: Iterable[Path]) -> Iterator[Place]:
    """Yield where each photo's image lies, for readers in an order of their own.

    All of the files is read and checked for it, once.

    Raises:
        UserError: as ``read``.
    """
    for path in paths:
        for start, payload, record in _records(path):
            # Protobuf keeps bytes as they are.
            offset = start + payload.index(record.image)
            yield Place(record.id, record.label, path, offset, len(record.image))


def expect_records(path: Path) -> None:
    """Raise the UserError that names the file where it is empty, which no split is."""
    if path.is_file() and not path.stat().st_size:
        raise damaged(path, "it is empty")


class _DamagedError(Exception):
    """What is wrong with a file."""


def _records(path: Path) -> Iterator[tuple[int, bytes, Record]]:
    """Yield each record's place in the file, its payload, and what that holds."""
    try:
        expect_records(path)
        with path.open("rb") as file:
            for payload in _payloads(file):
                yield file.tell() - _FOOTER.size - len(payload), payload, _parse(payload)
    except FileNotFoundError:
        raise UserError(f"{path} is missing; run dvc repro") from None
    except _DamagedError as error:
        raise damaged(path, str(error)) from None


def _payloads(file: BinaryIO) -> Iterator[bytes]:
    while header := file.read(_HEADER.size):
        if len(header) < _HEADER.size:
            raise _DamagedError("it ends within a record")
        length, crc = _HEADER.unpack(header)
        # Before the length is believed: a wrong one may ask for any amount of memory.
        if crc != _masked_crc(header[:8]):
            raise _DamagedError("the checksum of a record's length is wrong")
        payload, footer = file.read(length), file.read(_FOOTER.size)
        if len(footer) < _FOOTER.size:
            raise _DamagedError("it ends within a record")
        if _FOOTER.unpack(footer)[0] != _masked_crc(payload):
            raise _DamagedError("the checksum of a record is wrong")
        yield payload


def _masked_crc(data: bytes) -> int:
    """Return the CRC-32C as TFRecords keep it: rotated by 15 bits, plus a constant."""
    crc = google_crc32c.value(data)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def _serialise(record: Record) -> bytes:
    example = _Example()
    feature = example.features.feature
    feature["id"].bytes_list.value.append(record.id.encode())
    feature["label"].int64_list.value.append(record.label)
    feature["image"].bytes_list.value.append(record.image)
    # Else protobuf may order a map's keys anew in each process.
    return bytes(example.SerializeToString(deterministic=True))


def _parse(payload: bytes) -> Record:
    try:
        feature = _Example.FromString(payload).features.feature
        return Record(
            id=feature["id"].bytes_list.value[0].decode(),
            label=feature["label"].int64_list.value[0],
            image=feature["image"].bytes_list.value[0],
        )
    except (DecodeError, IndexError, UnicodeDecodeError):
        raise _DamagedError("a record has no id, label and image") from None


# tensorflow.Example as a descriptor; lists of floats are left out, since no record has one.
_EXAMPLE_PROTO = """
name: "example.proto" package: "tensorflow" syntax: "proto3"
message_type {
  name: "BytesList"
  field { name: "value" number: 1 label: LABEL_REPEATED type: TYPE_BYTES }
}
message_type {
  name: "Int64List"
  field { name: "value" number: 1 label: LABEL_REPEATED type: TYPE_INT64 }
}
message_type {
  name: "Feature"
  oneof_decl { name: "kind" }
  field { name: "bytes_list" number: 1 type_name: "BytesList" oneof_index: 0 }
  field { name: "int64_list" number: 3 type_name: "Int64List" oneof_index: 0 }
}
message_type {
  name: "Features"
  nested_type {
    name: "FeatureEntry"
    options { map_entry: true }
    field { name: "key" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING }
    field { name: "value" number: 2 label: LABEL_OPTIONAL type_name: "Feature" }
  }
  field { name: "feature" number: 1 label: LABEL_REPEATED type_name: "FeatureEntry" }
}
message_type {
  name: "Example"
  field { name: "features" number: 1 label: LABEL_OPTIONAL type_name: "Features" }
}
"""


def _example_class() -> Any:
    # A pool of its own: TensorFlow, once imported, has these names in the default one.
    pool = descriptor_pool.DescriptorPool()
    pool.Add(text_format.Parse(_EXAMPLE_PROTO, descriptor_pb2.FileDescriptorProto()))
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("tensorflow.Example"))


_Example = _example_class()
