"""Units of work in this process: what is kept, what is tried again, and what is said in the end."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from toy_units import PHOTOS, Bench, expected

from transfer_learning.runtime import nvidia
from transfer_learning.runtime.errors import UserError
from transfer_learning.work import executors, units
from transfer_learning.work.units import Job, Unit


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_files_come_in_the_order_of_the_units_and_are_gone_at_the_end(bench: Bench) -> None:
    assert bench.run(bench.units(5)) == expected(5)
    assert not bench.folder.exists()


def test_units_are_taken_one_by_one(bench: Bench) -> None:
    todo = iter(bench.units(3))

    with units.results(Job("toys", Writes), todo, bench.folder, print) as results:
        next(results)

        assert next(todo).name == "u1"


class Writes:
    def __init__(self, cores: int) -> None: ...

    def __call__(self, unit: Unit, target: Path, advance: object) -> None:
        target.write_text(unit.name)


def test_what_was_finished_is_not_computed_again(bench: Bench) -> None:
    with pytest.raises(UserError):
        bench.run(bench.units(5), fails={"u3": 9})
    assert bench.computed() == ["u0", "u1", "u2"]

    assert bench.run(bench.units(5)) == expected(5)

    assert bench.computed() == ["u3", "u4"]


@pytest.mark.parametrize("change", ["facts", "input"])
def test_what_has_other_facts_or_another_input_is_computed_and_the_old_file_goes(
    change: str, bench: Bench
) -> None:
    for value in "abc":
        facts = value if change == "facts" else ""
        todo = bench.units(3)
        if change == "input":
            todo[0].inputs[0].write_text(f" reads {value}")
        with pytest.raises(UserError):
            bench.run(todo, facts, fails={"u2": 9})

        assert bench.computed() == (["u0", "u1"] if change == "facts" or value == "a" else ["u0"])
        assert bench.finished() == 2


def test_a_unit_that_fails_twice_is_done_at_the_third_try(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench.run(bench.units(3), fails={"u1": 2}) == expected(3)

    said = capsys.readouterr().err.splitlines()
    assert said == ["toys@x: u1, photo u1/b.jpg: tried again after ValueError: boom"] * 2


def test_a_unit_that_always_fails_is_named_with_its_photo_in_one_line(bench: Bench) -> None:
    with pytest.raises(UserError) as caught:
        bench.run(bench.units(3), fails={"u1": 9})

    said = str(caught.value)
    assert said.startswith("toys@x: u1, photo u1/b.jpg: failed 3 times, at last with ValueError: b")
    assert "\n" not in said
    assert "toy_units.py" in (bench.folder / "failed.txt").read_text()


def test_a_users_error_is_said_at_once(bench: Bench) -> None:
    with pytest.raises(UserError, match=r"^params\.yaml is wrong$"):
        bench.run(bench.units(3), refused="u1")

    assert bench.log.read_text().count("try u1") == 1


class FullDisk(Writes):
    def __call__(self, unit: Unit, target: Path, advance: object) -> None:
        raise OSError(28, "No space left on device", str(target))


def test_what_the_system_refuses_is_said_as_everywhere(bench: Bench) -> None:
    job = Job("toys", FullDisk)

    with (
        pytest.raises(UserError, match=r"^the disk is full at "),
        units.results(job, bench.units(1), bench.folder, print) as results,
    ):
        list(results)


def test_the_photos_of_a_failed_try_do_not_count(bench: Bench) -> None:
    assert bench.run(bench.units(2), fails={"u0": 2}).photos == 2 * PHOTOS


class Meets(Writes):
    """A worker that waits until it does three units at a time."""

    meeting = threading.Barrier(3)

    def __call__(self, unit: Unit, target: Path, advance: object) -> None:
        self.meeting.wait(timeout=30)
        super().__call__(unit, target, advance)


def test_with_a_gpu_three_units_are_in_work_and_come_in_order(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nvidia, "look", lambda: nvidia.Gpu(usable=True))
    job = Job("toys", Meets, gpu=True)

    with units.results(job, bench.units(9), bench.folder, print) as results:
        assert [path.read_text() for path in results] == [f"u{number}" for number in range(9)]


def test_an_unknown_executor_is_refused(monkeypatch: pytest.MonkeyPatch, bench: Bench) -> None:
    monkeypatch.setenv(executors.EXECUTOR, "dask")

    with pytest.raises(UserError) as caught:
        bench.run(bench.units(1))

    assert str(caught.value) == (
        "TRANSFER_LEARNING_EXECUTOR is 'dask'; it can be local (this machine, the default) or ray"
    )


def test_ray_that_is_not_installed_is_named_with_its_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(executors.EXECUTOR, executors.RAY)
    monkeypatch.setattr(executors, "_version", lambda: None)

    with pytest.raises(UserError, match="not installed: make setup EXTRA=ray"):
        executors.described()
