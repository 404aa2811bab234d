"""What make check finds before any heavy work."""

import os
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from transfer_learning.commands.check import check
from transfer_learning.runtime.errors import UserError

PARAMS = Path(__file__).parents[1] / "params.yaml"


def write(folder: Path, monkeypatch, **changes) -> None:
    yaml = YAML(typ="safe", pure=True)
    values = yaml.load(PARAMS)
    for dotted, value in changes.items():
        *path, last = dotted.split("__")
        section = values
        for key in path:
            section = section[key]
        section[last] = value
    with (folder / "params.yaml").open("w", encoding="utf-8") as file:
        yaml.dump(values, file)
    monkeypatch.chdir(folder)


def test_the_defaults_are_right(tmp_path, monkeypatch):
    write(tmp_path, monkeypatch)

    assert set(check().backbones) == {"mobilenet_v2", "efficientnet_lite2"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"backbones__mobilenet_v2__handle": "pypi:none==1"}, ["backbones.mobilenet_v2.handle"]),
        (
            {"dataset__source": "folder", "dataset__folder__path": "nowhere"},
            ["dataset.folder.path", "nowhere"],
        ),
        (
            {"dataset__source": "tfds", "dataset__tfds__name": "tf_flower"},
            ["dataset.tfds.name", "tf_flower", "did you mean tf_flowers"],
        ),
        (
            {"dataset__source": "tfds", "dataset__tfds__data_dir": "nowhere"},
            ["dataset.tfds.data_dir", "nowhere"],
        ),
        ({"dataset__source": "cloud"}, ["dataset.source", "cloud"]),
        ({"dataset__rendered__images_per_class": 1}, ["dataset.splits.test"]),
    ],
)
def test_what_is_wrong_beyond_types_is_named(tmp_path, monkeypatch, changes, words):
    write(tmp_path, monkeypatch, **changes)

    with pytest.raises(UserError) as caught:
        check()

    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("split", "text", "parts"),
    [
        (
            "test",
            "train[:20%]",
            ["dataset.splits.valid (train[10%:25%])", "dataset.splits.test (train[:20%])"],
        ),
        ("test", "train[:0]", ["dataset.splits.test is 'train[:0]'", "none of the 1000 photos"]),
        ("valid", "train[10-25]", ["dataset.splits.valid is 'train[10-25]'", "not a slice"]),
        ("valid", "validation[:10%]", ["dataset.splits.valid is 'validation[:10%]'"]),
        ("train", "train[25%:101%]", ["dataset.splits.train is 'train[25%:101%]'", "[-100, 100]"]),
    ],
)
def test_a_wrong_slice_is_named(tmp_path, monkeypatch, split, text, parts):
    changes = {
        "dataset__source": "rendered",
        "dataset__rendered__images_per_class": 200,
        f"dataset__splits__{split}": text,
    }
    write(tmp_path, monkeypatch, **changes)

    with pytest.raises(UserError) as caught:
        check()

    for part in parts:
        assert part in str(caught.value)


def test_slices_empty_for_few_rendered_photos_are_refused(tmp_path, monkeypatch):
    changes = {"dataset__rendered__images_per_class": 1, "dataset__splits__test": "train[:1%]"}
    write(tmp_path, monkeypatch, **changes)

    with pytest.raises(UserError, match="none of the 5 photos"):
        check()


@pytest.mark.parametrize(
    ("text", "words"),
    [("train[10-25]", "not a slice of train"), ("test", "Unknown split 'test'")],
)
def test_a_slice_of_photos_still_to_be_fetched_is_checked(tmp_path, monkeypatch, text, words):
    changes = {
        "dataset__source": "tfds",
        "dataset__tfds": {"name": "tf_flowers", "data_dir": str(tmp_path)},
        "dataset__splits__valid": text,
    }
    write(tmp_path, monkeypatch, **changes)

    with pytest.raises(UserError, match=words) as caught:
        check()

    assert f"dataset.splits.valid is {text!r}" in str(caught.value)


def test_photos_still_to_be_fetched_are_no_error(tmp_path, monkeypatch):
    flowers = {"name": "tf_flowers", "data_dir": str(tmp_path)}
    write(tmp_path, monkeypatch, dataset__source="tfds", dataset__tfds=flowers)

    assert check().dataset.tfds.name == "tf_flowers"


def test_odd_files_in_the_folder_do_not_stop_the_check(tmp_path, monkeypatch):
    for name in ("blue", "red"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for index in range(10):
            (tmp_path / "photos" / name / f"{index}.jpg").touch()
    os.mkfifo(tmp_path / "photos/blue/pipe.jpg")
    (tmp_path / "photos/blue/dead.jpg").symlink_to("nowhere")
    (tmp_path / "photos/blue" / os.fsdecode(b"\xff.jpg")).touch()
    photos = str(tmp_path / "photos")
    write(tmp_path, monkeypatch, dataset__source="folder", dataset__folder__path=photos)

    assert check().dataset.source == "folder"
