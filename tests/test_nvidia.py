"""Whether a GPU is used, and what is said where it is not; drivers and TensorFlow's words faked."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from imports import SRC

from transfer_learning.runtime import nvidia

CARD = "GPU 0: NVIDIA A10 (UUID: GPU-01234567-89ab-cdef-0123-456789abcdef)"
SLICES = """\
GPU 0: NVIDIA A100-SXM4-80GB (UUID: GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77)
  MIG 1g.10gb     Device  0: (UUID: MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f)
  MIG 2g.20gb     Device  1: (UUID: MIG-cba663e8-9bed-5b25-b243-5985ef7c9beb)
GPU 1: NVIDIA A10 (UUID: GPU-01234567-89ab-cdef-0123-456789abcdef)
"""

LOOK = """
import sys
from transfer_learning.runtime import nvidia
found = nvidia.look()
print(found.usable, "tensorflow" in sys.modules)
print(found.unused_because)
"""


def look(folder: Path, script: str = "", **environment: str) -> list[str]:
    """Look in a process of its own, with this nvidia-smi and no libcuda."""
    if script:
        path = folder / "nvidia-smi"
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", LOOK],
        env={"PATH": f"{folder}{os.pathsep}/bin", "PYTHONPATH": str(SRC), **environment},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.splitlines()


def test_without_a_driver_nothing_is_said_and_tensorflow_is_not_loaded(tmp_path: Path) -> None:
    assert look(tmp_path) == ["False False", ""]


def test_a_card_that_the_installed_tensorflow_cannot_use_is_named_with_what_to_do(
    tmp_path: Path,
) -> None:
    loaded, said = look(tmp_path, f"echo '{CARD}'")

    assert loaded == "False False"
    assert said.startswith("NVIDIA A10: ")
    # The tests run in either environment, and no GPU's library is there.
    assert "KIND=cuda" in said or "libcuda.so.1" in said


@pytest.mark.parametrize("value", ["-1", ""])
def test_a_gpu_hidden_on_purpose_is_no_complaint(value: str, tmp_path: Path) -> None:
    assert look(tmp_path, f"echo '{CARD}'", CUDA_VISIBLE_DEVICES=value) == ["False False", ""]


@pytest.mark.parametrize("script", ["exit 9", "echo 'No devices were found'"])
def test_a_driver_without_a_card_is_no_complaint(script: str, tmp_path: Path) -> None:
    assert look(tmp_path, script) == ["False False", ""]


def test_slices_are_named_in_place_of_their_card() -> None:
    assert nvidia.names(SLICES) == (
        "NVIDIA A100-SXM4-80GB MIG 1g.10gb",
        "NVIDIA A100-SXM4-80GB MIG 2g.20gb",
        "NVIDIA A10",
    )


@pytest.mark.parametrize(
    ("said", "helps"),
    [
        ("CUDA driver version is insufficient for CUDA runtime version", "driver is too old"),
        ("failed call to cuInit: CUDA_ERROR_SYSTEM_DRIVER_MISMATCH", "restart the machine"),
        ("Cannot dlopen some GPU libraries.", "make setup KIND=cuda"),
        ("failed call to cuInit: CUDA_ERROR_NOT_PERMITTED", "/dev/nvidia"),
        ("failed call to cuInit: CUDA_ERROR_NO_DEVICE", "CUDA_VISIBLE_DEVICES"),
        ("something new", "TensorFlow: something new"),
    ],
)
def test_what_tensorflow_said_is_shown_with_what_helps(said: str, helps: str) -> None:
    log = f"a first line that might be noise\n2026-01-31 12:00:00.1: W a/b/cuda.cc:12] {said}\n"

    line = nvidia.advice(log)

    assert helps in line
    assert f"TensorFlow: {said}" in line
    assert "\n" not in line
