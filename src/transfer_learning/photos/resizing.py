"""Resizing as ``tf.image.resize`` does it, bit by bit, without TensorFlow.

The formulas are those of TensorFlow's CPU kernels (``tensorflow/core/kernels/image``:
``resize_bilinear_op``, ``resize_bicubic_op``, ``resize_area_op``, ``resize_nearest_neighbor_op``
and ``scale_and_translate_op``), in their order and in their float32, since another order of the
same sums gives other last bits, and those another level where a value lies between two.
``tests/test_resizing.py`` compares the pixels.
"""

from __future__ import annotations

import ctypes
import ctypes.util
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from transfer_learning.config.params import Preprocess

F = np.float32
# Of different sides of photos; a plan is a few kilobytes.
PLANS = 512
# New rows that are computed at a time.
BAND = 24
# TensorFlow looks bicubic weights up in a table of so many steps.
STEPS = 1024


def resize(image: np.ndarray, *, resolution: int, settings: Preprocess) -> np.ndarray:
    """Return uint8 [R, R, 3], what ``tf_resizing.resize`` makes of the same image.

    Args:
        image: uint8 [H, W, 3].
        resolution: R.
        settings: the method, and whether the photo is smoothed where it shrinks.
    """
    height, width = image.shape[:2]
    if settings.method == "nearest":
        at = [_nearest(side, resolution) for side in (height, width)]
        return np.ascontiguousarray(image[np.ix_(*at)])
    if settings.method == "bilinear" and not settings.antialias:
        return _bilinear(image, resolution)
    if settings.method == "area":
        return _area(image, resolution)
    plan = _bicubic if (settings.method, settings.antialias) == ("bicubic", False) else _spans
    rows, columns = (
        plan(side, resolution, settings.method, settings.antialias) for side in (height, width)
    )
    return _levels(columns.apply(rows.apply(image, axis=0), axis=1))


def _levels(values: np.ndarray) -> np.ndarray:
    """Return float32 values as uint8 levels; halves go to the even one."""
    return np.clip(np.rint(values, out=values), 0, 255, out=values).astype(np.uint8)


@lru_cache(PLANS)
def _centres(side: int, resolution: int) -> np.ndarray:
    """Return where each new pixel's centre lies, in pixels of the photo, float32 [R]."""
    return (np.arange(resolution, dtype=F) + F(0.5)) * (F(side) / F(resolution))


@lru_cache(PLANS)
def _nearest(side: int, resolution: int) -> np.ndarray:
    return np.minimum(np.floor(_centres(side, resolution)).astype(np.intp), side - 1)


