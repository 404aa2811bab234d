"""What is exported, read from the pipeline's artifacts: members, threshold, digests."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from exports import CLASSES, METRICS, described
from ruamel.yaml import YAML

from transfer_learning.config import params, paths
from transfer_learning.config.params import Params
from transfer_learning.export import gathering
from transfer_learning.features.features import Features
from transfer_learning.heads.head import Head
from transfer_learning.photos.dataset import SPLITS, DatasetInfo, PhotoList, SplitSummary

PRESET = Path(__file__).parents[1] / "presets/defaults.yaml"
# Of photos of one class each: the features are the classes themselves.
EXACT = Head(5 * np.eye(3, dtype=np.float32), np.zeros(3, np.float32), np.array(CLASSES))
# Takes the second class for the third, and is as sure of it.
MISTAKEN = Head(EXACT.kernel[[0, 2, 1]], EXACT.bias, EXACT.classes)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose competitor ``both`` has two members, selected and trained."""
    monkeypatch.chdir(tmp_path)
    for name, features in (("one", 1), ("two", 2)):
        paths.backbone(name).mkdir(parents=True)
        described(paths.backbone(name), "mobilenet_v2", 32 * features, features)
        (paths.backbone(name) / "weights.npz").write_bytes(name.encode())
    vectors = np.tile(np.eye(3, dtype=np.float32), (4, 1))
    for split in ("train", "valid"):
        Features(
            features=vectors,
            labels=vectors.argmax(axis=1),
            ids=np.array([f"{split} {index}" for index in range(len(vectors))]),
            classes=np.array(CLASSES),
        ).write(paths.features("both") / f"{split}.npz")
    EXACT.write(paths.SELECTED)
    (paths.SELECTED / "selected.json").write_text('{"name": "both", "reason": ""}')
    METRICS.write(paths.reports("both") / "metrics.json")
    splits = {name: SplitSummary("train", 3, 3, (1, 1, 1)) for name in SPLITS}
    DatasetInfo(
        source="folder",
        synthetic=False,
        classes=CLASSES,
        found=9,
        splits=splits,
        rejected=(),
        photos=PhotoList.of([]),
    ).write()
    return tmp_path


def settings(**train: object) -> Params:
    raw = YAML(typ="safe").load(PRESET)
    one = next(iter(raw["backbones"].values()))
    raw["backbones"] = dict.fromkeys(("two", "one"), one)
    raw["resolutions"] = [one["resolution"]]
    raw["joined"] = {"both": ["two", "one"]}
    raw["selected"] = "both"
    raw["train"] |= train
    return params.parse(raw)


def test_the_members_of_a_joined_competitor_are_in_the_order_of_their_features(
    project: Path,
) -> None:
    found = gathering.gather(settings())

    assert found.name == "both"
    assert list(found.parts.members) == ["two", "one"]
    assert [item.features for item in found.parts.described()] == [2, 1]
    assert found.parts.temperature == METRICS.temperature
    np.testing.assert_array_equal(found.parts.head.kernel, EXACT.kernel)


def test_a_refitted_head_has_the_threshold_of_the_head_before_the_refit(project: Path) -> None:
    MISTAKEN.write(paths.validated_model("both"))

    plain = gathering.gather(settings())
    refitted = gathering.gather(settings(head="logistic", refit=True))

    assert plain.threshold.share == 1
    # The head that has not seen the validation photos is wrong, and as sure as where it is right.
    assert refitted.threshold.share == 0
    np.testing.assert_array_equal(refitted.parts.head.kernel, EXACT.kernel)


def test_the_manifest_has_a_digest_of_everything(project: Path) -> None:
    found = gathering.gather(settings())
    folder = project / "data/export"
    (folder / "below").mkdir(parents=True)
    (folder / "below/file").write_bytes(b"file")

    first = gathering.manifest(found, folder)
    paths.backbone("one").joinpath("weights.npz").write_bytes(b"other")
    second = gathering.manifest(found, folder)

    assert first.files == {"below/file": hashlib.sha256(b"file").hexdigest()}
    assert set(first.made_of) == {
        "data/dataset/dataset.json",
        "data/dataset/photos.npz",
        "data/backbones/two/backbone.json",
        "data/backbones/two/weights.npz",
        "data/backbones/one/backbone.json",
        "data/backbones/one/weights.npz",
        "data/features/both/train.npz",
        "data/features/both/valid.npz",
        "data/selected/head.npz",
        "reports/both/metrics.json",
    }
    assert first.made_of["data/backbones/one/weights.npz"] == hashlib.sha256(b"one").hexdigest()
    assert first.revision != second.revision
    first.write(folder)
    assert json.loads((folder / "model.json").read_text())["metrics"]["accuracy"] == 0.9
