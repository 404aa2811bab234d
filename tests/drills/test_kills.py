"""Drill: ``kill -9`` at random moments, and at the moment in which ``dvc.lock`` is written.

After each kill comes what ``make repro`` does first, ``transfer-learning check``; after all of them
a build, which must end with what an undisturbed one ended with, to the byte.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import pytest
from clone import TINY, Clone
from dvc.utils.serialize import parse_yaml
from survival import DRILLS, End, Table

# With few trials two short stages run anew; else the nine that follow a changed head.
CHANGE = ("selected", "tiny") if DRILLS < 10 else ("train", TINY["train"] | {"epochs": 3})
AIMED, AT_RANDOM = 2 * DRILLS, 3 * DRILLS - 2
WHOM = ("the group", "DVC", "the stage")


@pytest.fixture(scope="module")
def table(request: pytest.FixtureRequest) -> Iterator[Table]:
    table = Table("kill -9")
    yield table
    table.print(request.config)


@dataclass(frozen=True)
class Kill:
    """Whom to kill, and when: seconds after the start, or after ``dvc.lock`` was cut to be written.

    ``writes`` are those of ``dvc.lock`` that are let pass; None for a random moment.
    """

    whom: str
    delay: float
    writes: int | None = None

    def __str__(self) -> str:
        when = "at random" if self.writes is None else f"in write {self.writes + 1} of dvc.lock"
        return f"{self.whom}, {when}"

    def strike(self, process: subprocess.Popen, lock: Path) -> bool:
        """Wait for the moment and kill; return whether the process was still there."""
        for _ in range(0 if self.writes is None else self.writes + 1):
            if not _wait_for_cut(process, lock):
                return False
        time.sleep(self.delay)
        if self.whom == "the stage":
            return _kill_stage(process)
        if process.poll() is not None:
            return False
        (os.killpg if self.whom == "the group" else os.kill)(process.pid, signal.SIGKILL)
        return True


def _wait_for_cut(process: subprocess.Popen, lock: Path) -> bool:
    """Wait until dvc.lock is whole and then shorter than it was."""
    before = 0
    while process.poll() is None:
        size = lock.stat().st_size if lock.exists() else 0
        if size < before:
            return True
        before = size
        time.sleep(0.0005)
    return False


def _kill_stage(process: subprocess.Popen) -> bool:
    while process.poll() is None:
        for child in psutil.Process(process.pid).children(recursive=True):
            try:
                if "stages." in " ".join(child.cmdline()):
                    child.kill()
                    return True
            except psutil.Error:
                continue
        time.sleep(0.005)
    return False


def kills(seconds: float) -> list[Kill]:
    """Return the aimed and the random kills of a build that takes that long, shuffled."""
    chance = random.Random(0)
    aimed = [
        Kill(WHOM[number % 2], chance.uniform(0, 0.05), writes=chance.randrange(2))
        for number in range(AIMED)
    ]
    blind = [
        Kill(WHOM[2 - number % 3], chance.uniform(0.2, seconds)) for number in range(AT_RANDOM)
    ]
    both = aimed + blind
    chance.shuffle(both)
    return both


def change(built: Clone) -> None:
    built.write_params(json.loads(json.dumps(TINY)) | dict([CHANGE]))


def begin_anew(built: Clone) -> None:
    built.run("git", "reset", "-q", "--hard")
    change(built)
    # Else nothing would run again.
    shutil.rmtree(built.root / ".dvc/cache/runs", ignore_errors=True)


def struck(built: Clone, kill: Kill) -> bool:
    """Build, and kill; return whether it was still building."""
    process = subprocess.Popen(
        ["dvc", "repro", "--quiet"], cwd=built.root, env=built.env, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    found = kill.strike(process, built.root / "dvc.lock")
    process.wait()
    return found


def state(built: Clone) -> dict:
    """Return dvc.lock's entries, once every byte here and in the cache is known to be as in it."""
    assert "every byte is as DVC recorded it" in built.run("transfer-learning", "mend").stdout
    return parse_yaml((built.root / "dvc.lock").read_text("utf-8"), "dvc.lock")["stages"]


def test_every_kill_is_survived_with_the_same_bytes(built: Clone, table: Table) -> None:
    change(built)
    start = time.perf_counter()
    built.repro()
    seconds = time.perf_counter() - start
    undisturbed = state(built)
    begin_anew(built)

    for kill in kills(seconds):
        start = time.perf_counter()
        while not struck(built, kill):
            # It was done before: once more from the last commit's lock, and sooner.
            kill = replace(kill, delay=kill.delay / 2)
            begin_anew(built)
        checked = built.run("transfer-learning", "check", check=False)
        said = [line for line in checked.stdout.splitlines() if "params.yaml" not in line]
        end = End("; ".join(said) or "nothing to mend", time.perf_counter() - start, 0)
        table.add(str(kill), end, survived=checked.returncode == 0)
        assert checked.returncode == 0, checked.stderr

    built.repro()
    assert state(built) == undisturbed
    assert built.repro() == set()