@lru_cache(PLANS)
def _between(side: int, resolution: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the lower and upper neighbours intp [R], and how far from the lower float32 [R]."""
    at = _centres(side, resolution) - F(0.5)
    below = np.floor(at)
    lower = np.maximum(below, 0).astype(np.intp)
    upper = np.minimum(np.ceil(at), side - 1).astype(np.intp)
    return lower, upper, at - below


@lru_cache(PLANS)
def _bands(side: int, resolution: int) -> list[tuple[slice, np.ndarray, np.ndarray, np.ndarray]]:
    """Return new rows in bands: which, the old rows they need, and where among those each's are."""
    lower, upper, _ = _between(side, resolution)
    bands = []
    for start in range(0, resolution, BAND):
        band = slice(start, start + BAND)
        rows, at = np.unique(np.concatenate([lower[band], upper[band]]), return_inverse=True)
        top, bottom = np.split(at, 2)
        bands.append((band, rows, top, bottom))
    return bands


@lru_cache(PLANS)
def _across(side: int, resolution: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return ``_between`` for a row of bytes, three a pixel: [3 R] each."""
    left, right, along = _between(side, resolution)
    bytes_of = np.arange(3)
    return (
        (3 * left[:, None] + bytes_of).ravel(),
        (3 * right[:, None] + bytes_of).ravel(),
        np.repeat(along, 3),
    )


def _bilinear(image: np.ndarray, resolution: int) -> np.ndarray:
    height, width = image.shape[:2]
    lines = np.ascontiguousarray(image).reshape(height, -1)
    left, right, along = _across(width, resolution)
    down = _between(height, resolution)[2][:, None]
    found = np.empty((resolution, 3 * resolution), np.uint8)
    # In bands, which stay in a core's cache.
    for band, rows, top, bottom in _bands(height, resolution):
        old = lines.take(rows, axis=0)
        first = old.take(left, axis=1)
        across = np.subtract(old.take(right, axis=1), first, dtype=F)
        across *= along
        across += first
        upper, lower = across.take(top, axis=0), across.take(bottom, axis=0)
        lower -= upper
        lower *= down[band]
        lower += upper
        # Between two levels, so that none is to be cut off.
        found[band] = np.rint(lower, out=lower)
    return found.reshape(resolution, resolution, 3)


@dataclass(frozen=True)
class _Weights:
    """New pixels as sums of old ones, one after the other: ``at`` intp [K, R], ``by`` float32."""

    at: np.ndarray
    by: np.ndarray

    def apply(self, image: np.ndarray, *, axis: int) -> np.ndarray:
        """Return float32: ``axis``, 0 or 1, of the image [H, W, 3] has become R long."""
        shape = (-1, 1, 1) if axis == 0 else (1, -1, 1)
        total: np.ndarray | None = None
        for at, by in zip(self.at, self.by, strict=True):
            part = image.take(at, axis=axis).astype(F, copy=False) * by.reshape(shape)
            total = part if total is None else np.add(total, part, out=total)
        assert total is not None
        return total


def _area(image: np.ndarray, resolution: int) -> np.ndarray:
    height, width = (F(side) / F(resolution) for side in image.shape[:2])
    rows, columns = (_covered(side, resolution) for side in image.shape[:2])
    sums = rows.apply(columns.apply(image, axis=1), axis=0)
    return _levels(sums * F(1 / float(height * width)))


@lru_cache(PLANS)
def _covered(side: int, resolution: int) -> _Weights:
    """Return the share of each old pixel that a new one covers."""
    step = F(side) / F(resolution)
    edges = np.arange(resolution + 1).astype(F) * step
    begin, end = edges[:-1], edges[1:]
    first, stop = np.floor(begin).astype(np.int64), np.ceil(end).astype(np.int64)
    at, by = [], []
    for index in range(int((stop - first).max())):
        pixel = first + index
        low, high = pixel.astype(F), (pixel + 1).astype(F)
        inside = np.where(high > end, end - low, F(1))
        share = np.where(low < begin, np.where(high > end, step, high - begin), inside)
        by.append(np.where(pixel < stop, share, F(0)))
        at.append(np.clip(pixel, 0, side - 1))
    return _Weights(np.array(at), np.array(by, F))


@lru_cache(PLANS)
def _bicubic(side: int, resolution: int, _method: str, _antialias: bool) -> _Weights:
    """Return Keys's cubic convolution (1981) by TensorFlow's table, without the pixels outside."""
    at = _centres(side, resolution) - F(0.5)
    below = np.floor(at)
    step = np.rint((at - below) * F(STEPS)).astype(np.int64)
    near, far = _cubic_table()
    pixels = below.astype(np.int64) + np.arange(-1, 3)[:, None]
    by = np.stack([far[step], near[step], near[STEPS - step], far[STEPS - step]])
    by[(pixels < 0) | (pixels >= side)] = 0
    total = ((by[0] + by[1]) + by[2]) + by[3]
    return _Weights(np.clip(pixels, 0, side - 1), by * (F(1) / total))


@lru_cache
def _cubic_table() -> tuple[np.ndarray, np.ndarray]:
    """Return Keys's weights of distances of 0 to 1 pixel, and of 1 to 2, float32 [STEPS + 1]."""
    a = -0.5
    x = (np.arange(STEPS + 1) / STEPS).astype(F).astype(np.float64)
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    x = (x + 1).astype(F).astype(np.float64)
    far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return near.astype(F), far.astype(F)


@lru_cache(PLANS)
def _spans(side: int, resolution: int, method: str, antialias: bool) -> _Weights:
    """Return a kernel's weights, stretched where the photo shrinks and ``antialias`` is set."""
    radius, kernel = KERNELS[method]
    back = F(1 / float(F(resolution) / F(side)))
    stretch = max(back, F(1)) if antialias else F(1)
    reach, shrink = F(radius) * stretch, F(1) / stretch
    at = (np.arange(resolution, dtype=F) + F(0.5)) * back
    start = np.clip(np.ceil(at - reach - F(0.5)).astype(np.int64), 0, side - 1)
    stop = np.clip(np.floor(at + reach - F(0.5)).astype(np.int64), 0, side - 1) + 1
    pixels = start + np.arange(int((stop - start).max()))[:, None]
    by = kernel(np.abs((pixels.astype(F) + F(0.5) - at) * shrink))
    by[(pixels >= stop) | (at < 0) | (at > side)] = 0
    total = np.zeros(resolution, F)
    for row in by:
        total += row
    # TensorFlow's guard against sums that are all but zero.
    given = np.abs(total) >= F(1000) * np.finfo(F).tiny
    scale = np.divide(F(1), total, out=np.zeros_like(total), where=given)
    return _Weights(np.clip(pixels, 0, side - 1), by * scale)


def _triangle(x: np.ndarray) -> np.ndarray:
    return np.where(x < 1, F(1) - x, F(0))


def _keys(x: np.ndarray) -> np.ndarray:
    outer = ((F(-0.5) * x + F(2.5)) * x - F(4)) * x + F(2)
    inner = ((F(1.5) * x - F(2.5)) * x) * x + F(1)
    return np.where(x >= 2, F(0), np.where(x >= 1, outer, inner))


def _lanczos(radius: float) -> Callable[[np.ndarray], np.ndarray]:
    pi = F(3.14159265359)

    def kernel(x: np.ndarray) -> np.ndarray:
        near = x <= F(1e-3)
        safe = np.where(near, F(1), x)
        value = F(radius) * _sine(pi * safe) * _sine(pi * safe / F(radius))
        value = value / (pi * pi * safe * safe)
        return np.where(x > F(radius), F(0), np.where(near, F(1), value))

    return kernel


@lru_cache
def _c_sine() -> Callable[[float], float]:
    sinf = ctypes.CDLL(ctypes.util.find_library("m")).sinf
    sinf.argtypes, sinf.restype = [ctypes.c_float], ctypes.c_float
    return sinf


def _sine(x: np.ndarray) -> np.ndarray:
    """Return the sine as the system's C library rounds it to float32: TensorFlow asks that too."""
    sinf = _c_sine()
    return np.array([sinf(value) for value in x.ravel().tolist()], F).reshape(x.shape)


# Radius in pixels, and weight by distance.
KERNELS: dict[str, tuple[float, Callable[[np.ndarray], np.ndarray]]] = {
    "bilinear": (1, _triangle),
    "bicubic": (2, _keys),
    "lanczos3": (3, _lanczos(3)),
    "lanczos5": (5, _lanczos(5)),
}
