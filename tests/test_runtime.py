"""What surrounds every stage: exit codes, whole files, timings, a quiet TensorFlow."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from imports import SRC, library_modules

from transfer_learning.runtime import cli, files, progress, timings
from transfer_learning.runtime.errors import UserError

TENSORFLOW = SRC / "transfer_learning/runtime/tensorflow_quiet.py"


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh interpreter that finds the library."""
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": f"{SRC}{os.pathsep}{SRC.parent}"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_user_error_is_one_line_on_stderr_and_exit_code_1() -> None:
    result = run_python(
        "from transfer_learning.runtime import cli, errors\n"
        "def main(): raise errors.UserError('train.epochs is 0')\n"
        "cli.run(main)"
    )

    assert result.returncode == 1
    assert result.stderr == "error: train.epochs is 0\n"
    assert result.stdout == ""


def test_an_interrupt_is_one_line_on_stderr_and_exit_code_130() -> None:
    result = run_python(
        "from transfer_learning.runtime import cli\n"
        "def main(): raise KeyboardInterrupt\ncli.run(main)"
    )

    assert result.returncode == 130
    assert result.stderr.startswith("interrupted: ")
    assert result.stderr.count("\n") == 1


def test_a_full_disk_is_one_line_that_says_what_to_do() -> None:
    result = run_python(
        "from transfer_learning.runtime import cli\n"
        "def main():\n"
        "    with open('/dev/full', 'wb') as file: file.write(b'x')\n"
        "cli.run(main)"
    )

    assert result.returncode == 1
    assert result.stderr.startswith("error: the disk is full")
    assert "TMPDIR" in result.stderr
    assert result.stderr.count("\n") == 1


def test_an_interrupt_during_a_stages_imports_is_one_line_and_exit_code_130() -> None:
    result = run_python(
        "import os, signal, stages\n"
        "class Slow:\n"
        "    def find_spec(self, *_): os.kill(os.getpid(), signal.SIGINT)\n"
        "import sys; sys.meta_path.insert(0, Slow())\n"
        "import stages.train"
    )

    assert result.returncode == 130
    assert result.stderr.startswith("interrupted: ")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("command", [["stages/train.py"], ["-m", "stages.train"]])
