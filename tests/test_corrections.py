"""``data/exclude.csv``: what it does, and one clear error for each thing wrong."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from PIL import Image

from transfer_learning.commands.check import check_photos
from transfer_learning.config.params import Dataset, Folder, Rendered, Splits, Tfds
from transfer_learning.photos import records
from transfer_learning.photos.dataset import Correction, DatasetInfo, record_files
from transfer_learning.runtime.errors import UserError
from transfer_learning.sources import corrections
from transfer_learning.sources.fetching import fetch

HEADER = "id,action,label,reason\n"


@pytest.fixture
def dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dataset:
    """Two classes of six photos in the folder that is worked in, which has an exclude.csv."""
    monkeypatch.chdir(tmp_path)
    for label, name in enumerate(("daisy", "roses")):
        Path("photos", name).mkdir(parents=True)
        for i in range(6):
            image = Image.new("RGB", (30, 20), (20 * i, 200 * label, 90))
            image.save(Path("photos", name, f"{i}.jpg"))
    Path("data").mkdir()
    exclude("")
    return Dataset(
        source="folder",
        rendered=Rendered(images_per_class=1, seed=0),
        folder=Folder(path="photos", classes=None),
        tfds=Tfds(name="tf_flowers", data_dir=None),
        splits=Splits(train="train[50%:]", valid="train[25%:50%]", test="train[:25%]"),
    )


def exclude(lines: str) -> None:
    Path("data/exclude.csv").write_text(HEADER + lines, encoding="utf-8")


def test_photos_are_left_out_and_relabelled_and_it_is_noted(dataset: Dataset) -> None:
    exclude('daisy/1.jpg,exclude,,"blurred, and dark"\nroses/2.jpg,relabel,daisy,\n')

    info = fetch(dataset, Path("out"), work=Path("work"))

    labels = {photo.id: photo.label for photo in info.photos}
    assert len(labels) == 11
    assert "daisy/1.jpg" not in labels
    assert labels["roses/2.jpg"] == 0
    assert info.corrections == (
        Correction("daisy/1.jpg", "exclude", "daisy", "", "blurred, and dark"),
        Correction("roses/2.jpg", "relabel", "roses", "daisy", ""),
    )
    written = [
        record.label
        for record in records.read(record_files(Path("out")))
        if record.id == "roses/2.jpg"
    ]
    assert written == [0]
    assert DatasetInfo.read(Path("out")) == info


def test_an_empty_table_and_a_missing_one_change_nothing(dataset: Dataset) -> None:
    first = fetch(dataset, Path("out"), work=Path("work"))
    Path("data/exclude.csv").unlink()

    assert fetch(dataset, Path("other"), work=Path("work")) == first
    assert len(first.photos) == 12


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("daisy/9.jpg,exclude,,\n", ["line 2", "'daisy/9.jpg'", "did you mean daisy/"]),
        ("daisy/1.jpg,delete,,\n", ["line 2", "'delete'", "exclude or relabel"]),
        ("\ndaisy/1.jpg,relabel,tulips,\n", ["line 3", "'tulips'", "daisy, roses"]),
        ("daisy/1.jpg,relabel,,\n", ["line 2", "label is empty"]),
        ("daisy/1.jpg,relabel,daisy,\n", ["line 2", "already"]),
        ("daisy/1.jpg,exclude,roses,\n", ["line 2", "label is 'roses'"]),
        ("daisy/1.jpg,exclude,,\ndaisy/1.jpg,exclude,,\n", ["line 3", "is in line 2"]),
        ("daisy/1.jpg,exclude,,a,b\n", ["line 2", "5 columns", "quotes"]),
        ('daisy/1.jpg,exclude,,"a\n', ["line"]),
    ],
)
def test_a_wrong_line_is_named_by_make_check_and_by_fetch(
    dataset: Dataset, lines: str, words: list[str]
) -> None:
    exclude(lines)

    for step in (
        lambda: check_photos(dataset),
        lambda: fetch(dataset, Path("out"), work=Path("work")),
    ):
        with pytest.raises(UserError) as caught:
            step()
        for word in ("data/exclude.csv: line", *words):
            assert word in str(caught.value)
        assert "\n" not in str(caught.value)


def test_another_header_is_named(dataset: Dataset) -> None:
    Path("data/exclude.csv").write_text("photo,what\n", encoding="utf-8")

    with pytest.raises(UserError, match=r"line 1 is 'photo,what', but should be id,action,label"):
        corrections.read()


def test_what_a_spreadsheet_saves_is_read(dataset: Dataset) -> None:
    text = "\ufeffid,action,label,reason\r\ndaisy/1.jpg,exclude,,\r\n,,,\r\n"
    Path("data/exclude.csv").write_bytes(text.encode())

    assert [row.id for row in corrections.read()] == ["daisy/1.jpg"]


def test_another_encoding_is_named(dataset: Dataset) -> None:
    Path("data/exclude.csv").write_bytes(HEADER.encode() + b"daisy/\xe4.jpg,exclude,,\n")

    with pytest.raises(UserError, match="not UTF-8"):
        corrections.read()


def test_a_class_without_photos_is_named(dataset: Dataset) -> None:
    exclude("".join(f"daisy/{i}.jpg,exclude,,\n" for i in range(6)))

    with pytest.raises(UserError, match=r"exclude\.csv leaves no photo of class 'daisy'"):
        fetch(dataset, Path("out"), work=Path("work"))


def test_check_counts_what_is_left(dataset: Dataset) -> None:
    slices = Splits(train="train[:9]", valid="train[9:11]", test="train[11:]")
    dataset = dataset.model_copy(update={"splits": slices})
    check_photos(dataset)
    exclude("daisy/1.jpg,exclude,,\n")

    with pytest.raises(UserError, match=r"dataset\.splits\.test"):
        check_photos(dataset)


def test_nothing_wrong_with_the_committed_table() -> None:
    rows = corrections.read(Path(__file__).parents[1] / "data/exclude.csv")

    assert rows == []


def test_an_excluded_photo_need_not_be_readable(dataset: Dataset) -> None:
    Path("photos/daisy/broken.jpg").write_bytes(b"no photo")
    exclude("daisy/broken.jpg,exclude,,\n")

    info = fetch(dataset, Path("out"), work=Path("work"))

    assert info.rejected == ()
    assert info.found == 13
    assert dataclasses.asdict(info.corrections[0])["action"] == "exclude"
