"""What a run was measured on: the processor, and the GPU where TensorFlow uses one.

Never part of a result: only the timings name the device.
"""

from __future__ import annotations

import contextlib
import math
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

CPUINFO = Path("/proc/cpuinfo")
# Microseconds of processor time in each period, as docker run --cpus sets them: cpu.max of
# docs.kernel.org/admin-guide/cgroup-v2.html.
QUOTA = Path("/sys/fs/cgroup/cpu.max")
# A driver that hangs must not hold up a stage that has done its work.
PATIENCE = 10.0
# The first with TensorFloat-32 and bfloat16: docs.nvidia.com/cuda/ampere-tuning-guide.
AMPERE = (8, 0)


def describe() -> dict[str, str]:
    """Describe the device of this process.

    Always ``cpu`` (its model) and ``cores`` (those this process may use).  Where TensorFlow is
    loaded ``tensorflow`` (its version) and ``determinism`` (on or off), and where it sees a GPU
    ``gpu`` (the names), ``compute_capability``, ``memory`` and ``driver`` (of the first GPU, as
    ``nvidia-smi`` says), ``cuda`` and ``cudnn`` (the versions that TensorFlow was built for) and
    ``tf32`` (on or off).
    What cannot be found out is left out.  TensorFlow is not loaded for this: a stage that did
    without it did without a GPU.
    """
    found = {"cpu": _cpu(), "cores": str(cores())}
    tf = sys.modules.get("tensorflow")
    if tf is not None:
        found["tensorflow"] = tf.__version__
        # TensorFlow has no public name for what tf.config.experimental.enable_op_determinism set.
        if config := sys.modules.get("tensorflow.python.framework.config"):
            found["determinism"] = "on" if config.is_op_determinism_enabled() else "off"
        gpus = tf.config.list_physical_devices("GPU")
        if gpus:
            found |= _gpu(tf, gpus)
    return found


def cores() -> int:
    """Return how many cores this process may use: on this machine, or of a container's quota."""
    try:
        found = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS and Windows have no affinity.
        found = os.cpu_count() or 1
    return min(found, _quota() or found)


def _quota() -> int | None:
    """Return how many cores a container's processor time amounts to, rounded up; None for all."""
    try:
        quota, period = QUOTA.read_text().split()
        return max(1, math.ceil(int(quota) / int(period)))
    except (OSError, ValueError):  # No such file, or the quota is "max".
        return None


def schedule_as_batch() -> None:
    """Tell Linux that the threads started from now on compute and keep nobody waiting.

    Policy ``SCHED_BATCH`` of sched(7).  Threads that hand short pieces of work to each other are
    otherwise put on one core by some virtual machines' kernels (docs/performance.md).
    """
    # Other systems have no such policy, and a container may forbid the change.
    with contextlib.suppress(AttributeError, OSError):
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def hide_gpu() -> None:
    """Let TensorFlow see no GPU in this process, for work that gains nothing from one.

    So it neither waits for the GPU nor takes its memory.  Comes before TensorFlow is loaded, which
    takes the GPU at once.
    """
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"


def compute_capability(tf: Any) -> tuple[int, int] | None:
    """Return the first GPU's compute capability; None without a GPU, or where it is not known."""
    gpus = tf.config.list_physical_devices("GPU")
    details = tf.config.experimental.get_device_details(gpus[0]) if gpus else {}
    return details.get("compute_capability")


def label(device: dict[str, str]) -> str:
    """Return the short name of what ``describe`` returned, for a table's cell."""
    return device.get("gpu") or f"{device['cpu']}, cores: {device['cores']}"


def _cpu() -> str:
    try:
        lines = CPUINFO.read_text(encoding="utf-8").splitlines()
    except OSError:  # Only Linux has it.
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _gpu(tf: Any, gpus: list[Any]) -> dict[str, str]:
    details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
    names = [item.get("device_name", "unknown GPU") for item in details]
    found = {"gpu": ", ".join(names)}
    if "compute_capability" in details[0]:
        found["compute_capability"] = ".".join(map(str, details[0]["compute_capability"]))
    found |= _nvidia_smi(names[0])
    build = tf.sysconfig.get_build_info()
    found |= {
        key: str(build[f"{key}_version"]) for key in ("cuda", "cudnn") if f"{key}_version" in build
    }
    return found | {"tf32": "on" if _in_tensorfloat32(tf) else "off"}


def _in_tensorfloat32(tf: Any) -> bool:
    # TensorFlow's switch may be on where the GPU has no such arithmetic.
    capability = compute_capability(tf)
    able = capability is None or capability >= AMPERE
    return able and bool(tf.config.experimental.tensor_float_32_execution_enabled())


def _nvidia_smi(name: str) -> dict[str, str]:
    """Ask the driver for its version and the memory of the GPU of that name."""
    command = ["nvidia-smi", "--query-gpu=name,memory.total,driver_version"]
    try:
        answer = subprocess.run(
            [*command, "--format=csv,noheader"],
            capture_output=True, text=True, check=True, timeout=PATIENCE,
        ).stdout  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return {}
    # CUDA names a slice after its card: "NVIDIA A100-SXM4-40GB MIG 1g.5gb".
    card, mig, _ = name.partition(" MIG ")
    for line in answer.splitlines():
        found, *facts = (cell.strip() for cell in line.split(","))
        if found == card and len(facts) == 2:
            memory, driver = facts
            # The card's memory is not the slice's, which its name says.
            return {"driver": driver} if mig else {"memory": memory, "driver": driver}
    return {}
