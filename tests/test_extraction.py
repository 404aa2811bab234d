"""The stage extract on few photos, what it writes, and what it does without."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from artifacts import IMAGES, saved_model
from imports import SRC

from transfer_learning.features.extraction import ExtractionInfo
from transfer_learning.features.features import Features
from transfer_learning.photos import records
from transfer_learning.photos.dataset import DatasetInfo, PhotoEntry, SplitSummary
from transfer_learning.runtime.errors import UserError
from transfer_learning.runtime.openvino_quiet import openvino
from transfer_learning.runtime.tensorflow_quiet import tf

PHOTOS = {"train": 6, "valid": 1, "test": 3}
PROJECT = SRC.parent


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, package: Callable[[str], Path]) -> Path:
    """A folder with what the stage reads: parameters, records and the artifact of MobileNetV2."""
    root = tmp_path_factory.mktemp("project")
    shutil.copy(PROJECT / "params.yaml", root)
    shutil.copytree(package("mobilenet_v2"), root / "data/backbones/mobilenet_v2")
    rng = np.random.default_rng(0)
    entries = []
    for split, count in PHOTOS.items():
        photos = [
            records.Record(f"{split}/{index}.jpg", index % 2, rng.bytes(224 * 224 * 3))
            for index in range(count)
        ]
        records.write_shards(root / "data/tfrecords/224", split, photos, photos=count)
        entries += [PhotoEntry(photo.id, photo.label, split, 9, 9) for photo in photos]
    DatasetInfo(
        source="folder",
        synthetic=False,
        classes=("daisy", "rose"),
        found=len(entries),
        splits={name: SplitSummary("", count, count, ()) for name, count in PHOTOS.items()},
        rejected=(),
        photos=tuple(entries),
    ).write(root / "data/dataset")
    return root


def extract(project: Path, program: str = "from stages import extract; extract.main()") -> str:
    """Run the stage in a process of its own; return its last line."""
    done = run_stage(project, program)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


def run_stage(project: Path, program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, "mobilenet_v2"],
        cwd=project,
        env=os.environ | {"PYTHONPATH": f"{SRC}{os.pathsep}{PROJECT}"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_stage_writes_the_features_and_with_what_they_were_computed(project: Path) -> None:
    said = extract(project)

    folder = project / "data/features/mobilenet_v2"
    files = {path.name for path in folder.iterdir()}
    assert files == {"train.npz", "valid.npz", "test.npz", "extraction.json"}
    for split, count in PHOTOS.items():
        features = Features.read(folder / f"{split}.npz")
        assert features.ids.tolist() == [f"{split}/{index}.jpg" for index in range(count)]
        assert features.features.shape == (count, 1280)
        assert features.classes.tolist() == ["daisy", "rose"]
    version = openvino.__version__.split("-")[0]
    assert ExtractionInfo.read(folder) == ExtractionInfo("openvino", version, "float32")
    assert said == (
        f"extract@mobilenet_v2: 10 photos, 1280 features each, float32 in openvino {version}"
    )


def test_the_stage_gives_the_same_bytes_again(project: Path) -> None:
    folder = project / "data/features/mobilenet_v2"
    extract(project)
    first = {path.name: path.read_bytes() for path in folder.iterdir()}
    shutil.rmtree(folder)

    extract(project)

    assert {path.name: path.read_bytes() for path in folder.iterdir()} == first


def test_the_stage_needs_no_tensorflow(project: Path) -> None:
    program = (
        "import sys; from stages import extract; extract.main();"
        "print([name for name in sys.modules if name.split('.')[0] in ('tensorflow', 'keras')])"
    )
    assert extract(project, program) == "[]"


def test_extraction_info_survives_its_file(tmp_path: Path) -> None:
    info = ExtractionInfo(engine="tensorflow", engine_version="2.21.0", precision="tensorfloat32")

    info.write(tmp_path)

    assert ExtractionInfo.read(tmp_path) == info
    keys = json.loads((tmp_path / "extraction.json").read_text())
    assert list(keys) == ["engine", "engine_version", "precision"]


def test_features_survive_their_file_and_equal_ones_give_equal_bytes(tmp_path: Path) -> None:
    features = Features(
        features=np.arange(6, dtype=np.float32).reshape(3, 2),
        labels=np.array([2, 0, 1]),
        ids=np.array(["b/ö.jpg", "a", "c"]),
        classes=np.array(["daisy", "rose", "tulip"]),
    )
    first, second = tmp_path / "a" / "test.npz", tmp_path / "b" / "test.npz"

    features.write(first)
    replace(features, features=features.features.copy()).write(second)

    read = Features.read(first)
    for name in ("features", "labels", "ids", "classes"):
        np.testing.assert_array_equal(getattr(read, name), getattr(features, name))
    assert first.read_bytes() == second.read_bytes()


class DividesByBrightness(tf.Module):
    """NaN of a black image."""

    @tf.function(input_signature=[IMAGES])
    def __call__(self, images):
        colours = tf.reduce_mean(images, [1, 2])
        return colours / tf.reduce_mean(colours, axis=1, keepdims=True)


BLACK, ORDINARY = bytes(32 * 32 * 3), bytes(range(256)) * 12
RUN = (
    "import sys; from stages import extract; from transfer_learning.runtime import cli;"
    "cli.run(extract.main)"
)
IN_TENSORFLOW = (
    "from transfer_learning.features import engine, tensorflow_engine;"
    "engine.OpenVino = lambda folder, precision, *, info, cores:"
    " tensorflow_engine.open_engine(folder, precision, device='CPU:0', info=info);" + RUN
)


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(RUN, id="openvino"),
        pytest.param(IN_TENSORFLOW, id="tensorflow", marks=pytest.mark.slow),
    ],
)
def test_features_that_are_not_finite_name_the_photo_and_leave_nothing(
    program: str, tmp_path: Path
) -> None:
    """The network divides by each image's brightness, so a black photo has no features."""
    text = (PROJECT / "params.yaml").read_text()
    (tmp_path / "params.yaml").write_text(text)
    saved_model(DividesByBrightness(), tmp_path / "data/backbones/mobilenet_v2", features=3)
    photos = [
        records.Record("test/dark.jpg", 0, BLACK),
        records.Record("test/day.jpg", 0, ORDINARY),
    ]
    entries, splits = [], {}
    for split, in_split in (("train", photos[1:]), ("valid", photos[1:]), ("test", photos)):
        records.write_shards(tmp_path / "data/tfrecords/32", split, in_split, photos=len(in_split))
        entries += [PhotoEntry(photo.id, 0, split, 9, 9) for photo in in_split]
        splits[split] = SplitSummary("", len(in_split), len(in_split), (len(in_split),))
    DatasetInfo(
        source="folder",
        synthetic=False,
        classes=("a",),
        found=len(entries),
        splits=splits,
        rejected=(),
        photos=tuple(entries),
    ).write(tmp_path / "data/dataset")

    done = run_stage(tmp_path, program)

    assert done.returncode == 1
    assert "backbones.mobilenet_v2" in done.stderr
    assert "not finite" in done.stderr
    assert "of 1 of 2 photos: test/dark.jpg;" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list((tmp_path / "data").glob("features/**/*.*"))


def test_features_that_are_not_finite_are_refused_where_they_are_read(tmp_path: Path) -> None:
    features = Features(
        features=np.array([[1, 2], [np.inf, 0]], np.float32),
        labels=np.array([0, 1]),
        ids=np.array(["a/1.jpg", "b/2.jpg"]),
        classes=np.array(["a", "b"]),
    )
    features.write(tmp_path / "train.npz")

    with pytest.raises(UserError) as caught:
        Features.read(tmp_path / "train.npz")

    assert str(tmp_path / "train.npz") in str(caught.value)
    assert "b/2.jpg" in str(caught.value)
    assert "a/1.jpg" not in str(caught.value)
