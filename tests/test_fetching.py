"""``fetch``: what is kept, what is rejected and why, the counts, and equal bytes on repetition."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from imports import SRC
from PIL import Image

from transfer_learning.config.params import Dataset, Folder, Rendered, Splits, Tfds
from transfer_learning.photos import pixels, records, thumbnails
from transfer_learning.photos.dataset import DatasetInfo
from transfer_learning.runtime.errors import UserError
from transfer_learning.sources import fetching

GOOD = 10
SLICES = {"train": "train[50%:]", "valid": "train[25%:50%]", "test": "train[:25%]"}


def fetch(settings: Dataset, folder: Path) -> DatasetInfo:
    return fetching.fetch(settings, folder, work=folder.parent / "work")


def settings(path: Path, **slices: str) -> Dataset:
    return Dataset(
        source="folder",
        rendered=Rendered(images_per_class=1, seed=0),
        folder=Folder(path=str(path), classes=None),
        tfds=Tfds(name="tf_flowers", data_dir=None),
        splits=Splits(**(SLICES | slices)),
    )


def jpeg(shade: int, size: tuple[int, int] = (24, 16)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, (shade, 255 - shade, 90)).save(file, "JPEG")
    return file.getvalue()


def png(shade: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (12, 20), (shade, 0, 0)).save(file, "PNG")
    return file.getvalue()


def good_photos(root: Path) -> Path:
    """Two classes of ten JPEGs, each of its own size and colour."""
    for label, name in enumerate(("daisy", "roses")):
        (root / name).mkdir(parents=True)
        for i in range(GOOD):
            data = jpeg(12 * i + 100 * label, size=(20 + i, 30 + label))
            (root / name / f"{i}.jpg").write_bytes(data)
    return root


BROKEN = {
    "daisy/cut.jpg": jpeg(9, size=(200, 200))[:-300],
    "daisy/text.jpg": b"this is no photo",
    "roses/empty.png": b"",
    "roses/cut.png": png(8)[:-30],
}


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Good photos, broken ones, and a PNG whose suffix says JPEG."""
    root = good_photos(tmp_path / "photos")
    for name, data in BROKEN.items():
        (root / name).write_bytes(data)
    (root / "roses" / "a-png.jpg").write_bytes(png(77))
    return root


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_photos_that_cannot_be_decoded_are_rejected_with_the_reason(
    photos: Path, tmp_path: Path
) -> None:
    info = fetch(settings(photos), tmp_path / "out")

    reasons = {item.id: item.reason for item in info.rejected}
    assert reasons.keys() == BROKEN.keys()
    assert "truncated" in reasons["daisy/cut.jpg"]
    assert reasons["daisy/text.jpg"].startswith("not one of JPEG, PNG, BMP, GIF, WEBP, TIFF")
    assert reasons["roses/empty.png"] == "an empty file"
    assert reasons["roses/cut.png"]


def test_every_photo_found_is_kept_or_rejected(photos: Path, tmp_path: Path) -> None:
    info = fetch(settings(photos), tmp_path / "out")

    kept = {photo.id for photo in info.photos}
    rejected = {item.id for item in info.rejected}
    found = {f"{path.parent.name}/{path.name}" for path in photos.glob("*/*")}
    assert info.found == len(found) == len(info.photos) + len(info.rejected)
    assert kept | rejected == found
    assert not kept & rejected


def test_a_png_named_jpg_is_kept(photos: Path, tmp_path: Path) -> None:
    info = fetch(settings(photos), tmp_path / "out")

    (entry,) = [photo for photo in info.photos if photo.id == "roses/a-png.jpg"]
    assert (entry.width, entry.height) == (12, 20)


def test_splits_slice_the_photos_kept(photos: Path, tmp_path: Path) -> None:
    info = fetch(settings(photos), tmp_path / "out")

    # 21 photos are left: 25% is 5.25 and 50% is 10.5, rounded to 10 (the even one).
    assert {name: split.declared for name, split in info.splits.items()} == {
        "train": 11,
        "valid": 5,
        "test": 5,
    }
    assert {name: split.slice for name, split in info.splits.items()} == SLICES


def test_a_split_declares_what_its_file_holds(photos: Path, tmp_path: Path) -> None:
    info = fetch(settings(photos), tmp_path / "out")

    for name, split in info.splits.items():
        read = records.read(records.shards(tmp_path / "out", name))
        written = [record.label for record in read]
        assert split.declared == split.counted == len(written)
        assert split.per_class == (written.count(0), written.count(1))
        assert sum(split.per_class) == split.counted
    totals = [sum(split.per_class[label] for split in info.splits.values()) for label in (0, 1)]
    assert totals == [GOOD, GOOD + 1]