def test_a_stage_that_is_run_by_hand_without_a_name_says_how(command: list[str]) -> None:
    result = subprocess.run(
        [sys.executable, *command],
        cwd=SRC.parent,
        env={**os.environ, "PYTHONPATH": str(SRC)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 1
    assert "python -m stages.train NAME" in result.stderr
    assert "dvc repro train@NAME" in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["stages/train.py", "nosuch"], "there is no train@nosuch; params.yaml has mobilenet_v2"),
        (["-m", "stages.preprocess", "foo"], "there is no preprocess@foo; params.yaml has 224"),
        (["stages/join.py", "foo"], "there is no join@foo; params.yaml has none"),
        (["stages/extract.py", "x"], "data/backbones/x/backbone.json is missing, which another"),
    ],
)
def test_a_stage_that_is_run_by_hand_for_something_unknown_says_so(
    command: list[str], said: str
) -> None:
    result = subprocess.run(
        [sys.executable, *command],
        cwd=SRC.parent,
        env={**os.environ, "PYTHONPATH": str(SRC)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 1
    assert result.stderr.startswith(f"error: {said}")
    assert result.stderr.count("\n") == 1


def test_a_defect_keeps_its_traceback() -> None:
    def main() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        cli.run(main)


def test_write_text_makes_the_folder_and_leaves_only_the_file(tmp_path: Path) -> None:
    path = tmp_path / "new" / "deep" / "note.md"

    files.write_text(path, "wilde Möhre\nZeile 2\n")

    assert path.read_bytes() == "wilde Möhre\nZeile 2\n".encode()
    assert [item.name for item in path.parent.iterdir()] == ["note.md"]


def test_write_text_shows_the_old_file_until_the_new_one_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "note.md"
    path.write_text("old", encoding="utf-8")
    seen: list[tuple[str, str]] = []
    replace = Path.replace

    def look_then_replace(temporary: Path, target: Path) -> Path:
        seen.append((path.read_text(encoding="utf-8"), temporary.read_text(encoding="utf-8")))
        return replace(temporary, target)

    monkeypatch.setattr(Path, "replace", look_then_replace)

    files.write_text(path, "new")

    assert seen == [("old", "new")]
    assert path.read_text(encoding="utf-8") == "new"


def test_write_text_keeps_the_old_file_and_no_other_when_the_text_cannot_be_written(
    tmp_path: Path,
) -> None:
    path = tmp_path / "note.md"
    path.write_text("old", encoding="utf-8")

    with pytest.raises(UnicodeEncodeError):
        files.write_text(path, "half of it, then \udcff")

    assert path.read_text(encoding="utf-8") == "old"
    assert [item.name for item in tmp_path.iterdir()] == ["note.md"]


def test_write_json_is_readable_utf8_in_the_order_given(tmp_path: Path) -> None:
    path = tmp_path / "value.json"

    files.write_json(path, {"z": "Möhre", "a": [1]})

    assert path.read_bytes() == '{\n  "z": "Möhre",\n  "a": [\n    1\n  ]\n}\n'.encode()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project in which blocks run on a known CPU; its folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(timings, "describe", lambda: CPU)
    return tmp_path


CPU = {"cpu": "Xeon", "cores": "2"}
GPU = CPU | {"gpu": "NVIDIA A10", "tf32": "on"}


def set_clock(monkeypatch: pytest.MonkeyPatch, *ticks: float) -> None:
    """Let the blocks begin and end at these seconds."""
    times = iter(ticks)
    monkeypatch.setattr(timings.time, "perf_counter", lambda: next(times))


def read_timings() -> dict[str, dict[str, object]]:
    return json.loads(timings.TIMINGS.read_text(encoding="utf-8"))


@pytest.mark.usefixtures("project")
def test_timed_adds_its_name_to_the_timings_already_there(monkeypatch: pytest.MonkeyPatch) -> None:
    set_clock(monkeypatch, 10.0, 12.5, 100.0, 104.0)

    with timings.timed("train@b"):
        pass
    monkeypatch.setattr(timings, "describe", lambda: GPU)
    with timings.timed("extract@a", photos=10):
        pass

    kept = read_timings()
    assert kept == {
        "extract@a": {"seconds": 4.0, "photos": 10, "photos_per_second": 2.5, "device": GPU},
        "train@b": {"seconds": 2.5, "device": CPU},
    }
    assert list(kept) == ["extract@a", "train@b"]


@pytest.mark.usefixtures("project")
def test_timed_makes_a_table_of_all_timings_and_of_their_devices(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_clock(monkeypatch, 10.0, 12.5, 100.0, 104.0, 0.0, 8.0)

    for name in ("train@b", "train@a"):
        with timings.timed(name):
            pass
    monkeypatch.setattr(timings, "describe", lambda: GPU)
    with timings.timed("extract@a", photos=10):
        pass

    table = [
        "| stage | seconds | photos | photos/s | device |",
        "|---|---:|---:|---:|---|",
        "| extract@a | 8.0 | 10 | 1.2 | NVIDIA A10 |",
        "| train@a | 4.0 |  |  | Xeon, cores: 2 |",
        "| train@b | 2.5 |  |  | Xeon, cores: 2 |",
        "",
        "## Devices",
        "",
        "- extract@a: cpu Xeon, cores 2, gpu NVIDIA A10, tf32 on",
        "- train@a, train@b: cpu Xeon, cores 2",
    ]
    assert Path("reports/timings.md").read_text(encoding="utf-8").splitlines()[4:] == table


@pytest.mark.usefixtures("project")
def test_timed_records_what_its_block_notes_of_the_device() -> None:
    with timings.timed("extract@a") as device:
        device["gpu_unused"] = "the driver is too old"

    kept = read_timings()["extract@a"]["device"]
    assert kept == CPU | {"gpu_unused": "the driver is too old"}


@pytest.mark.usefixtures("project")
def test_timed_replaces_its_own_earlier_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    set_clock(monkeypatch, 0.0, 1.0, 0.0, 2.0)

    for photos in (5, None):
        with timings.timed("extract@a", photos=photos):
            pass

    assert read_timings() == {"extract@a": {"seconds": 2.0, "device": CPU}}


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    "earlier", ['{"train@b": ', "[]", '{"train@b": 2.5}', '{"train@b": {"seconds": 2.5}}', "\xff"]
)
def test_timed_starts_anew_from_a_file_that_is_damaged_or_names_no_device(earlier: str) -> None:
    timings.TIMINGS.parent.mkdir()
    timings.TIMINGS.write_bytes(earlier.encode("latin-1"))

    with timings.timed("extract@a"):
        pass

    assert list(read_timings()) == ["extract@a"]


def test_timed_measures_nothing_of_a_block_that_fails(project: Path) -> None:
    with pytest.raises(UserError), timings.timed("train@b"):
        raise UserError("no photos")

    assert list(project.iterdir()) == []


@pytest.mark.usefixtures("project")
def test_timed_keeps_the_measurement_of_the_last_run_that_succeeded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_clock(monkeypatch, 0.0, 1.0, 0.0, 2.0)
    with timings.timed("train@b"):
        pass

    with pytest.raises(KeyboardInterrupt), timings.timed("train@b"):
        raise KeyboardInterrupt

    assert read_timings()["train@b"]["seconds"] == 1.0


def test_progress_yields_every_item_and_counts_each() -> None:
    bar = progress.progress_bar(total=3, what="extract@a")

    items = list(progress.progress("abc", bar))

    assert items == ["a", "b", "c"]
    assert bar.n == 3
    bar.close()


@pytest.mark.slow
def test_tensorflow_loads_without_a_word_and_with_tensorfloat32_off() -> None:
    result = run_python(
        "from transfer_learning.runtime.tensorflow_quiet import tf; tf.constant(0)\n"
        "print(tf.config.experimental.tensor_float_32_execution_enabled())"
    )

    assert (result.returncode, result.stdout, result.stderr) == (0, "False\n", "")


@pytest.mark.parametrize("name", ["evaluate", "plot", "compare", "select", "report"])
def test_a_stage_without_tensors_does_not_load_tensorflow(name: str) -> None:
    assert TENSORFLOW not in library_modules(SRC.parent / f"stages/{name}.py")


@pytest.mark.parametrize("name", ["fetch", "photos"])
def test_a_stage_of_photos_loads_tensorflow_only_where_a_source_needs_it(name: str) -> None:
    result = run_python(f"import sys, stages.{name}; print('tensorflow' in sys.modules)")

    assert (result.stdout, result.stderr) == ("False\n", "")


def test_the_module_that_loads_tensorflow_is_recognised_by_its_path() -> None:
    # Without this a renamed module would let the test above pass unseen.
    assert TENSORFLOW in library_modules(SRC.parent / "stages/train.py")
