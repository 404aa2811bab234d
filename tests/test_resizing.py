"""Resizing without TensorFlow against TensorFlow's, byte by byte."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from transfer_learning.config.params import Preprocess
from transfer_learning.photos import resizing, tf_resizing

METHODS = get_args(Preprocess.model_fields["method"].annotation)
# Height, width, R: smaller, larger, odd, both at once, equal, one pixel, a line, many times R.
SHAPES = [
    (47, 61, 32),
    (275, 370, 224),
    (500, 333, 299),
    (33, 1000, 260),
    (224, 224, 224),
    (448, 448, 224),
    (1, 1, 32),
    (1, 300, 33),
    (700, 2, 96),
    (1201, 899, 64),
]


@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("method", METHODS)
def test_every_method_gives_the_bytes_of_tensorflow(method: str, antialias: bool) -> None:
    settings = Preprocess(method=method, antialias=antialias)
    rng = np.random.default_rng(0)
    for height, width, side in SHAPES:
        image = rng.integers(0, 256, (height, width, 3), np.uint8)

        found = resizing.resize(image, resolution=side, settings=settings)

        expected = tf_resizing.resize(image, resolution=side, settings=settings).numpy()
        assert found.dtype == np.uint8
        np.testing.assert_array_equal(found, expected, f"{height} x {width} to {side}")


def test_bilinear_gives_the_bytes_of_tensorflow_at_many_sizes() -> None:
    settings = Preprocess(method="bilinear", antialias=False)
    rng = np.random.default_rng(1)
    for _ in range(100):
        height, width = rng.integers(1, 700, 2)
        side = int(rng.integers(32, 400))
        image = rng.integers(0, 256, (height, width, 3), np.uint8)

        found = resizing.resize(image, resolution=side, settings=settings)

        expected = tf_resizing.resize(image, resolution=side, settings=settings).numpy()
        np.testing.assert_array_equal(found, expected, f"{height} x {width} to {side}")