def test_the_photos_are_listed_in_the_order_of_the_files(photos: Path, tmp_path: Path) -> None:
    info = fetch(settings(photos), tmp_path / "out")

    for name in SLICES:
        written = records.read(records.shards(tmp_path / "out", name))
        listed = [(p.id, p.label) for p in info.photos if p.split == name]
        assert listed == [(record.id, record.label) for record in written]


def test_a_file_holds_the_photos_own_bytes(photos: Path, tmp_path: Path) -> None:
    fetch(settings(photos), tmp_path / "out")

    for name in SLICES:
        for record in records.read(records.shards(tmp_path / "out", name)):
            assert record.image == (photos / record.id).read_bytes()


def test_each_entry_has_the_size_of_its_photo(photos: Path, tmp_path: Path) -> None:
    info = fetch(settings(photos), tmp_path / "out")

    for entry in info.photos:
        with Image.open(photos / entry.id) as original:
            assert original.size == (entry.width, entry.height)


def test_labels_are_positions_in_the_classes(photos: Path, tmp_path: Path) -> None:
    info = fetch(settings(photos), tmp_path / "out")

    assert info.classes == ("daisy", "roses")
    assert all(info.classes[entry.label] == entry.id.split("/")[0] for entry in info.photos)


def test_the_summary_is_read_back_as_it_was_returned(photos: Path, tmp_path: Path) -> None:
    info = fetch(settings(photos), tmp_path / "out")

    assert DatasetInfo.read(tmp_path / "out") == info
    assert (info.source, info.synthetic) == ("folder", False)


def test_rendered_photos_are_declared_synthetic(tmp_path: Path) -> None:
    rendered = settings(tmp_path).model_copy(update={"source": "rendered"})

    info = fetch(rendered, tmp_path / "out")

    assert (info.source, info.synthetic) == ("rendered", True)
    assert info.found == len(info.photos) == 5
    assert info.rejected == ()


def test_photos_outside_every_slice_are_left_out(photos: Path, tmp_path: Path) -> None:
    info = fetch(settings(photos, train="train[-4:]"), tmp_path / "out")

    assert {name: split.counted for name, split in info.splits.items()} == {
        "train": 4,
        "valid": 5,
        "test": 5,
    }
    assert len(info.photos) == 14


def test_fetching_twice_gives_equal_bytes(photos: Path, tmp_path: Path) -> None:
    fetch(settings(photos), tmp_path / "first")
    fetch(settings(photos), tmp_path / "second")

    first = files_of(tmp_path / "first")
    assert first.keys() == {
        "dataset.json",
        "photos.npz",
        "train-00000-of-00001.tfrecord",
        "valid-00000-of-00001.tfrecord",
        "test-00000-of-00001.tfrecord",
        "looks.npz",
        "thumbnails.npz",
    }
    assert first == files_of(tmp_path / "second")


def test_one_more_photo_changes_the_summary(photos: Path, tmp_path: Path) -> None:
    before = fetch(settings(photos), tmp_path / "before")
    (photos / "daisy" / "new.jpg").write_bytes(jpeg(200))

    after = fetch(settings(photos), tmp_path / "after")

    old, new = (
        json.loads((tmp_path / name / "dataset.json").read_text("utf-8"))
        for name in ("before", "after")
    )
    assert old != new
    assert after.found == before.found + 1
    assert "daisy/new.jpg" in {entry.id for entry in after.photos}


def test_one_more_broken_photo_moves_no_other(photos: Path, tmp_path: Path) -> None:
    before = fetch(settings(photos), tmp_path / "before")
    (photos / "daisy" / "new.jpg").write_bytes(b"broken")

    after = fetch(settings(photos), tmp_path / "after")

    assert after.photos == before.photos
    assert len(after.rejected) == len(before.rejected) + 1


