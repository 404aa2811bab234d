"""The portable functions agree with Python's ``math``, which is right within an ulp."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from transfer_learning.sources.synthetic.portable_math import arcsin, exp, log, power, sin_cos

RNG = np.random.default_rng(0)


def wanted(function: Callable[[float], float], x: np.ndarray) -> np.ndarray:
    return np.array([function(value) for value in x.tolist()])


def ulps(got: np.ndarray, want: np.ndarray) -> float:
    """The largest difference, in units of the last place of ``want``."""
    return float(np.max(np.abs(got - want) / np.spacing(np.abs(want))))


def angles() -> np.ndarray:
    quarters = np.arange(-500, 501) * math.pi / 2
    return np.concatenate([RNG.uniform(-8, 8, 5000), RNG.uniform(-1e5, 1e5, 5000), quarters])


def test_sine_and_cosine() -> None:
    x = angles()

    sine, cosine = sin_cos(x)

    np.testing.assert_allclose(sine, wanted(math.sin, x), rtol=0, atol=2**-52)
    np.testing.assert_allclose(cosine, wanted(math.cos, x), rtol=0, atol=2**-52)


def test_exp() -> None:
    x = np.concatenate([RNG.uniform(-700, 700, 5000), RNG.uniform(-3, 3, 5000), [0.0]])

    assert ulps(exp(x), wanted(math.exp, x)) <= 2


def test_log() -> None:
    x = np.concatenate(
        [10 ** RNG.uniform(-300, 300, 5000), 1 + RNG.uniform(-0.5, 0.5, 5000), [np.nextafter(1, 0)]]
    )

    assert ulps(log(x), wanted(math.log, x)) <= 2
    assert log(1.0) == 0


@pytest.mark.parametrize("exponent", [0.14, 0.5, 0.9, 1.2])
def test_power(exponent: float) -> None:
    x = RNG.uniform(0.01, 1.4, 5000)

    assert ulps(power(x, exponent), wanted(lambda value: value**exponent, x)) <= 12


def test_power_of_zero_is_zero() -> None:
    assert power(np.array([0.0, 1.0]), 0.8).tolist() == [0.0, 1.0]


def test_arcsin() -> None:
    x = np.append(RNG.uniform(-0.99, 0.99, 5000), [0.0, 0.99, -0.99])

    np.testing.assert_allclose(arcsin(x), wanted(math.asin, x), rtol=0, atol=2**-50)


def test_scalars_are_taken_too() -> None:
    sine, cosine = sin_cos(0.7)

    assert (float(sine), float(cosine)) == pytest.approx((math.sin(0.7), math.cos(0.7)))
    assert float(exp(-0.3)) == pytest.approx(math.exp(-0.3))
