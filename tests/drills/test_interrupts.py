"""Drill: Ctrl-C at many moments, most of them while modules are imported: one line, and 130."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from clone import TINY, yaml
from survival import DRILLS

from transfer_learning.runtime import cli
from transfer_learning.work import units

PROJECT = Path(__file__).parents[2]
COMMANDS = {
    "fetch": ["-m", "stages.fetch"],
    "check": ["-c", "from transfer_learning.commands.main import main; main()", "check"],
}
# While it is imported, and while shards are done.
SAID = (cli.INTERRUPTED, units.INTERRUPTED)
# From here on Ctrl-C is ours; before it lies a hundredth of a second that is Python's.
FIRST = {"fetch": "| stages\n", "check": "| transfer_learning.commands.main\n"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("interrupted")
    backbones = {"mobilenet_v2": TINY["backbones"]["mobilenet_v2"]}
    with (folder / "params.yaml").open("w", encoding="utf-8") as file:
        yaml.dump(TINY | {"resolutions": [224], "backbones": backbones}, file)
    return folder


@pytest.fixture(scope="module")
def ends(request: pytest.FixtureRequest) -> Iterator[Counter[str]]:
    ends: Counter[str] = Counter()
    yield ends
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print(f"\n\nCtrl-C: {ends.total()} tried, {ends.total()} survived")
        for end, count in sorted(ends.items()):
            print(f"  {count:5} {end}")


def start(command: str, folder: Path) -> subprocess.Popen:
    return subprocess.Popen(
        # It says when each import ends: moments that no other load on the machine moves.
        [sys.executable, "-B", "-X", "importtime", *COMMANDS[command]],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": f"{PROJECT}{os.pathsep}{PROJECT / 'src'}"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )


def run(command: str, folder: Path, moment: int | None) -> tuple[int, str, int]:
    """Run it, with Ctrl-C after that many imports of ours.

    Returns:
        The exit code, what it said beside the imports, and how many imports of ours there were.
    """
    with start(command, folder) as process:
        assert process.stderr
        imports, ours, said = 0, False, ""
        for line in process.stderr:
            if not line.startswith("import time:"):
                said += line
                continue
            ours = ours or line.endswith(FIRST[command])
            imports += ours
            if imports == moment:
                process.send_signal(signal.SIGINT)
                moment = None
    return process.returncode, said, imports


@pytest.mark.parametrize("command", COMMANDS)
def test_an_interrupt_is_one_line_and_130(command: str, folder: Path, ends: Counter[str]) -> None:
    code, _, imports = run(command, folder, None)
    assert code == 0
    chance = random.Random(0)
    for moment in (2, *(chance.randrange(3, imports) for _ in range(1 + 3 * DRILLS))):
        code, said, _ = run(command, folder, moment)

        # It may be that the last import was the end of it.
        assert code == 130, (moment, said)
        assert said.splitlines()[-1] in SAID, (moment, said)
        assert "Traceback" not in said, (moment, said)
        ends[f"{command}: 130, one line"] += 1