def test_a_class_of_broken_photos_only_is_named_with_an_example(tmp_path: Path) -> None:
    root = good_photos(tmp_path / "photos")
    (root / "tulips").mkdir()
    (root / "tulips" / "1.jpg").write_bytes(b"no photo")
    (root / "tulips" / "2.jpg").write_bytes(b"no photo")

    with pytest.raises(UserError) as caught:
        fetch(settings(root), tmp_path / "out")

    assert "class 'tulips': none of its photos can be decoded (tulips/" in str(caught.value)
    assert "not one of JPEG" in str(caught.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("slices", "reason"),
    [
        ({"test": "train[:1%]"}, "dataset.splits.test is 'train[:1%]', which holds none of the 20"),
        ({"valid": "train[20%:50%]"}, "share 1 of 20 photos"),
        ({"train": "photos"}, "dataset.splits.train is 'photos'"),
    ],
    ids=["empty", "overlapping", "unreadable"],
)
def test_a_wrong_slice_is_refused_before_anything_is_written(
    slices: dict[str, str], reason: str, tmp_path: Path
) -> None:
    root = good_photos(tmp_path / "photos")

    with pytest.raises(UserError) as caught:
        fetch(settings(root, **slices), tmp_path / "out")

    assert reason in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_slice_emptied_by_rejected_photos_is_refused_before_anything_is_written(
    photos: Path, tmp_path: Path
) -> None:
    # Of the 25 photos found, position 22 is there; of the 21 kept it is not.
    slices = {"train": "train[22:]", "valid": "train[5:10]", "test": "train[:5]"}

    with pytest.raises(UserError) as caught:
        fetch(settings(photos, **slices), tmp_path / "out")

    assert "dataset.splits.train is 'train[22:]'" in str(caught.value)
    assert "21" in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_missing_folder_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"dataset\.folder\.path"):
        fetch(settings(tmp_path / "nowhere"), tmp_path / "out")

    assert not (tmp_path / "out").exists()


# Three by two grey pixels.
LOSSLESS_JPEG = bytes.fromhex(
    "ffd8ffe000104a46494600010100000100010000ffc3000b080002000301011100ffc40016000101010000000000"
    "0000000000000000040508ffda0008010100010000cfea55e52bffd9"
)


def test_a_lossless_jpeg_is_kept(tmp_path: Path) -> None:
    root = good_photos(tmp_path / "photos")
    (root / "daisy" / "lossless.jpg").write_bytes(LOSSLESS_JPEG)

    info = fetch(settings(root), tmp_path / "out")

    assert info.rejected == ()
    (entry,) = [photo for photo in info.photos if photo.id == "daisy/lossless.jpg"]
    assert (entry.width, entry.height) == (3, 2)


def unclean_jpeg() -> bytes:
    """A JPEG of which libjpeg says: 2 extraneous bytes before marker 0xda."""
    whole = jpeg(40, size=(30, 20))
    scan = whole.index(b"\xff\xda")
    return whole[:scan] + b"\x07\x07" + whole[scan:]


def test_a_jpeg_with_extraneous_bytes_is_kept(tmp_path: Path) -> None:
    root = good_photos(tmp_path / "photos")
    (root / "daisy" / "unclean.jpg").write_bytes(unclean_jpeg())

    info = fetch(settings(root), tmp_path / "out")

    assert info.rejected == ()
    (entry,) = [photo for photo in info.photos if photo.id == "daisy/unclean.jpg"]
    assert (entry.width, entry.height) == (30, 20)


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_a_jpeg_of_other_colours_is_kept(mode: str, tmp_path: Path) -> None:
    root = good_photos(tmp_path / "photos")
    Image.new(mode, (31, 17)).save(root / "daisy" / "other.jpg", "JPEG")

    info = fetch(settings(root), tmp_path / "out")

    (entry,) = [photo for photo in info.photos if photo.id == "daisy/other.jpg"]
    assert (entry.width, entry.height) == (31, 17)


def test_good_photos_are_fetched_without_tensorflow(tmp_path: Path) -> None:
    root = good_photos(tmp_path / "photos")
    Image.new("CMYK", (9, 9)).save(root / "daisy" / "cmyk.jpg", "JPEG")
    (root / "daisy" / "other.png").write_bytes(png(3))
    code = f"""
import sys
from pathlib import Path
from transfer_learning.sources.fetching import fetch
from transfer_learning.config.params import Dataset
settings = Dataset.model_validate_json({settings(root).model_dump_json()!r})
info = fetch(settings, Path({str(tmp_path / "out")!r}), work=Path({str(tmp_path / "work")!r}))
print(len(info.photos), "tensorflow" in sys.modules)
"""

    process = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(SRC)},
        capture_output=True,
        text=True,
    )

    assert process.stdout.split() == ["22", "False"], process.stderr


def test_what_the_source_tells_of_itself_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = good_photos(tmp_path / "photos")
    source = dataclasses.replace(
        fetching.open_source(settings(root)),
        about={"name": "Two kinds"},
        credits={"daisy/1.jpg": "by somebody"},
    )
    monkeypatch.setattr(fetching, "open_source", lambda _: source)

    fetch(settings(root), tmp_path / "out")

    info = DatasetInfo.read(tmp_path / "out")
    assert info.about == {"name": "Two kinds"}
    assert info.credits == {"daisy/1.jpg": "by somebody"}


