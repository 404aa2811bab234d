"""As many classes as ImageNet has: the stages that show them stay small, and so do the pages."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import many_classes
import pytest
from imports import SRC

CLASSES, PHOTOS = 1000, 1500
MEMORY = 2 * 10**9  # bytes
SECONDS = 60  # of a processor, for one stage


def peak_memory(stage: str, folder: Path) -> int:
    """Run the stage, as DVC does; return its largest memory in bytes."""

    def limited() -> None:
        # So that one that outgrows them dies before it troubles the machine.
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        resource.setrlimit(resource.RLIMIT_DATA, (2 * MEMORY, 2 * MEMORY))

    name = stage.partition("@")[0]
    process = subprocess.Popen(
        [sys.executable, "-m", f"stages.{name}"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": f"{SRC.parent}{os.pathsep}{SRC}", "DVC_STAGE": stage},
        preexec_fn=limited,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_maxrss * 1024


@pytest.mark.slow
def test_a_thousand_classes_are_reported_within_two_gigabytes(tmp_path: Path) -> None:
    many_classes.write(tmp_path, CLASSES, PHOTOS)

    stages = [*(f"plot@{name}" for name in many_classes.BACKBONES), "compare", "report"]
    peaks = {stage: peak_memory(stage, tmp_path) for stage in stages}

    assert max(peaks.values()) < MEMORY, peaks
    reports = tmp_path / "reports"
    html = (reports / "index.html").read_text(encoding="utf-8")
    # Two scores' tables and two tables of mistakes, besides a few short ones.
    assert len(re.findall("<tr>", html)) < 200
    for page in ("comparison.md", "summary.md"):
        lines = (reports / page).read_text(encoding="utf-8").splitlines()
        assert len(lines) < 150
        assert max(map(len, lines)) < 1000
