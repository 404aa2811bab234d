"""Networks in OpenVINO: reference features, what a module means, multiply-adds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from artifacts import (
    IMAGES,
    PACKAGES,
    Convolutional,
    Unknown,
    reference_features,
    reference_images,
    saved_model,
)

from transfer_learning import backbones
from transfer_learning.backbones import freeze, openvino_network
from transfer_learning.backbones.artifact import BackboneInfo
from transfer_learning.runtime.openvino_quiet import openvino
from transfer_learning.runtime.tensorflow_quiet import tf

# Of the largest feature.
TOLERANCE = 1e-4


def noise(count: int) -> np.ndarray:
    return np.random.default_rng(1).random((count, 32, 32, 3), np.float32)


def run(folder: Path, images: np.ndarray) -> np.ndarray:
    return openvino.Core().compile_model(
        openvino_network.read(folder, BackboneInfo.read(folder)), "CPU", openvino_network.FLOAT32
    )(images)[0]


def counted_in(folder: Path) -> int:
    return openvino_network.multiply_adds(folder, BackboneInfo.read(folder))


def assert_same(found: np.ndarray, expected: np.ndarray) -> None:
    assert found.dtype == np.float32
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < TOLERANCE * np.abs(expected).max()


@pytest.mark.parametrize("network", PACKAGES)
def test_a_network_reproduces_the_reference_features(
    network: str, package: Callable[[str], Path]
) -> None:
    features = run(package(network), reference_images(network))

    assert_same(features, reference_features(network))


class CallsOtherwise(tf.Module):
    """Its call is not its serving signature."""

    @tf.function(input_signature=[IMAGES])
    def __call__(self, images: Any) -> Any:
        return tf.reduce_mean(images, [1, 2])

    @tf.function(input_signature=[IMAGES])
    def serve(self, images: Any) -> Any:
        return tf.reduce_max(images, [1, 2])


class ServesTwo(CallsOtherwise):
    """Serves a function of two inputs."""

    @tf.function(input_signature=[IMAGES, IMAGES])
    def serve(self, images: Any, others: Any) -> Any:
        return tf.reduce_mean(images + others, [1, 2])


@pytest.mark.parametrize("serving", [CallsOtherwise, ServesTwo])
def test_a_module_that_serves_something_else_than_its_call_is_frozen(
    serving: type[CallsOtherwise], tmp_path: Path
) -> None:
    module = serving()
    folder = saved_model(module, tmp_path, features=3, signatures=module.serve)
    images = noise(3)

    freeze.prepare(folder, BackboneInfo.read(folder), backbones.load(folder))

    assert_same(run(folder, images), images.mean((1, 2)))


def test_a_module_that_serves_its_call_is_left_as_it_is(tmp_path: Path) -> None:
    folder = saved_model(Convolutional(), tmp_path, features=5)

    freeze.prepare(folder, BackboneInfo.read(folder), backbones.load(folder))

    assert sorted(path.name for path in folder.iterdir()) == ["backbone.json", "saved_model"]


# Multiply-adds


@pytest.mark.parametrize(
    ("network", "classifier", "millions"),
    [
        # Table 4 of the paper (arXiv:1801.04381): 300 million, its classifier of 1,000 included.
        pytest.param("mobilenet_v2", 1280 * 1000, 300.774272, id="mobilenet_v2"),
        pytest.param("efficientnet_lite0", 0, 383.907552, id="efficientnet_lite0"),
        pytest.param("efficientnet_lite2", 0, 858.456272, id="efficientnet_lite2"),
    ],
)
def test_multiply_adds_of_the_packages(
    network: str, classifier: int, millions: float, package: Callable[[str], Path]
) -> None:
    counted = counted_in(package(network))

    assert counted + classifier == round(millions * 1e6)


def test_multiply_adds_count_convolutions_and_products(tmp_path: Path) -> None:
    folder = saved_model(Convolutional(), tmp_path, features=5)

    counted = counted_in(folder)

    convolution = 16 * 16 * 4 * (3 * 3 * 3)
    depthwise = 16 * 16 * 4 * (5 * 5)
    product = 4 * 5
    assert counted == convolution + depthwise + product


def test_multiply_adds_of_a_network_that_openvino_cannot_read_are_0(tmp_path: Path) -> None:
    assert counted_in(saved_model(Unknown(), tmp_path, features=3)) == 0
