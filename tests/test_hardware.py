"""The device's description: from the kernel, a loaded TensorFlow and the driver; GPUs faked."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from imports import SRC, library_modules

from transfer_learning.runtime import hardware

SMI = """\
NVIDIA T400, 2048 MiB, 550.54.15
NVIDIA A10, 23028 MiB, 550.54.15
"""


def tensorflow(
    *gpus: dict[str, Any], tf32: bool = True, build: dict[str, str] | None = None
) -> SimpleNamespace:
    """The few of TensorFlow's functions that are asked, with these GPUs' details."""
    return SimpleNamespace(
        __version__="2.21.0",
        config=SimpleNamespace(
            list_physical_devices=lambda kind: list(range(len(gpus))) if kind == "GPU" else [0],
            experimental=SimpleNamespace(
                get_device_details=lambda gpu: gpus[gpu],
                tensor_float_32_execution_enabled=lambda: tf32,
            ),
        ),
        sysconfig=SimpleNamespace(
            get_build_info=lambda: (
                {"cuda_version": "12.5.1", "cudnn_version": "9"} if build is None else build
            )
        ),
    )


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A CPU of known model, no TensorFlow loaded, an empty folder as PATH: returned."""
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor : 0\nmodel name\t: Xeon: E5\nprocessor : 1\nmodel name : no\n")
    monkeypatch.setattr(hardware, "CPUINFO", cpuinfo)
    monkeypatch.setattr(hardware, "cores", lambda: 4)
    for module in ("tensorflow", "tensorflow.python.framework.config"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    return programs


def install_nvidia_smi(programs: Path, script: str) -> None:
    path = programs / "nvidia-smi"
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)


def answer(text: str) -> str:
    """A script that answers the query for name, memory and driver and nothing else."""
    query = "--query-gpu=name,memory.total,driver_version --format=csv,noheader"
    return f'[ "$*" = "{query}" ] || exit 2\nprintf "%s" \'{text}\''


A10 = {"device_name": "NVIDIA A10", "compute_capability": (8, 6)}


@pytest.mark.usefixtures("machine")
def test_without_tensorflow_the_cpu_is_described_and_tensorflow_is_not_loaded() -> None:
    found = hardware.describe()

    assert found == {"cpu": "Xeon: E5", "cores": "4"}
    assert "tensorflow" not in sys.modules


@pytest.mark.usefixtures("machine")
def test_with_tensorflow_and_no_gpu_its_version_is_added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", tensorflow())

    assert hardware.describe() == {"cpu": "Xeon: E5", "cores": "4", "tensorflow": "2.21.0"}


