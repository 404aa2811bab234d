"""A network's last feature maps, and where it looked by a head's weights on them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from artifacts import reference_features, reference_images

from transfer_learning.backbones import last_maps, openvino_network
from transfer_learning.backbones.artifact import BackboneInfo
from transfer_learning.evaluation.feature_maps import FeatureMaps
from transfer_learning.heads.head import Head
from transfer_learning.runtime.openvino_quiet import openvino

ops = openvino.opset13
INFO = BackboneInfo("a test's", "openvino_file", 32, 5, 0, "", "", 0, 0)
HEAD = Head(
    kernel=np.array([[1, 0], [0, 1], [0, 0]], np.float32),
    bias=np.zeros(2, np.float32),
    classes=np.array(["a", "b"]),
)


def maps(**places: tuple[float, float, float]) -> FeatureMaps:
    """A photo of 2 × 2 parts with three features each."""
    parts = np.array(list(places.values()), np.float32).reshape(2, 2, 3)
    return FeatureMaps.of(["x.jpg"], [parts])


def test_the_part_that_speaks_most_for_the_predicted_class_is_9_and_what_is_against_it_0() -> None:
    found = maps(
        left=(6, 0, 3), right=(2, 0, 3), below_left=(0, 5, 3), below_right=(1, 1, 3)
    ).looked(HEAD, {"x.jpg": (0, 1)})

    assert found == {"x.jpg": "9300"}


def test_asked_the_other_way_round_the_other_parts_speak() -> None:
    both = maps(a=(6, 0, 3), b=(2, 0, 3), c=(0, 4, 3), d=(0, 2, 3))

    assert both.looked(HEAD, {"x.jpg": (1, 0)}) == {"x.jpg": "0094"}


def test_where_nothing_speaks_for_it_all_is_0() -> None:
    assert maps(a=(0, 0, 1), b=(0, 0, 1), c=(0, 0, 1), d=(0, 0, 1)).looked(
        HEAD, {"x.jpg": (0, 1)}
    ) == {"x.jpg": "0000"}


def test_a_photo_that_has_no_maps_is_left_out() -> None:
    assert maps(a=(1, 0, 0), b=(0, 0, 0), c=(0, 0, 0), d=(0, 0, 0)).looked(
        HEAD, {"y.jpg": (0, 1)}
    ) == {}  # fmt: skip
    assert FeatureMaps.of([], []).looked(HEAD, {"x.jpg": (0, 1)}) == {}


def test_maps_take_a_byte_for_a_number_and_are_read_back(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    photos = [rng.uniform(0, top, (7, 7, 16)).astype(np.float32) for top in (6, 0.01)]

    FeatureMaps.of(["a", "b"], photos).write(tmp_path / "B" / "test.npz")

    again = FeatureMaps.read(tmp_path / "B" / "test.npz")
    assert again.ids.tolist() == ["a", "b"]
    assert again.maps.dtype == np.uint8
    for kept, top, photo in zip(again.maps, again.largest, photos, strict=True):
        assert np.abs(kept * top / 255 - photo).max() <= top / 255


@pytest.mark.parametrize("name", ["mobilenet_v2", "efficientnet_lite2"])
def test_the_means_of_a_packages_maps_are_its_features(
    name: str, package: Callable[[str], Path]
) -> None:
    folder = package(name)
    info = BackboneInfo.read(folder)

    run = last_maps.load(folder, info)

    assert run is not None
    found = run(reference_images(name))
    side = -(-info.resolution // 32)
    assert found.shape == (4, side, side, info.features)
    np.testing.assert_allclose(found.mean(axis=(1, 2)), reference_features(name), atol=1e-3)


Node = Any
ENDS: dict[str, Callable[[Node], Node]] = {
    "means": lambda x: ops.reduce_mean(x, [2, 3]),
    "means, kept as they lie": lambda x: ops.squeeze(ops.reduce_mean(x, [2, 3], True), [2, 3]),
    "channels last": lambda x: ops.reduce_mean(ops.transpose(x, [0, 2, 3, 1]), [1, 2]),
    "largest": lambda x: ops.reduce_max(x, [2, 3]),
    "a layer after the means": lambda x: ops.matmul(
        ops.reduce_mean(x, [2, 3]), np.ones((5, 4), np.float32), False, False
    ),
    "means of channels": lambda x: ops.reduce_mean(ops.reshape(x, [0, 5, 64], True), [2]),
}


@pytest.mark.parametrize(("end", "known"), zip(ENDS, [True] * 3 + [False] * 3, strict=True))
def test_only_a_network_that_ends_in_means_has_maps(
    end: str, known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = ops.parameter([-1, 32, 32, 3], openvino.Type.f32)
    kernel = np.random.default_rng(0).random((5, 3, 4, 4), dtype=np.float32)
    x = ops.transpose(images, [0, 3, 1, 2])
    x = ops.convolution(x, kernel, [4, 4], [0, 0], [0, 0], [1, 1])
    model = openvino.Model([ENDS[end](x)], [images], "network")
    monkeypatch.setattr(openvino_network, "read", lambda *_: model)

    run = last_maps.load(Path("unused"), INFO)

    assert (run is not None) == known
    if run is not None:
        assert run(np.ones((2, 32, 32, 3), np.float32)).shape == (2, 8, 8, 5)


def test_a_network_that_openvino_cannot_read_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("no conversion rule")

    monkeypatch.setattr(openvino_network, "read", refuse)

    assert last_maps.load(Path("unused"), INFO) is None
