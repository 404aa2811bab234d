"""Hostile archives and servers, over a real network on loopback: each ends in one line, soon."""

from __future__ import annotations

import io
import random
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import hub_server
import pytest
from hostile_archives import ANSWERS, ARCHIVES
from hub_server import Answer, HubServer, archive, whole
from survival import DRILLS, End, Table, end_of

from transfer_learning.backbones import archives, hub
from transfer_learning.config.params import Backbone
from transfer_learning.runtime import downloads
from transfer_learning.runtime.errors import UserError

# Lowered, so that reaching them takes no minutes: bytes, seconds.
MOST_BYTES = 64 * 2**20
MOST_SECONDS = 4.0
# What each case may take at most, the limit of time included.
SECONDS = 10.0
MEGABYTES = 100


@pytest.fixture(scope="module")
def table(request: pytest.FixtureRequest) -> Iterator[Table]:
    table = Table("hostile archives and servers")
    yield table
    table.print(request.config)


@pytest.fixture
def server() -> Iterator[HubServer]:
    with hub_server.running() as server:
        yield server


@pytest.fixture(autouse=True)
def limits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(archives, "MOST_BYTES", MOST_BYTES)
    monkeypatch.setattr(hub, "MOST_BYTES", MOST_BYTES)
    monkeypatch.setattr(hub, "MOST_SECONDS", MOST_SECONDS)
    monkeypatch.setattr(downloads, "WAITS", (0.0, 0.0))
    monkeypatch.setattr(downloads, "TIMEOUT", (0.5, 0.5))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()


def fetched(answer: Answer, server: HubServer, folder: Path) -> End:
    handle = server.serve("/hostile", answer)
    backbone = Backbone(handle=handle, resolution=32)
    return end_of(lambda: hub.fetch("mine", backbone, folder), most_seconds=SECONDS)


@pytest.mark.parametrize("name", [*ARCHIVES, *ANSWERS])
def test_it_ends_in_one_line_that_names_the_handle_and_nothing_is_left(
    name: str, server: HubServer, tmp_path: Path, table: Table
) -> None:
    answer = whole(ARCHIVES[name]()) if name in ARCHIVES else ANSWERS[name]

    end = fetched(answer, server, tmp_path / "artifact")

    survived = (
        end.words.startswith(f"UserError: {server.address}/hostile could not be fetched: ")
        and "backbones.mine.handle" in end.words
        and "\n" not in end.words
        and end.seconds < SECONDS
        and end.megabytes < MEGABYTES
    )
    reason = end.words.partition("fetched: ")[2].partition("; check")[0] or end.words
    table.add(name, replace(end, words=reason), survived=survived)
    assert survived, end
    assert [path for path in tmp_path.rglob("*") if not path.is_dir()] == []


def small_archive(mode: str) -> bytes:
    contents = {"saved_model.pb": b"graph" * 99, "variables/" + "v" * 120: b"values" * 99}
    return archive(contents, mode)


@pytest.mark.parametrize("mode", ["w:", "w:gz"])
def test_an_archive_with_changed_bytes_unpacks_or_is_refused(
    mode: str, tmp_path: Path, table: Table
) -> None:
    good, trials, chance = small_archive(mode), 300 * DRILLS, random.Random(0)

    def trial(number: int) -> str:
        content = bytearray(good)
        for _ in range(chance.choice([1, 2, 8])):
            content[chance.randrange(len(content.rstrip(b"\0")))] = chance.randrange(256)
        try:
            archives.unpack(io.BytesIO(content), tmp_path / str(number))
            return "unpacked"
        except (UserError, downloads.TransientError):
            return "refused"

    def trials_end() -> str:
        ends = [trial(number) for number in range(trials)]
        return f"{ends.count('unpacked')} unpacked, {ends.count('refused')} refused"

    end = end_of(trials_end, most_seconds=60 * DRILLS)

    survived = end.words.startswith("returned") and end.megabytes < MEGABYTES
    table.add(f"{trials} times changed bytes, {mode}", end, survived=survived)
    assert survived, end
    assert {path.name for path in tmp_path.iterdir()} <= {*map(str, range(trials)), "temporary"}


def test_the_archive_that_is_changed_is_a_good_one(tmp_path: Path) -> None:
    archives.unpack(io.BytesIO(small_archive("w:gz")), tmp_path / "module")

    assert (tmp_path / "module/saved_model.pb").read_bytes() == b"graph" * 99
    assert tarfile.is_tarfile(io.BytesIO(small_archive("w:")))
