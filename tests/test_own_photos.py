"""``make repro PHOTOS=FOLDER``: params.yaml set to a folder of one's own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image

from transfer_learning.commands import own_photos
from transfer_learning.config import params
from transfer_learning.runtime.errors import UserError

PROJECT = Path(__file__).parents[1]
ODD = [
    "my photos (2024)",
    "a, b: [c] {d} #e",
    "Blumen-花-ورد",
    'quote\'d "twice"',
    "~tilde",
    "${x}",
]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    shutil.copy(PROJECT / "presets/defaults.yaml", "params.yaml")
    return tmp_path


def photos(folder: Path) -> Path:
    for name in ("daisy", "tulip"):
        (folder / name).mkdir(parents=True)
        for number in range(10):
            Image.new("RGB", (8, 8), (number, 0, 0)).save(folder / name / f"{number}.png")
    return folder


@pytest.mark.parametrize("name", ODD)
def test_a_folder_of_any_name_is_put_in_force_and_nothing_else_changes(
    project: Path, name: str
) -> None:
    folder = str(photos(project / "inside" / name))
    before = params.load().model_dump()

    said = own_photos.apply(folder)

    after = params.load().model_dump()
    assert (after["dataset"]["source"], after["dataset"]["folder"]["path"]) == ("folder", folder)
    path = {**before["dataset"]["folder"], "path": folder}
    before["dataset"].update(source="folder", folder=path, stratify=True)
    assert after == before
    assert "source is folder (was rendered)" in said


def test_an_archive_of_photos_is_put_in_force_as_a_folder_is(project: Path) -> None:
    shutil.make_archive("mine", "zip", photos(project / "inside"))

    own_photos.apply("mine.zip")

    assert params.load().dataset.folder.path == "mine.zip"
    with pytest.raises(UserError, match=r"'mine\.tar', which is no folder"):
        own_photos.apply("mine.tar")


def test_comments_stay(project: Path) -> None:
    comments = [line.partition(" #")[2] for line in Path("params.yaml").read_text().splitlines()]

    own_photos.apply(str(photos(project / "photos")))

    lines = Path("params.yaml").read_text().splitlines()
    assert [line.partition(" #")[2] for line in lines] == comments


def test_the_classes_of_another_folder_are_forgotten(project: Path) -> None:
    text = Path("params.yaml").read_text()
    Path("params.yaml").write_text(text.replace("classes: null", "classes: [oak, elm]"))

    own_photos.apply(str(photos(project / "photos")))

    assert params.load().dataset.folder.classes is None


def test_a_home_folder_is_found(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(project))
    photos(project / "Pictures")

    own_photos.apply("~/Pictures")

    assert params.load().dataset.folder.path == "~/Pictures"


@pytest.mark.parametrize("folder", ["nowhere", "", "."])
def test_a_folder_that_cannot_be_used_changes_nothing(project: Path, folder: str) -> None:
    before = Path("params.yaml").read_bytes()

    with pytest.raises(UserError, match=r"dataset\.folder\.path"):
        own_photos.apply(folder)

    assert Path("params.yaml").read_bytes() == before


def test_a_second_time_it_is_said_to_be_there(project: Path) -> None:
    folder = str(photos(project / "photos"))
    own_photos.apply(folder)
    before = Path("params.yaml").read_bytes()

    assert "already" in own_photos.apply(folder)
    assert Path("params.yaml").read_bytes() == before
