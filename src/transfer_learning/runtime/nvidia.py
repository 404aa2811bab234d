"""Whether an NVIDIA GPU is here, whether TensorFlow can use it, and if not, why.

TensorFlow is loaded only where it could see a GPU, and where that fails once more with its messages
on: ``tensorflow_quiet`` lets it write none.
"""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from importlib import metadata

# A driver that hangs, and TensorFlow's import on a slow disk.
DRIVER_PATIENCE = 10.0
IMPORT_PATIENCE = 120.0

ASK_TENSORFLOW = "import tensorflow as tf; tf.config.list_physical_devices('GPU')"
# What TensorFlow or the driver says, as a pattern, and what helps.
ADVICE = (
    ("insufficient for cuda runtime|insufficient driver|driver version is insufficient",
     "the driver is too old for this TensorFlow: install a newer one (CUDA 12 needs 525 or newer)"),
    ("version mismatch|system_driver_mismatch",
     "the driver was updated under the running kernel: restart the machine"),
    ("cannot dlopen|could not load dynamic library",
     "CUDA libraries are missing: make setup KIND=cuda installs them"),
    ("operation not permitted|permission denied|not_permitted",
     "this user may not open /dev/nvidia*: join the group that owns them (ls -l /dev/nvidia*)"),
    ("no_device|no cuda-capable device",
     "the driver shows this process no GPU: check CUDA_VISIBLE_DEVICES, or the container's --gpus"),
    (r"\bmig\b",
     "check nvidia-smi -L: with MIG on, the card needs a slice, and CUDA_VISIBLE_DEVICES its UUID"),
)  # fmt: skip


@dataclass(frozen=True)
class Gpu:
    """What ``look`` found.

    ``names`` as ``nvidia-smi`` gives them, slices of MIG by their own; ``usable`` by TensorFlow;
    ``unused_because`` is empty where a GPU is used, hidden by the user's wish, or not there;
    ``said`` is what TensorFlow or the driver wrote about it.
    """

    names: tuple[str, ...] = ()
    usable: bool = False
    unused_because: str = ""
    said: str = ""


@cache
def look() -> Gpu:
    """Look for a GPU once per process: free of cost without a driver."""
    if hidden():
        return Gpu()
    library = driver_library()
    listing = nvidia_smi("-L")
    found = names(listing)
    if not library and not found:
        return Gpu()
    if not cuda_build():
        why = "this TensorFlow is built for the CPU alone: make setup KIND=cuda" if found else ""
        return Gpu(found, unused_because=_named(found, why))
    if not library:
        why = (
            "nvidia-smi answers, but libcuda.so.1 is not found: install the driver's CUDA part, "
            "or in a container set NVIDIA_DRIVER_CAPABILITIES=compute,utility"
        )
        return Gpu(found, unused_because=_named(found, why))
    from transfer_learning.runtime.tensorflow_quiet import tf

    if tf.config.list_physical_devices("GPU"):
        return Gpu(found, usable=True)
    # The driver's library without a card, as on a cluster's login node.
    if not found:
        return Gpu()
    said = _tensorflow_says()
    return Gpu(found, unused_because=_named(found, advice(said)), said=said)


def hidden() -> bool:
    """Return whether CUDA_VISIBLE_DEVICES hides every GPU."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return visible is not None and visible.strip() in ("", "-1")


def driver_library() -> bool:
    """Return whether the driver's library is there, without which TensorFlow sees no GPU."""
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    return True


def cuda_build() -> bool:
    """Return whether the TensorFlow installed here can use CUDA, by the name of its package."""
    try:
        metadata.distribution("tensorflow-cpu")
    except metadata.PackageNotFoundError:
        return True
    return False


def nvidia_smi(*options: str) -> str:
    """Return what ``nvidia-smi`` answers; nothing where it is missing, fails or hangs."""
    if not shutil.which("nvidia-smi"):
        return ""
    try:
        return subprocess.run(
            ["nvidia-smi", *options],
            capture_output=True, text=True, check=True, timeout=DRIVER_PATIENCE,
        ).stdout  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ""


def names(listing: str) -> tuple[str, ...]:
    """Return the GPUs of ``nvidia-smi -L``; a card cut up by MIG is named by its slices."""
    found: list[str] = []
    card = ""
    for line in listing.splitlines():
        if match := re.match(r"GPU \d+: (.*) \(UUID: ", line):
            card = match[1]
            found.append(card)
        elif match := re.match(r"\s+(MIG \S+)\s+Device", line):
            if found[-1] == card:
                found.pop()
            found.append(f"{card} {match[1]}")
    return tuple(found)


def advice(said: str) -> str:
    """Return in a line what TensorFlow said and what helps."""
    lines = [line for line in said.splitlines() if line.strip()]
    for pattern, help_ in ADVICE:
        telling = [line for line in lines if re.search(pattern, line, re.IGNORECASE)]
        if telling:
            return f"{help_} (TensorFlow: {_message(telling[0])})"
    last = f" (TensorFlow: {_message(lines[-1])})" if lines else ""
    return f"TensorFlow does not see it; make doctor says more{last}"


def _message(line: str) -> str:
    # "2026-01-31 12:00:00.000000: E external/…/cuda_driver.cc:1] what happened".
    return re.sub(r"^.*?\.cc:\d+\] ", "", line).strip()


def _named(found: tuple[str, ...], why: str) -> str:
    return f"{', '.join(found)}: {why}" if why else ""


def _tensorflow_says() -> str:
    try:
        return subprocess.run(
            [sys.executable, "-c", ASK_TENSORFLOW],
            env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "0"},
            capture_output=True, text=True, check=False, timeout=IMPORT_PATIENCE,
        ).stderr  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ""
