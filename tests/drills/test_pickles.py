"""Hostile weight files: each is read or refused within a second and 200 MB."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hostile_pickles import PICKLES
from survival import DRILLS, Table, end_of
from torch_files import Tensor, torch_file

from transfer_learning.backbones.torch_pickle import WeightsFileError, read_state_dict

SECONDS = 1.0
MEGABYTES = 200


@pytest.fixture(scope="module")
def table(request: pytest.FixtureRequest) -> Iterator[Table]:
    table = Table("hostile weight files")
    yield table
    table.print(request.config)


@pytest.mark.parametrize("name", PICKLES)
def test_it_is_refused_soon_and_without_much_memory(
    name: str, tmp_path: Path, table: Table
) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(PICKLES[name]())

    # Killed only long after what is allowed, so that the table says how long it took.
    end = end_of(lambda: read_state_dict(path), most_seconds=10 * SECONDS)

    survived = (
        end.words.startswith(f"WeightsFileError: {path}: ")
        and "\n" not in end.words
        and len(end.words) < len(str(path)) + 300
        and end.busy_seconds < SECONDS
        and end.megabytes < MEGABYTES
    )
    reason = end.words.partition("state dict: ")[2] or end.words
    table.add(name, replace(end, words=reason), survived=survived)
    assert survived, end


def test_a_file_with_changed_bytes_is_read_or_refused(tmp_path: Path, table: Table) -> None:
    tensors = {
        "weight": Tensor("0", (3, 2), (1, 3)),
        "bias": Tensor("0", (2,), (1,), offset=6),
        "count": Tensor("1", (), ()),
    }
    storages = {"0": np.arange(8, dtype=np.float32), "1": np.array([7], np.int64)}
    good, trials, chance = torch_file(tensors, storages), 1000 * DRILLS, random.Random(0)
    path = tmp_path / "weights.pth"

    def trial() -> str:
        content = bytearray(good)
        for _ in range(chance.choice([1, 2, 8])):
            at = chance.randrange(len(content))
            match chance.randrange(3):
                case 0:
                    content[at] = chance.randrange(256)
                case 1:
                    del content[at : at + chance.randrange(9)]
                case 2:
                    content[at:at] = content[chance.randrange(len(content)) :][:9]
        path.write_bytes(content)
        try:
            read_state_dict(path)
            return "read"
        except WeightsFileError:
            return "refused"

    def trials_end() -> str:
        ends = [trial() for _ in range(trials)]
        return f"{ends.count('read')} read, {ends.count('refused')} refused"

    end = end_of(trials_end, most_seconds=60 * DRILLS)

    survived = end.words.startswith("returned") and end.megabytes < MEGABYTES
    table.add(f"{trials:,} times changed bytes", end, survived=survived)
    assert survived, end
