"""Units shared by processes of this machine: the same files, whatever becomes of a process."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psutil
import pytest
from toy_units import PHOTOS, Bench, expected

from transfer_learning.runtime import hardware
from transfer_learning.runtime.errors import UserError
from transfer_learning.work import units
from transfer_learning.work.units import Job, Unit


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr(hardware, "cores", lambda: 2)
    return Bench(tmp_path)


class Writes:
    """A worker that leaves the number of its process in the file, or dies where that is asked."""

    def __init__(self, cores: int, dies: str = "", naps: dict[str, float] | None = None) -> None:
        self.cores, self.dies, self.naps = cores, dies, naps or {}

    def __call__(self, unit: Unit, target: Path, advance: Callable[[int], object]) -> None:
        time.sleep(self.naps.get(unit.name, 0))
        advance(2)
        if unit.name == self.dies:
            os.kill(os.getpid(), signal.SIGKILL)
        target.write_text(f"{unit.name} {self.cores} {os.getpid()}")


def name(unit: Unit, place: int) -> str:
    return f"{unit.name}/{place}"


def written(bench: Bench, count: int, **options: object) -> list[list[str]]:
    job = Job("toys", partial(Writes, **options), processes_from=PHOTOS * 3, photo=name)
    with units.results(job, bench.units(count), bench.folder, lambda photos: None) as results:
        return [path.read_text().split() for path in results]


def test_processes_of_one_core_share_the_units_which_come_in_order(bench: Bench) -> None:
    slow_ones_first = {"u0": 1.5, "u1": 0.5}

    found = written(bench, 12, naps=slow_ones_first)

    names, cores, processes = zip(*found, strict=True)
    assert names == tuple(f"u{number}" for number in range(12))
    assert set(cores) == {"1"}
    assert len(set(processes)) == 2
    assert str(os.getpid()) not in processes
    assert not [child for child in psutil.Process().children() if str(child.pid) in processes]


def test_a_process_of_somebody_else_is_let_be(bench: Bench) -> None:
    other = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(60,))
    other.start()

    written(bench, 4)

    assert other.is_alive()
    other.kill()
    other.join()


def test_for_few_photos_or_on_one_core_no_process_is_started(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert written(bench, 2) == [["u0", "2", str(os.getpid())], ["u1", "2", str(os.getpid())]]
    monkeypatch.setattr(hardware, "cores", lambda: 1)

    assert {process for _, _, process in written(bench, 9)} == {str(os.getpid())}


def test_a_killed_process_is_replaced_and_what_was_finished_is_kept(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench.run(bench.units(9), processes_from=1, dies="u4") == expected(9)

    computed = bench.computed()
    # What the other process did at that moment may be done twice.
    assert set(computed) == {f"u{number}" for number in range(9)}
    assert len(computed) <= 10
    said = capsys.readouterr().err
    assert "toys@x: the death of a process (a kill, a crash, or out of memory); its unit is" in said


def test_a_unit_whose_process_always_dies_ends_the_stage_in_one_line(bench: Bench) -> None:
    slow_ones = {"u0": 0.5, "u1": 0.5, "u4": 0.5}

    with pytest.raises(UserError) as caught:
        written(bench, 9, dies="u3", naps=slow_ones)

    said = str(caught.value)
    # Not one of those that were in work with it; and after two photos of its own.
    assert said.startswith("toys: u3, photo u3/2: failed 3 times, at last with the death of a pro")
    assert "\n" not in said


def test_a_failed_unit_is_tried_again_and_its_photos_count_once(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench.run(bench.units(6), processes_from=1, fails={"u1": 2}, nap=0.3) == expected(6)

    said = capsys.readouterr().err.splitlines()
    assert said == ["toys@x: u1, photo u1/b.jpg: tried again after ValueError: boom"] * 2


def test_a_unit_that_always_fails_is_named_and_the_next_run_goes_on(bench: Bench) -> None:
    with pytest.raises(UserError, match=r"toys@x: u3, photo u3/b\.jpg: failed 3 times"):
        bench.run(bench.units(6), processes_from=1, fails={"u3": 9})
    finished = set(bench.computed())
    assert {"u0", "u1", "u2"} <= finished

    assert bench.run(bench.units(6), processes_from=1) == expected(6)

    assert set(bench.computed()) == {f"u{number}" for number in range(6)} - finished


def test_a_users_error_is_said_at_once(bench: Bench) -> None:
    with pytest.raises(UserError, match=r"^params\.yaml is wrong$"):
        bench.run(bench.units(3), processes_from=1, refused="u1")

    assert bench.log.read_text().count("try u1") == 1


DRIVER = """
import sys
from pathlib import Path

from toy_units import Bench

from transfer_learning.runtime import hardware

if __name__ == "__main__":
    hardware.cores = lambda: 2
    bench = Bench(Path(sys.argv[1]))
    bench.run(bench.units(4), processes_from=1, nap=60)
"""


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT])
def test_processes_end_at_once_with_the_one_that_started_them(
    sent: signal.Signals, tmp_path: Path
) -> None:
    script = tmp_path / "driver.py"
    script.write_text(DRIVER)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    driver = subprocess.Popen(
        [sys.executable, script, tmp_path],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while (tmp_path / "log").exists() is False or "try" not in (tmp_path / "log").read_text():
        time.sleep(0.05)
        assert driver.poll() is None
    children = psutil.Process(driver.pid).children(recursive=True)
    assert len(children) >= 2

    # A terminal's Ctrl-C reaches all.
    (os.killpg if sent == signal.SIGINT else os.kill)(driver.pid, sent)
    _, errors = driver.communicate(timeout=20)

    _, alive = psutil.wait_procs(children, timeout=20)
    assert not alive
    # Of an interrupted one the last word is the driver's own, and no process adds to it.
    assert errors.count("Traceback") == (1 if sent == signal.SIGINT else 0)
