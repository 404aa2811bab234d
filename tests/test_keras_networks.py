"""Networks of keras.applications from a server on loopback: Keras's own download and cache."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import h5py
import hub_server
import keras
import numpy as np
import pytest
from hub_server import HubServer, cut, files, status, whole
from keras.src.applications import mobilenet_v3
from keras.src.backend import config
from keras.src.legacy.saving.legacy_h5_format import save_weights_to_hdf5_group

from transfer_learning import backbones
from transfer_learning.backbones import handles, openvino_network
from transfer_learning.backbones.artifact import BackboneInfo
from transfer_learning.backbones.fetch import fetch
from transfer_learning.backbones.kinds.keras_application import DEFAULT_SIZES
from transfer_learning.config.params import Backbone
from transfer_learning.runtime.errors import UserError

HANDLE = "keras:MobileNetV3Small"
FILE = "weights_mobilenet_v3_small_224_1.0_float_no_top_v2.h5"
SIDE = 32
IMAGES = np.random.default_rng(0).random((3, SIDE, SIDE, 3), np.float32)


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, np.ndarray]:
    """Return the file of random weights, as Keras publishes one, and their features of IMAGES."""
    keras.utils.set_random_seed(0)
    model = keras.applications.MobileNetV3Small(
        include_top=False, weights=None, input_shape=(SIDE, SIDE, 3), pooling="avg"
    )
    rng = np.random.default_rng(1)
    # New statistics, else the features of this deep network are all but 0.
    model.set_weights(
        [rng.uniform(0.5, 1.5, w.shape) if w.ndim == 1 else 3 * w for w in model.get_weights()]
    )
    path = tmp_path_factory.mktemp("weights") / FILE
    with h5py.File(path, "w") as file:
        save_weights_to_hdf5_group(file, model)
    # The network takes 0 to 255.
    return path.read_bytes(), np.asarray(model(IMAGES * 255, training=False))


@pytest.fixture
def server(
    weights: tuple[bytes, np.ndarray], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[HubServer]:
    """Publish the weights on loopback, and let Keras's cache be empty."""
    monkeypatch.setattr(config, "_KERAS_DIR", str(tmp_path / "keras"))
    (tmp_path / "keras").mkdir()
    digest = hashlib.sha256(weights[0]).hexdigest()
    monkeypatch.setitem(mobilenet_v3.WEIGHTS_HASHES, "small_224_1.0_float", (digest, digest))
    with hub_server.running() as server:
        monkeypatch.setattr(mobilenet_v3, "BASE_WEIGHT_PATH", f"{server.address}/")
        server.serve(f"/{FILE}", whole(weights[0]))
        yield server


def fetched(folder: Path, **keys: object) -> BackboneInfo:
    return fetch("mine", Backbone(handle=HANDLE, resolution=SIDE, **keys), folder)


def refusal(folder: Path, **keys: object) -> str:
    with pytest.raises(UserError) as caught:
        fetched(folder, **keys)
    assert not folder.exists()
    return str(caught.value)


@pytest.mark.slow
def test_a_network_of_keras_becomes_a_backbone(
    server: HubServer, weights: tuple[bytes, np.ndarray], tmp_path: Path
) -> None:
    info = fetched(tmp_path / "artifact")

    assert (info.network, info.features, info.parameters) == ("frozen_graph", 576, 939_120)
    assert info.multiply_adds > 0
    scale = np.abs(weights[1]).max()
    assert scale > 1e-3
    for load in (
        backbones.load(tmp_path / "artifact"),
        openvino_network.load(tmp_path / "artifact", info),
    ):
        found = np.asarray(load(IMAGES))
        assert found.dtype == np.float32
        assert np.abs(found - weights[1]).max() < 1e-4 * scale


@pytest.mark.slow
def test_the_same_bytes_again_and_from_the_cache_without_a_network(
    server: HubServer, tmp_path: Path
) -> None:
    info = fetched(tmp_path / "first")
    asked = len(server.requests)
    server.serve(f"/{FILE}", status(503))

    fetched(tmp_path / "second", sha256=info.sha256)

    assert files(tmp_path / "second") == files(tmp_path / "first")
    assert len(server.requests) == asked


@pytest.mark.parametrize("damage", ["other bytes", "cut", "not there"])
def test_weights_that_do_not_arrive_whole_are_refused(
    damage: str, server: HubServer, weights: tuple[bytes, np.ndarray], tmp_path: Path
) -> None:
    answers = {
        "other bytes": whole(weights[0][:-1] + b"?"),
        "cut": cut(weights[0], 1000),
        "not there": status(404),
    }
    server.serve(f"/{FILE}", answers[damage])

    said = refusal(tmp_path / "artifact")

    assert f"{HANDLE} could not be fetched" in said
    assert "KERAS_HOME" in said
    assert "backbones.mine.handle" in said


@pytest.mark.slow
def test_a_damaged_file_in_the_cache_is_fetched_anew(
    server: HubServer, weights: tuple[bytes, np.ndarray], tmp_path: Path
) -> None:
    cached = tmp_path / "keras" / "models" / FILE
    cached.parent.mkdir()
    cached.write_bytes(weights[0][:-1])

    fetched(tmp_path / "artifact")

    assert cached.read_bytes() == weights[0]
    assert server.requests == [f"/{FILE}"]


def test_weights_of_another_sha256_name_the_key(server: HubServer, tmp_path: Path) -> None:
    said = refusal(tmp_path / "artifact", sha256="0" * 64)
    assert f"params.yaml: backbones.mine.sha256 is {'0' * 64}" in said


def test_every_network_of_keras_is_known() -> None:
    published = {name for name in dir(keras.applications) if name[0].isupper()}
    assert set(DEFAULT_SIZES) == published


@pytest.mark.parametrize(
    ("handle", "suggested"),
    [
        ("keras:EfficientnetV2-S", "keras:EfficientNetV2S"),
        ("keras:mobilenetv2", "keras:MobileNetV2"),
        ("keras:", "ResNet50"),
    ],
)
def test_an_unknown_network_names_the_key_and_what_is_close(handle: str, suggested: str) -> None:
    with pytest.raises(UserError) as caught:
        handles.check_handle("mine", Backbone(handle=handle, resolution=224))
    assert f"params.yaml: backbones.mine.handle is {handle!r}" in str(caught.value)
    assert suggested in str(caught.value)


def test_images_too_small_for_a_network_name_the_key_and_its_size() -> None:
    handles.check_handle("mine", Backbone(handle="keras:InceptionV3", resolution=75))
    with pytest.raises(UserError) as caught:
        handles.check_handle("mine", Backbone(handle="keras:InceptionV3", resolution=74))
    assert "params.yaml: backbones.mine.resolution is 74" in str(caught.value)
    assert "at least 75" in str(caught.value)
    assert "299" in str(caught.value)
