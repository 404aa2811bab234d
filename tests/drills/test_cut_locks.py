"""Drill: ``dvc.lock`` cut at every line and at random bytes; nothing is lost, DVC can read it."""

from __future__ import annotations

import random
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from dvc.repo import Repo
from dvc.schema import COMPILED_LOCKFILE_SCHEMA
from dvc.utils.serialize import dumps_yaml, parse_yaml
from survival import DRILLS

from transfer_learning.commands import mend

LOCK = Path("dvc.lock")


def entry(name: str) -> dict:
    hashed = {"hash": "md5", "md5": "27f4ef2d57e033ee0335acc52ce59d77", "size": 1125}
    return {
        "cmd": f"python -m stages.{name}",
        "deps": [{"path": f"stages/{name}.py"} | hashed],
        "params": {"params.yaml": {"train": {"epochs": 6, "dropout": 0.5}}},
        "outs": [{"path": f"data/{name}"} | hashed | {"nfiles": 3}],
    }


COMMITTED = {name: entry(name) for name in ("fetch", "train@a", "train@b")}
# As a run leaves it: one stage ran anew, one is new, and neither is committed.
PRESENT = COMMITTED | {"train@a": entry("train"), "train@c": entry("train@c")}


def lock(stages: dict) -> str:
    return dumps_yaml({"schema": "2.0", "stages": stages})


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    LOCK.write_text(lock(COMMITTED), encoding="utf-8")
    for command in (
        ["init", "-q"],
        ["add", "-A"],
        ["-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", "t"],
    ):
        subprocess.run(["git", *command], check=True)
    return tmp_path


def readable() -> dict:
    text = LOCK.read_text(encoding="utf-8")
    return COMPILED_LOCKFILE_SCHEMA(parse_yaml(text, LOCK))["stages"]


def cuts() -> list[int]:
    text, chance = lock(PRESENT), random.Random(0)
    lines = [place + 1 for place, letter in enumerate(text[:-1]) if letter == "\n"]
    return [0, *lines, *(chance.randrange(len(text)) for _ in range(60 * DRILLS))]


@pytest.mark.usefixtures("project")
def test_after_any_cut_every_committed_stage_is_there_and_whole_or_dvc_will_look_again(
    request: pytest.FixtureRequest,
) -> None:
    ends: Counter[str] = Counter()
    for cut in cuts():
        LOCK.write_text(lock(PRESENT)[:cut], encoding="utf-8")

        said = mend.mend_lock(LOCK)

        found = readable()
        assert set(COMMITTED) <= set(found), cut
        for name in ("fetch", "train@b"):
            assert found[name] == COMMITTED[name], (cut, name)
        assert mend.mend_lock(LOCK) is None, cut
        ends[(said or "dvc.lock whole as DVC reads it").split(":")[0].split("lost")[0].strip()] += 1
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print(f"\n\ncuts of dvc.lock: {ends.total()} tried, {ends.total()} survived")
        for end, count in ends.items():
            print(f"  {count:5} {end}")


@pytest.mark.usefixtures("project")
def test_a_cut_lock_that_is_as_committed_is_so_again_to_the_byte() -> None:
    text = lock(COMMITTED)
    for cut in (0, len(text) // 2, len(text) - 40):
        LOCK.write_text(text[:cut], encoding="utf-8")

        mend.mend_lock(LOCK)

        assert LOCK.read_text(encoding="utf-8") == text


def test_without_git_an_unreadable_lock_is_removed_and_the_words_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    LOCK.touch()

    said = mend.mend_lock(LOCK)

    assert said is not None
    assert "removed" in said
    assert "run cache" in said
    assert not LOCK.exists()


@pytest.mark.usefixtures("project")
def test_a_whole_lock_is_left_alone() -> None:
    LOCK.write_text(lock(PRESENT), encoding="utf-8")

    assert mend.mend_lock(LOCK) is None
    assert LOCK.read_text(encoding="utf-8") == lock(PRESENT)


def test_a_broken_rwlock_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".git").mkdir()
    mend.RWLOCK.parent.mkdir(parents=True)
    mend.RWLOCK.write_text('{"write": {"x": {"pid"', encoding="utf-8")

    said = mend.mend()

    assert [line for line in said if str(mend.RWLOCK) in line]
    assert not mend.RWLOCK.exists()
    assert mend.mend() == []


def test_where_there_is_no_git_dvc_is_told_to_do_without_it_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(".dvc").mkdir()
    Path(".dvc/config").touch()

    said = mend.mend()

    assert [line for line in said if "no Git repository" in line]
    with Repo() as repo:
        assert repo.config["core"]["no_scm"] is True
    assert mend.mend() == []
