"""Elementary functions that round alike on every x86-64 CPU.

The last digits of NumPy's exp, log, power, arcsin, tanh, … depend on the CPU's instructions. So
do those of sin and cos and of Python's `math`, which call the C library: it has variants with
fused multiply-add, and changes from version to version. BLAS, behind `@`, `dot` and `norm` of a
vector, sums in an order of its own on each CPU.

Only +, -, ×, ÷ and the square root have one right answer, and NumPy rounds after each of them.
So everything here is made of these: arguments are brought near 0, and Taylor's series does the
rest. Squares (`x**2`) and sums over short axes are safe as well.

Arguments are float64, arrays of any shape or scalars. An ulp is a unit in the last place.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

Array = np.ndarray

# π/2 and ln 2 as a double of 33 bits, whose products with small integers are exact, and a rest.
HALF_PI, HALF_PI_REST = float.fromhex("0x1.921fb544p+0"), float.fromhex("0x1.0b4611a626331p-34")
LN_2, LN_2_REST = float.fromhex("0x1.62e42feep-1"), float.fromhex("0x1.a39ef35793c76p-33")

# Enough terms that the next one is below half an ulp where the series is used.
_SIN = [(-1) ** k / math.factorial(2 * k + 1) for k in range(1, 9)]  # x^3, x^5, …; |x| < 0.79
_COS = [(-1) ** k / math.factorial(2 * k) for k in range(2, 10)]  # x^4, x^6, …; |x| < 0.79
_EXP = [1 / math.factorial(k) for k in range(2, 14)]  # x^2, x^3, …; |x| < 0.35
_ARTANH = [2 / (2 * k + 1) for k in range(1, 11)]  # 2 artanh(x) / x: x^2, x^4, …; |x| < 0.18


def sin_cos(x: Array | float) -> tuple[Array, Array]:
    """Sine and cosine of |x| < 10⁵ radians, each within 2⁻⁵² of the truth."""
    turns = np.rint(x * (2 / math.pi))
    r = (x - turns * HALF_PI) - turns * HALF_PI_REST
    z = r * r
    sine = r + r * z * _series(z, _SIN)
    cosine = 1 - (0.5 * z - z * z * _series(z, _COS))
    quadrant = turns.astype(np.int64) & 3
    odd = (quadrant & 1).astype(bool)
    sine, cosine = np.where(odd, cosine, sine), np.where(odd, sine, cosine)
    return (
        np.where(quadrant >= 2, -sine, sine),
        np.where((quadrant == 1) | (quadrant == 2), -cosine, cosine),
    )


def exp(x: Array | float) -> Array:
    """e^x for |x| < 700, within 1 ulp."""
    doublings = np.rint(x * (1 / math.log(2)))
    r = (x - doublings * LN_2) - doublings * LN_2_REST
    return np.ldexp(1 + (r + r * r * _series(r, _EXP)), doublings.astype(np.int32))


def log(x: Array | float) -> Array:
    """Natural logarithm of finite x > 0, within 1 ulp."""
    mantissa, exponent = np.frexp(x)
    low = mantissa < math.sqrt(0.5)
    f = np.where(low, 2 * mantissa, mantissa) - 1
    doublings = exponent - low.astype(np.int32)
    s = f / (2 + f)
    z = s * s
    half = 0.5 * f * f
    # 2 artanh(s) = log(1 + f), written so that f, its largest part, is not rounded.
    rest = half - (s * (half + z * _series(z, _ARTANH)) + doublings * LN_2_REST)
    return doublings * LN_2 - (rest - f)


def power(x: Array, exponent: float) -> Array:
    """x^exponent for x >= 0 and exponent > 0; within 1 + 2 |ln x^exponent| ulp."""
    positive = x > 0
    return np.where(positive, exp(exponent * log(np.where(positive, x, 1.0))), 0.0)


def arcsin(x: Array) -> Array:
    """Inverse sine of |x| <= 0.99, within 2⁻⁵⁰ of the truth; Newton's steps on `sin_cos`."""
    angle = np.copysign(math.pi / 2 - np.sqrt(2 - 2 * np.abs(x)), x)  # wrong by 0.16 at most
    for _ in range(4):
        sine, cosine = sin_cos(angle)
        angle = angle + (x - sine) / cosine
    return angle


def _series(x: Array, coefficients: Sequence[float]) -> Array:
    """c0 + c1 x + c2 x² + …"""
    total = coefficients[-1] * x + coefficients[-2]
    for coefficient in coefficients[-3::-1]:
        total = total * x + coefficient
    return total