def test_the_thumbnails_are_those_of_the_test_photos(photos: Path, tmp_path: Path) -> None:
    info = fetch(settings(photos), tmp_path / "out")

    found = thumbnails.read(tmp_path / "out")
    expected = [entry for entry in info.photos if entry.split == "test"]
    assert list(found) == [entry.id for entry in expected]
    for entry in expected:
        colour = Image.open(photos / entry.id).convert("RGB").getpixel((5, 5))
        seen = Image.open(io.BytesIO(found[entry.id])).getpixel((8, 8))
        assert np.abs(np.subtract(seen, colour)).max() <= 8


def test_what_makes_figures_weak_is_a_warning_and_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = good_photos(tmp_path / "photos")
    for i in range(2, GOOD):
        (root / "daisy" / f"{i}.jpg").unlink()
    for i in range(GOOD, 40):
        (root / "roses" / f"{i}.jpg").write_bytes(jpeg(i))
    info = fetch(
        settings(root, test="train[:1]", valid="train[1:2]", train="train[2:]"), tmp_path / "out"
    )
    without = info.classes[info.splits["test"].per_class.index(0)]

    printed = capsys.readouterr().err

    assert [line.split(";")[0] for line in info.warnings] == [
        f"no test photo of {without}",
        "only 1 test photo, so chance moves an accuracy by 98 points or so",
        "roses has 40 photos and daisy 2",
    ]
    assert "".join(f"warning: {line}\n" for line in info.warnings) in printed
    assert DatasetInfo.read(tmp_path / "out").warnings == info.warnings


@pytest.mark.slow
def test_stratified_splits_leave_no_class_out(tmp_path: Path) -> None:
    root = good_photos(tmp_path / "photos")
    for name in [f"{number}.jpg" for number in range(4, GOOD)]:
        (root / "roses" / name).unlink()

    plain = fetch(settings(root), tmp_path / "plain")
    even = fetch(settings(root).model_copy(update={"stratify": True}), tmp_path / "even")

    assert even.splits["test"].per_class == (3, 1)
    assert even.splits["train"].per_class == (5, 2)
    assert {photo.id for photo in even.photos} == {photo.id for photo in plain.photos}


def test_a_hundred_test_photos_of_even_classes_are_no_warning(tmp_path: Path) -> None:
    rendered = settings(tmp_path, train="train[110:]", valid="train[100:110]", test="train[:100]")
    flowers = rendered.rendered.model_copy(update={"images_per_class": 40})

    info = fetch(
        rendered.model_copy(update={"source": "rendered", "rendered": flowers}), tmp_path / "out"
    )

    assert info.warnings == ()


def turned(orientation: int) -> bytes:
    tags = Image.Exif()
    tags[0x0112] = orientation
    file = io.BytesIO()
    thirds = Image.new("RGB", (60, 30), (0, 200, 0))
    thirds.paste((200, 0, 0), (0, 0, 20, 30))
    thirds.save(file, "JPEG", exif=tags)
    return file.getvalue()


def test_a_photo_is_upright_in_its_size_its_picture_and_its_thumbnail(tmp_path: Path) -> None:
    root = good_photos(tmp_path / "photos")
    (root / "daisy" / "phone.jpg").write_bytes(turned(6))
    only = {"train": "train[0:1]", "valid": "train[1:2]", "test": "train[2:]"}

    info = fetch(settings(root, **only), tmp_path / "out")

    (entry,) = [photo for photo in info.photos if photo.id == "daisy/phone.jpg"]
    assert (entry.width, entry.height) == (30, 60)
    tested = records.read(records.shards(tmp_path / "out", "test"))
    photos = {photo.id: photo.image for photo in tested}
    picture = pixels.rgb(pixels.open_photo(photos[entry.id]))
    assert picture.size == (30, 60)
    red, green = picture.getpixel((15, 2)), picture.getpixel((15, 50))
    assert red[0] > 150 > 50 > red[1]
    assert green[1] > 150 > 50 > green[0]
    with Image.open(io.BytesIO(thumbnails.read(tmp_path / "out")["daisy/phone.jpg"])) as small:
        assert small.size == (30, 60)
        assert np.subtract(*map(np.array, (small.getpixel((15, 2)), red)), dtype=int).max() < 60
        assert small.getpixel((15, 50))[1] > 150


def test_a_photo_of_too_many_pixels_is_rejected_with_their_number(tmp_path: Path) -> None:
    root = good_photos(tmp_path / "photos")
    (root / "daisy" / "large.png").write_bytes(png(3))
    limited = settings(root).folder.model_copy(update={"max_megapixels": 0.001})
    # The others have up to 29 × 31 pixels.
    Image.new("RGB", (40, 30)).save(root / "daisy" / "large.png")

    info = fetch(settings(root).model_copy(update={"folder": limited}), tmp_path / "out")

    assert {item.id: item.reason for item in info.rejected} == {
        "daisy/large.png": "it has 0.0012 megapixels, and dataset.folder.max_megapixels is 0.001"
    }
