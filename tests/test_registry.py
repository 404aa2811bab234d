"""Every source of photos keeps the same contract; a wrong folder has a clear error."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from transfer_learning.config.params import Dataset, Folder, Rendered, Splits, Tfds
from transfer_learning.runtime.errors import UserError
from transfer_learning.sources.folder import manifest
from transfer_learning.sources.registry import count, open_source
from transfer_learning.sources.synthetic.render import CLASSES

PER_CLASS = 3


def settings(
    source: str = "folder", path: Path | str = "photos", classes: list[str] | None = None
) -> Dataset:
    return Dataset(
        source=source,
        rendered=Rendered(images_per_class=PER_CLASS, seed=0),
        folder=Folder(path=str(path), classes=classes),
        tfds=Tfds(name="tf_flowers", data_dir=None),
        splits=Splits(train="train[50%:]", valid="train[25%:50%]", test="train[:25%]"),
    )


def save(path: Path, shade: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 6), (shade, 100, 200)).save(path)


def photo_folder(root: Path) -> Path:
    """Three classes of three photos, of all suffixes between them."""
    names = ["b/1.jpg", "b/2.jpeg", "b/3.JPG", "a/1.png", "a/2.bmp", "a/3.gif"]
    names += ["c/1.webp", "c/2.jpg", "c/ä ö.jpg"]
    for shade, name in enumerate(names):
        save(root / name, shade)
    return root


def rendered_settings(folder: Path) -> Dataset:
    return settings("rendered")


def folder_settings(folder: Path) -> Dataset:
    return settings("folder", photo_folder(folder))


@pytest.fixture(params=[rendered_settings, folder_settings], ids=["rendered", "folder"])
def dataset(request: pytest.FixtureRequest, tmp_path: Path) -> Dataset:
    make: Callable[[Path], Dataset] = request.param
    return make(tmp_path)


def test_every_source_lists_all_photos_with_unique_ids_of_class_and_file(dataset: Dataset) -> None:
    source = open_source(dataset)

    ids = [photo.id for photo in source.photos]
    assert len(set(ids)) == len(ids) == PER_CLASS * len(source.classes)
    assert all(len(photo_id.split("/")) == 2 for photo_id in ids)
    assert {photo_id.split("/")[0] for photo_id in ids} == set(source.classes)


def test_every_source_labels_a_photo_with_the_position_of_its_class(dataset: Dataset) -> None:
    source = open_source(dataset)

    assert all(source.classes[photo.label] == photo.id.split("/")[0] for photo in source.photos)


def test_every_source_orders_by_the_md5_of_the_split_name_and_the_id(dataset: Dataset) -> None:
    source = open_source(dataset)

    ids = [photo.id for photo in source.photos]
    assert ids == sorted(ids, key=lambda i: hashlib.md5(b"train" + i.encode()).digest())


def test_every_source_reads_photos_that_can_be_decoded(dataset: Dataset) -> None:
    source = open_source(dataset)

    for _, encoded in source.encoded():
        with Image.open(io.BytesIO(encoded)) as image:
            image.load()
            assert min(image.size) > 0


def test_every_source_streams_its_photos_in_their_order(dataset: Dataset) -> None:
    source = open_source(dataset)

    assert tuple(photo for photo, _ in source.encoded()) == source.photos


def test_every_source_lists_and_reads_the_same_again(dataset: Dataset) -> None:
    first, second = open_source(dataset), open_source(dataset)

    assert (first.classes, first.photos) == (second.classes, second.photos)
    assert list(first.encoded()) == list(second.encoded())


def test_every_source_is_counted(dataset: Dataset) -> None:
    assert count(dataset) == len(open_source(dataset).photos)


def test_only_rendered_photos_are_synthetic(tmp_path: Path) -> None:
    assert open_source(rendered_settings(tmp_path)).synthetic is True
    assert open_source(folder_settings(tmp_path)).synthetic is False


def test_the_rendered_classes_are_the_flowers() -> None:
    assert open_source(settings("rendered")).classes == CLASSES


def test_more_rendered_photos_keep_the_earlier_ids_and_bytes() -> None:
    few = settings("rendered")
    more = few.model_copy(update={"rendered": Rendered(images_per_class=PER_CLASS + 1, seed=0)})

    fewer_photos, photos = dict(open_source(few).encoded()), dict(open_source(more).encoded())

    assert fewer_photos.items() < photos.items()


def test_another_seed_gives_other_rendered_photos() -> None:
    zero = settings("rendered")
    one = zero.model_copy(update={"rendered": Rendered(images_per_class=PER_CLASS, seed=1)})

    first, second = dict(open_source(zero).encoded()), dict(open_source(one).encoded())

    assert first.keys() == second.keys()
    assert all(first[photo] != second[photo] for photo in first)


def test_a_folder_gives_the_bytes_of_its_files(tmp_path: Path) -> None:
    source = open_source(folder_settings(tmp_path))

    for photo, encoded in source.encoded():
        assert encoded == (tmp_path / photo.id).read_bytes()


def test_a_folder_with_a_list_of_licences_credits_its_photos(tmp_path: Path) -> None:
    dataset = folder_settings(tmp_path)
    lines = ["Free to use.", "", "a/1.png  CC-BY by Ann, ä ", "b/9.jpg not there", "a/2.bmp"]
    (tmp_path / "LICENSE.txt").write_text("\n".join(lines), "utf-8")

    assert open_source(dataset).credits == {"a/1.png": "CC-BY by Ann, ä"}


def test_a_folder_without_a_list_of_licences_credits_nobody(tmp_path: Path) -> None:
    source = open_source(folder_settings(tmp_path))

    assert (source.credits, source.about) == ({}, {})


def test_without_a_list_the_classes_are_the_sorted_folder_names(tmp_path: Path) -> None:
    photo_folder(tmp_path)
    (tmp_path / "README.txt").write_text("not a class", "utf-8")

    assert open_source(settings(path=tmp_path)).classes == ("a", "b", "c")


def test_listed_classes_keep_their_order_and_leave_others_out(tmp_path: Path) -> None:
    photo_folder(tmp_path)

    source = open_source(settings(path=tmp_path, classes=["c", "a"]))

    assert source.classes == ("c", "a")
    assert {(photo.id[0], photo.label) for photo in source.photos} == {("c", 0), ("a", 1)}


def error_of(dataset: Dataset) -> str:
    with pytest.raises(UserError) as caught:
        open_source(dataset)
    return str(caught.value)


def test_a_missing_folder_is_named() -> None:
    message = error_of(settings(path=Path("nowhere")))

    assert "dataset.folder.path is 'nowhere', which is no folder" in message


def test_a_file_instead_of_a_folder_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    save(Path("photo.jpg"))

    assert "'photo.jpg', which is no folder" in error_of(settings(path=Path("photo.jpg")))


@pytest.mark.parametrize("names", [[], ["a"]])
def test_a_folder_of_fewer_than_two_classes_is_refused(names: list[str], tmp_path: Path) -> None:
    for name in names:
        save(tmp_path / name / "1.jpg")

    message = error_of(settings(path=tmp_path))

    assert f"dataset.folder.path is {str(tmp_path)!r}" in message
    assert f"holds {len(names)} class folders" in message


def test_a_single_listed_class_is_refused(tmp_path: Path) -> None:
    photo_folder(tmp_path)

    assert "needs two or more" in error_of(settings(path=tmp_path, classes=["a"]))


def test_a_listed_class_that_is_not_there_is_named(tmp_path: Path) -> None:
    photo_folder(tmp_path)

    message = error_of(settings(path=tmp_path, classes=["a", "roses"]))

    assert "dataset.folder.classes has 'roses'" in message
    assert "which is no folder in " in message


def test_a_class_listed_twice_is_refused(tmp_path: Path) -> None:
    photo_folder(tmp_path)

    message = error_of(settings(path=tmp_path, classes=["a", "b", "a"]))

    assert "dataset.folder.classes names a class twice: 'a'" in message


def test_a_tfds_data_set_is_opened_by_its_name(tmp_path: Path) -> None:
    dataset = settings("tfds").model_copy(update={"tfds": Tfds(name="tf_flower", data_dir=None)})

    assert "dataset.tfds.name is 'tf_flower'" in error_of(dataset)


def test_a_tfds_data_set_is_not_counted_before_it_is_fetched(tmp_path: Path) -> None:
    flowers = Tfds(name="tf_flowers", data_dir=str(tmp_path))

    assert count(settings("tfds").model_copy(update={"tfds": flowers})) is None


def folder(path: Path) -> Folder:
    return Folder(path=str(path), classes=None)


def test_a_manifest_of_an_unchanged_folder_stays_the_same(tmp_path: Path) -> None:
    photo_folder(tmp_path / "first")
    photo_folder(tmp_path / "second")

    assert manifest(folder(tmp_path / "first")) == manifest(folder(tmp_path / "second"))


def add(root: Path) -> None:
    save(root / "a" / "new.jpg")


def change(root: Path) -> None:
    save(root / "a" / "1.png", shade=250)


def remove(root: Path) -> None:
    (root / "a" / "1.png").unlink()


def rename(root: Path) -> None:
    (root / "a" / "1.png").rename(root / "a" / "one.png")


@pytest.mark.parametrize("edit", [add, change, remove, rename])
def test_a_manifest_changes_with_the_folder(edit: Callable[[Path], None], tmp_path: Path) -> None:
    before = manifest(folder(photo_folder(tmp_path)))

    edit(tmp_path)

    assert manifest(folder(tmp_path)) != before