def test_a_gpu_is_described_with_what_the_driver_says_of_the_card_of_that_name(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", tensorflow(A10))
    install_nvidia_smi(machine, answer(SMI))

    assert hardware.describe() == {
        "cpu": "Xeon: E5",
        "cores": "4",
        "tensorflow": "2.21.0",
        "gpu": "NVIDIA A10",
        "compute_capability": "8.6",
        "memory": "23028 MiB",
        "driver": "550.54.15",
        "cuda": "12.5.1",
        "cudnn": "9",
        "tf32": "on",
    }


@pytest.mark.usefixtures("machine")
def test_two_gpus_are_both_named(monkeypatch: pytest.MonkeyPatch) -> None:
    gpus = [A10, {"device_name": "NVIDIA T400"}]
    monkeypatch.setitem(sys.modules, "tensorflow", tensorflow(*gpus))

    assert hardware.describe()["gpu"] == "NVIDIA A10, NVIDIA T400"


@pytest.mark.usefixtures("machine")
def test_tf32_off_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", tensorflow(A10, tf32=False))

    assert hardware.describe()["tf32"] == "off"


@pytest.mark.usefixtures("machine")
def test_tf32_is_off_on_a_gpu_that_has_none_whatever_the_switch_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    t4 = {"device_name": "Tesla T4", "compute_capability": (7, 5)}
    monkeypatch.setitem(sys.modules, "tensorflow", tensorflow(t4, tf32=True))

    assert hardware.describe()["tf32"] == "off"


def test_a_slice_of_a_gpu_keeps_its_name_and_not_its_cards_memory(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a100 = {"device_name": "NVIDIA A100-SXM4-40GB MIG 1g.5gb", "compute_capability": (8, 0)}
    monkeypatch.setitem(sys.modules, "tensorflow", tensorflow(a100))
    install_nvidia_smi(machine, answer("NVIDIA A100-SXM4-40GB, 40960 MiB, 550.54.15"))

    found = hardware.describe()

    assert found["gpu"] == "NVIDIA A100-SXM4-40GB MIG 1g.5gb"
    assert found["driver"] == "550.54.15"
    assert "memory" not in found


@pytest.mark.parametrize(
    "script",
    [
        pytest.param("echo 'NVIDIA-SMI has failed'; exit 9", id="fails"),
        pytest.param("echo 'No devices were found'", id="finds nothing"),
        pytest.param("echo 'NVIDIA A10'", id="answers with less"),
        pytest.param(answer("NVIDIA T400, 2048 MiB, 550.54.15"), id="knows another card"),
        pytest.param("while :; do :; done", id="hangs"),
    ],
)
def test_a_driver_that_does_not_answer_is_left_out(
    script: str, machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", tensorflow(A10))
    monkeypatch.setattr(hardware, "PATIENCE", 0.5)
    install_nvidia_smi(machine, script)

    found = hardware.describe()

    assert found["gpu"] == "NVIDIA A10"
    assert not {"driver", "memory"} & set(found)


@pytest.mark.usefixtures("machine")
def test_what_tensorflow_does_not_know_of_a_gpu_is_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", tensorflow({}, build={"is_cuda_build": "False"}))

    found = hardware.describe()

    assert found["gpu"] == "unknown GPU"
    assert not {"compute_capability", "cuda", "cudnn", "driver"} & set(found)


def test_the_real_tensorflow_answers_every_question() -> None:
    # Here, for no other test of this file needs it.
    from transfer_learning.runtime.tensorflow_quiet import tf

    assert hardware.describe()["tensorflow"] == tf.__version__
    # A build without CUDA has no CUDA version to tell; the questions are the same.
    assert hardware._gpu(tf, tf.config.list_physical_devices("CPU"))["tf32"] == "off"


def test_a_machine_without_cpuinfo_is_still_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hardware, "CPUINFO", tmp_path / "none")
    monkeypatch.setattr(hardware.platform, "processor", lambda: "")
    monkeypatch.setattr(hardware.platform, "machine", lambda: "arm64")

    assert hardware.describe()["cpu"] == "arm64"


def test_cores_are_those_that_this_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware.os, "sched_getaffinity", lambda pid: {0, 2, 5}, raising=False)

    assert hardware.describe()["cores"] == "3"


def test_a_system_without_affinity_counts_every_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(hardware.os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(hardware.os, "cpu_count", lambda: 8)

    assert hardware.describe()["cores"] == "8"


@pytest.mark.parametrize(
    ("said", "cores"),
    [
        ("150000 100000\n", 2),
        ("50000 100000\n", 1),
        ("900000 100000\n", 4),
        ("max 100000\n", 4),
        (None, 4),
    ],
)
def test_a_container_may_use_the_cores_of_its_quota(
    said: str | None, cores: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(4)), raising=False)
    monkeypatch.setattr(hardware, "QUOTA", tmp_path / "cpu.max")
    if said is not None:
        (tmp_path / "cpu.max").write_text(said)

    assert hardware.cores() == cores


# Where a system has no policies, none is to be seen.
POLICY = """
import os, threading, types
from transfer_learning.commands import predict

def look(model):
    policy = getattr(os, "sched_getscheduler", lambda process: None)
    thread = threading.Thread(
        target=lambda: print(policy(0) == getattr(os, "SCHED_BATCH", None))
    )
    thread.start()
    thread.join()
    raise SystemExit

predict.Classifier.load = look
predict.run(types.SimpleNamespace(model=None))
"""


def test_threads_that_predict_starts_are_scheduled_as_batch() -> None:
    # In a process of its own, so that the tests' own scheduling stays as it is.
    assert run_python(POLICY) == "True\n"


# The kernel refuses the policy, as a container's filter of system calls may: it is out of range.
REFUSED = """
import os
from transfer_learning.runtime import hardware
os.SCHED_BATCH = 99
hardware.schedule_as_batch()
print("went on", os.sched_getscheduler(0) == os.SCHED_OTHER)
"""

UNKNOWN = """
import os
from transfer_learning.runtime import hardware
vars(os).pop("sched_setscheduler", None)
hardware.schedule_as_batch()
print("went on True")
"""


@pytest.mark.parametrize("code", [REFUSED, UNKNOWN], ids=["refused", "unknown"])
def test_where_the_policy_cannot_be_had_the_work_goes_on(code: str) -> None:
    assert run_python(code) == "went on True\n"


def run_python(code: str, **environment: str) -> str:
    """What a process of its own writes to stdout."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": f"{SRC}{os.pathsep}{SRC.parent}", "PATH": "", **environment},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


TRAIN = """
import os, sys
from stages import train
assert "tensorflow" not in sys.modules
class Look:
    def find_spec(self, name, path=None, target=None):
        if name == "tensorflow":
            print(os.environ.get("CUDA_VISIBLE_DEVICES"))
            raise SystemExit
sys.meta_path.insert(0, Look())
train._train_dense("b", None, None, None)
import tensorflow
"""


def test_a_stage_that_gains_nothing_from_a_gpu_hides_it_before_tensorflow_loads() -> None:
    assert run_python(TRAIN, CUDA_VISIBLE_DEVICES="0") == "-1\n"


def test_the_label_is_the_gpu_where_one_is_used_else_the_cpu() -> None:
    cpu = {"cpu": "Xeon", "cores": "4"}

    assert hardware.label(cpu) == "Xeon, cores: 4"
    assert hardware.label(cpu | {"gpu": "NVIDIA A10"}) == "NVIDIA A10"


def test_the_module_needs_nothing_of_the_library() -> None:
    # Every stage imports it.
    assert library_modules(SRC / "transfer_learning/runtime/hardware.py") == set()
