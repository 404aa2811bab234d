"""``fetch`` in units: goes on after those that are done, and no way of working changes a byte."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from test_fetching import files_of, good_photos, jpeg, settings

from transfer_learning.config.params import Dataset, Rendered
from transfer_learning.photos import records
from transfer_learning.runtime import hardware
from transfer_learning.runtime.errors import UserError
from transfer_learning.sources import fetching, source
from transfer_learning.sources.class_folders import LocalFile
from transfer_learning.work import local
from transfer_learning.work.processes import Processes


@pytest.fixture(autouse=True)
def small_units(monkeypatch: pytest.MonkeyPatch) -> None:
    """Units and record files of four photos: five units of ``good_photos``."""
    monkeypatch.setattr(records, "SHARD", 4)


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return settings(good_photos(tmp_path / "photos"))


def counted(monkeypatch: pytest.MonkeyPatch, *, most: int = 100) -> list[str]:
    """Return a list of the photos that are read; one more than ``most`` is an interrupt."""
    read: list[str] = []
    usual = LocalFile.read

    def reading(place: LocalFile) -> bytes | str:
        if len(read) == most:
            raise KeyboardInterrupt
        read.append(place.path.name)
        return usual(place)

    monkeypatch.setattr(hardware, "cores", lambda: 1)
    monkeypatch.setattr(LocalFile, "read", reading)
    return read


def stopped(dataset: Dataset, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the units of a fetch into ``folder``/out that ended within the fourth."""
    work = folder / "work"
    with monkeypatch.context() as patched:
        counted(patched, most=14)
        with pytest.raises(KeyboardInterrupt):
            fetching.fetch(dataset, folder / "out", work=work)
    return work


def test_a_stopped_fetch_goes_on_after_the_units_that_are_done(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = tmp_path / "work"
    fetching.fetch(dataset, tmp_path / "whole", work=work)
    assert not work.exists()

    with monkeypatch.context() as patched:
        counted(patched, most=14)
        with pytest.raises(KeyboardInterrupt):
            fetching.fetch(dataset, tmp_path / "out", work=work)
    read = counted(monkeypatch)
    fetching.fetch(dataset, tmp_path / "out", work=work)

    # Three units of four were done, of five.
    assert len(read) == 8
    assert files_of(tmp_path / "out") == files_of(tmp_path / "whole")
    assert not work.exists()


def test_a_photo_changed_in_between_is_read_again(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = stopped(dataset, tmp_path, monkeypatch)
    first = fetching.open_source(dataset).photos[0]
    (tmp_path / "photos" / first.id).write_bytes(jpeg(3, size=(77, 66)))
    read = counted(monkeypatch)

    info = fetching.fetch(dataset, tmp_path / "out", work=work)

    assert len(read) == 12
    (entry,) = [photo for photo in info.photos if photo.id == first.id]
    assert (entry.width, entry.height) == (77, 66)


def test_a_damaged_file_of_a_unit_is_named(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = stopped(dataset, tmp_path, monkeypatch)
    damaged = min(path for path in work.iterdir() if not path.suffix)
    damaged.write_bytes(damaged.read_bytes()[:-50])

    with pytest.raises(UserError, match=rf"{damaged.name} is damaged .*delete it"):
        fetching.fetch(dataset, tmp_path / "out", work=work)


def test_a_photo_that_ends_a_unit_each_time_is_named(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(place: LocalFile) -> bytes:
        raise RuntimeError(f"no luck with {place.path.name}")

    first = fetching.open_source(dataset).photos[0].id
    monkeypatch.setattr(hardware, "cores", lambda: 1)
    monkeypatch.setattr(LocalFile, "read", fail)

    with pytest.raises(UserError, match=rf"fetch: photos 1 to 4, photo {first}: failed 3 times"):
        fetching.fetch(dataset, tmp_path / "out", work=tmp_path / "work")


def test_a_photo_that_was_listed_and_is_not_there_is_no_rejected_one(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = fetching.open_source(dataset)
    monkeypatch.setattr(fetching, "open_source", lambda _: found)
    (tmp_path / "photos" / found.photos[5].id).unlink()

    with pytest.raises(UserError, match=rf"{found.photos[5].id} was there and is not seen now"):
        fetching.fetch(dataset, tmp_path / "out", work=tmp_path / "work")


def test_flowers_drawn_by_processes_have_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = settings(tmp_path).model_copy(
        update={"source": "rendered", "rendered": Rendered(images_per_class=2, seed=0)}
    )
    monkeypatch.setattr(hardware, "cores", lambda: 1)
    fetching.fetch(dataset, tmp_path / "one", work=tmp_path / "work")
    monkeypatch.setattr(hardware, "cores", lambda: 2)
    monkeypatch.setattr(fetching, "DRAWN_FROM", 5)
    monkeypatch.setattr(fetching, "COMPUTED", 4)
    opened: list[int] = []

    def noted(job: object, room: object, cores: int, advance: object) -> Processes:
        opened.append(cores)
        return Processes(job, room, cores, advance)

    monkeypatch.setattr(local, "Processes", noted)

    fetching.fetch(dataset, tmp_path / "two", work=tmp_path / "work")

    assert opened == [2]
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")


def test_large_photos_that_a_source_gives_itself_end_a_unit(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = fetching.open_source(dataset)
    given = [source.Given(place.read()) for place in found.places()]
    monkeypatch.setattr(fetching, "GIVEN", len(given[0].encoded) + 1)
    listed = dataclasses.replace(found, places=lambda: given)

    sizes = [unit.photos for unit in fetching._units(listed, frozenset())]

    assert sizes == [2] * 10
