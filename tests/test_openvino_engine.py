"""OpenVINO as the engine: TensorFlow's features, the same bytes always, and nothing phoned home."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from artifacts import PACKAGES, Convolutional, Unknown, saved_model
from imports import SRC

from transfer_learning import backbones
from transfer_learning.backbones import freeze
from transfer_learning.backbones.artifact import BackboneInfo
from transfer_learning.features import openvino_engine
from transfer_learning.features.engine import open_engine
from transfer_learning.photos import records
from transfer_learning.runtime import hardware, nvidia
from transfer_learning.runtime.tensorflow_quiet import tf

# Of the largest feature.
TOLERANCE = 1e-4


def photos(count: int, resolution: int) -> np.ndarray:
    shape = (count, resolution, resolution, 3)
    return np.random.default_rng(1).integers(0, 256, shape, np.uint8)


def in_tensorflow(folder: Path, pixels: np.ndarray) -> np.ndarray:
    return np.asarray(backbones.load(folder)(pixels.astype(np.float32) / 255))


def run(engine: openvino_engine.OpenVino, pixels: np.ndarray) -> np.ndarray:
    (features,) = engine.run([[image.tobytes() for image in pixels]])
    return features


def assert_same(found: np.ndarray, expected: np.ndarray) -> None:
    assert found.dtype == np.float32
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < TOLERANCE * np.abs(expected).max()


# Features


@pytest.mark.parametrize("network", PACKAGES)
def test_a_package_gives_the_features_of_tensorflow(
    network: str, package: Callable[[str], Path]
) -> None:
    folder = package(network)
    pixels = photos(3, PACKAGES[network].resolution)

    features = run(openvino_engine.OpenVino(folder), pixels)

    assert_same(features, in_tensorflow(folder, pixels))


def test_a_saved_model_gives_the_features_of_tensorflow(tmp_path: Path) -> None:
    folder = saved_model(Convolutional(), tmp_path, features=5)
    pixels = photos(3, 32)

    features = run(openvino_engine.OpenVino(folder), pixels)

    assert_same(features, in_tensorflow(folder, pixels))


# Bytes


def test_a_photo_has_the_same_features_in_every_batch_and_on_any_number_of_cores(
    package: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = package("mobilenet_v2")
    pixels = photos(openvino_engine.OpenVino.batch, 224)

    features = {}
    for cores in (1, 3):
        monkeypatch.setattr(hardware, "cores", lambda cores=cores: cores)
        engine = openvino_engine.OpenVino(folder)
        features[cores] = run(engine, pixels)
        alone = np.concatenate([run(engine, pixels[index:][:1]) for index in range(len(pixels))])
        assert alone.tobytes() == features[cores].tobytes()

    assert features[1].tobytes() == features[3].tobytes()


PROGRAM = """
import sys
from collections.abc import Callable
from pathlib import Path
from transfer_learning.features.engine import open_engine
from transfer_learning.photos import records
engine = open_engine(Path(sys.argv[1]), "float32")
features = engine.extract(records.shards(Path(sys.argv[2]), "test"), ("a", "b"), lambda n: None)
features.write(Path(sys.argv[3]))
assert engine.name == "openvino"
loaded = [name for name in sys.modules if "telemetry" in name or "tensorflow" in name]
assert not loaded, loaded
"""


def test_another_process_gives_the_same_bytes_without_tensorflow_and_telemetry(
    package: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = package("mobilenet_v2")
    records.write_shards(tmp_path, "test", as_records(photos(6, 224)), photos=6)
    here, there = tmp_path / "here.npz", tmp_path / "there.npz"

    engine = openvino_engine.OpenVino(folder)
    engine.extract(records.shards(tmp_path, "test"), ("a", "b"), print).write(here)
    command = [sys.executable, "-c", PROGRAM, folder, tmp_path, there]
    subprocess.run(command, check=True, env=os.environ | {"PYTHONPATH": str(SRC)})

    assert here.read_bytes() == there.read_bytes()


def as_records(pixels: np.ndarray) -> list[records.Record]:
    # The ids are out of alphabetical order, so that sorting would show.
    return [
        records.Record(f"{-index % len(pixels)}/ö.jpg", index % 2, image.tobytes())
        for index, image in enumerate(pixels)
    ]


def test_extraction_keeps_the_order_of_the_records_and_counts_each_photo_once(
    tmp_path: Path,
) -> None:
    folder = saved_model(Convolutional(), tmp_path / "artifact", features=5)
    count = 3 * openvino_engine.OpenVino.batch + 1
    pixels = photos(count, 32)
    records.write_shards(tmp_path, "test", as_records(pixels), photos=count)
    advanced: list[int] = []

    engine = openvino_engine.OpenVino(folder)
    features = engine.extract(records.shards(tmp_path, "test"), ("a", "b"), advanced.append)

    assert features.ids.tolist() == [f"{-index % count}/ö.jpg" for index in range(count)]
    assert features.labels.dtype == np.int64
    assert features.labels.tolist() == [index % 2 for index in range(count)]
    assert features.classes.tolist() == ["a", "b"]
    assert sum(advanced) == count
    assert_same(features.features, in_tensorflow(folder, pixels))


# Precision


def test_features_are_float32_unless_asked(
    package: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    engine = open_engine(package("mobilenet_v2"), "float32")

    assert (engine.name, engine.precision) == ("openvino", "float32")
    assert capsys.readouterr().out == ""


def test_the_precision_is_the_one_that_the_cpu_computes_in(
    package: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    # By its features, not by what the CPU claims: ONEDNN_MAX_CPU_ISA may hide its bfloat16.
    folder, pixels = package("mobilenet_v2"), photos(4, 224)

    engine = open_engine(folder, "bfloat16")

    # Where OpenVINO cannot run it so, TensorFlow does, in float32.
    in_float32 = not isinstance(engine, openvino_engine.OpenVino) or np.array_equal(
        run(engine, pixels), run(openvino_engine.OpenVino(folder), pixels)
    )
    assert engine.precision == ("float32" if in_float32 else "bfloat16")
    assert ("float32" in capsys.readouterr().out) == in_float32


# What OpenVINO cannot run


def test_tensorflow_runs_what_openvino_cannot(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = saved_model(Unknown(), tmp_path / "artifact", features=3)
    pixels = photos(5, 32)
    records.write_shards(tmp_path, "test", as_records(pixels), photos=5)

    freeze.prepare(folder, BackboneInfo.read(folder), backbones.load(folder))
    engine = open_engine(folder, "float32")
    features = engine.extract(records.shards(tmp_path, "test"), ("a", "b"), lambda count: None)

    assert (engine.name, engine.version) == ("tensorflow", tf.__version__)
    said = capsys.readouterr().out
    assert said.count("\n") == 1
    assert str(folder) in said
    assert "Digamma" in said
    assert_same(features.features, in_tensorflow(folder, pixels))


def test_an_artifact_that_promises_another_length_is_not_run(tmp_path: Path) -> None:
    folder = saved_model(Convolutional(), tmp_path, features=6)
    with pytest.raises(RuntimeError, match=r"\[4,5\], not \[4,6\]"):
        openvino_engine.OpenVino(folder)


# The GPU

CHOICE = """
import sys
from pathlib import Path
from transfer_learning.features.engine import open_engine
print(open_engine(Path(sys.argv[1]), "float32").name)
"""


def test_a_card_that_cannot_be_used_is_said_once_and_openvino_takes_its_place(
    tmp_path: Path,
) -> None:
    folder = saved_model(Convolutional(), tmp_path / "artifact", features=5)
    path = tmp_path / "nvidia-smi"
    path.write_text("#!/bin/sh\necho 'GPU 0: NVIDIA A10 (UUID: GPU-0123)'\n", encoding="utf-8")
    path.chmod(0o755)

    said, name = subprocess.run(
        [sys.executable, "-c", CHOICE, folder],
        env={"PATH": f"{tmp_path}{os.pathsep}/bin", "PYTHONPATH": str(SRC)},
        capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip

    assert said.startswith("the GPU is not used: NVIDIA A10: ")
    assert name == "openvino"


def test_a_card_that_can_be_used_takes_tensorflow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = saved_model(Convolutional(), tmp_path, features=5)
    monkeypatch.setattr(nvidia, "look", lambda: nvidia.Gpu(usable=True))

    engine = open_engine(folder, "float32")

    assert engine.name == "tensorflow"
    assert capsys.readouterr().out == ""
