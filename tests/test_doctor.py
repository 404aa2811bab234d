"""The report on this machine: what is said, what is measured, and when the user must act."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from imports import SRC

from transfer_learning.commands import doctor
from transfer_learning.commands.doctor import Measured

MAIN = "from transfer_learning.commands.main import main; main()"
CARD = "GPU 0: NVIDIA A10 (UUID: GPU-01234567-89ab-cdef-0123-456789abcdef)"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with the project's parameters and no backbone."""
    text = (SRC.parent / "params.yaml").read_text(encoding="utf-8")
    (tmp_path / "params.yaml").write_text(text, encoding="utf-8")
    return tmp_path


def run_doctor(project: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", MAIN, "doctor"],
        cwd=project,
        env={"PATH": f"{project}{os.pathsep}/bin", "PYTHONPATH": str(SRC), **environment},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def install_card(project: Path) -> None:
    path = project / "nvidia-smi"
    path.write_text(f"#!/bin/sh\n[ \"$1\" = -L ] && echo '{CARD}'\n", encoding="utf-8")
    path.chmod(0o755)


def test_without_a_backbone_the_command_to_run_is_named(project: Path) -> None:
    done = run_doctor(project)

    assert done.returncode == 0, done.stderr
    assert "make repro" in done.stdout


def test_a_card_that_cannot_be_used_is_said_and_the_exit_code_is_1(project: Path) -> None:
    install_card(project)

    done = run_doctor(project)

    assert done.returncode == 1
    assert "not used: NVIDIA A10: " in done.stdout


def test_a_card_hidden_on_purpose_is_no_fault(project: Path) -> None:
    install_card(project)

    done = run_doctor(project, CUDA_VISIBLE_DEVICES="-1")

    assert done.returncode == 0, done.stderr
    assert "hidden by CUDA_VISIBLE_DEVICES" in done.stdout


def test_both_engines_see_the_same_photos_and_are_timed(
    package: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    # On the CPU, since the path is the same.
    monkeypatch.setattr(doctor, "SECONDS", 0.01)
    folder = package("mobilenet_v2")
    shape = (doctor.COMPARED, 224, 224, 3)
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)

    one = doctor._on_cpu(folder, pixels, "float32")
    other = doctor._in_tensorflow(folder, pixels, "float32", device="CPU:0")

    assert one.features.shape == other.features.shape
    assert np.abs(one.features - other.features).max() < 1e-4 * np.abs(one.features).max()
    assert min(one.speed, other.speed, one.start, other.start) > 0
    assert (one.engine, other.engine) == ("OpenVINO, float32", "TensorFlow, float32")


@pytest.mark.parametrize(
    ("cpu", "gpu", "said"),
    [
        # 1 s + n / 100 = 6 s + n / 1,000 at n = 5 / 0.009.
        ((1.0, 100.0), (6.0, 1000.0), "the CPU is faster up to 556 photos, the GPU for more"),
        ((1.0, 100.0), (1.0, 1000.0), "the GPU is faster for any number of photos"),
        ((1.0, 100.0), (6.0, 50.0), "the CPU is faster for any number of photos"),
        # 6 s + n / 100 = 1 s + n / 50 at n = 500.
        ((6.0, 100.0), (1.0, 50.0), "the GPU is faster up to 500 photos, the CPU for more"),
    ],
)
def test_the_verdict_counts_the_start(
    cpu: tuple[float, float], gpu: tuple[float, float], said: str
) -> None:
    features = np.zeros((1, 1), np.float32)

    assert doctor.verdict(Measured("", features, *cpu), Measured("", features, *gpu)) == said
