"""What make check finds before any heavy work."""

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from transfer_learning.check import check
from transfer_learning.errors import UserError

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
        ({"dataset__source": "tfds"}, ["dataset.source", "tfds"]),
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
