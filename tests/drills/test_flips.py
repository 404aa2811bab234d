"""Drill: every bit of a file of arrays and of one of records flipped, both cut at every byte."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from survival import DRILLS

from transfer_learning.photos import records
from transfer_learning.photos.records import Record
from transfer_learning.runtime import npz
from transfer_learning.runtime.errors import UserError

# With few trials, one bit of so many.
STEP = 7 if DRILLS == 1 else 1
LOCKED = "schema: '2.0'\nstages:\n  writer@b:\n    cmd: x\n    outs:\n    - path: data/b\n"
ARRAYS = {"names": np.array(["blue", "réd"]), "numbers": np.arange(12, dtype=np.float32)}
RECORDS = [Record(f"blue/{n}.jpg", n, bytes([n] * 40)) for n in range(3)]


@dataclass(frozen=True)
class Kind:
    """A file, and what it holds in a form that ``==`` compares."""

    path: Path
    write: Callable[[Path], object]
    read: Callable[[Path], Any]


KINDS = {
    "arrays": Kind(
        Path("data/b/a.npz"),
        lambda path: npz.write(path, **ARRAYS),
        lambda path: [array.tolist() for array in npz.read(path, *ARRAYS)],
    ),
    "records": Kind(
        Path("data/b/a.tfrecord"),
        lambda path: records.write(path, RECORDS),
        lambda path: list(records.read(path)),
    ),
}


def changed(good: bytes, kind: str) -> Iterator[bytes]:
    for place in range(0, 8 * len(good), STEP):
        flipped = bytearray(good)
        flipped[place // 8] ^= 1 << place % 8
        yield bytes(flipped)
    # Between two records a cut leaves a whole file of fewer: dataset.json says how many there are.
    ends = {sum(16 + len(records._serialise(r)) for r in RECORDS[:n]) for n in range(3)}
    yield from (
        good[:length] for length in range(len(good)) if kind != "records" or length not in ends
    )


@pytest.mark.parametrize("name", KINDS)
def test_what_is_changed_is_named_with_stage_and_cure_or_read_as_it_was(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("dvc.lock").write_text(LOCKED, encoding="utf-8")
    kind = KINDS[name]
    kind.path.parent.mkdir(parents=True)
    kind.write(kind.path)
    good, right = kind.path.read_bytes(), kind.read(kind.path)

    ends: Counter[str] = Counter()
    for content in changed(good, name):
        kind.path.write_bytes(content)
        try:
            found = kind.read(kind.path)
        except UserError as error:
            assert str(error).startswith(f"{kind.path} is damaged (")
            assert "writer@b writes it. Run transfer-learning mend" in str(error)
            assert "\n" not in str(error)
            ends["named, with stage and cure"] += 1
        else:
            assert found == right
            ends["read as it was"] += 1

    assert ends["named, with stage and cure"] > len(good)
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print(f"\n\n{name}, {len(good)} bytes: {ends.total()} tried, {ends.total()} survived")
        for end, count in ends.items():
            print(f"  {count:5} {end}")
