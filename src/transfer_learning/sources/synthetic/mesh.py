"""Curved patches in 3-D, their colours, and how they are painted.

A mesh is a batch of patches (petals, discs, leaves, stems). Each patch is cut into quads, shaded
by one lamp, sorted by depth and filled far to near.

Axes: x to the right, y down, z towards the viewer. A flower's own axis is z, its radius about 1.
Colours are RGB floats in [0, 1].
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import ImageDraw

from transfer_learning.sources.synthetic.portable_math import Array, exp, log, sin_cos

Rng = np.random.Generator
Colour = tuple[float, float, float]
Tone = Sequence[float] | Array  # one colour, [3]

GOLDEN_ANGLE = math.pi * (3 - math.sqrt(5))


@dataclass(frozen=True)
class Mesh:
    """P patches of R rows by C columns: points and colours, both float64 [P, R, C, 3]."""

    points: Array
    colours: Array


@dataclass(frozen=True)
class Lamp:
    """One distant lamp: its unit direction [3] and the share of light that has no direction."""

    direction: Array
    ambient: float


def outline(t: Array, a: float, b: float) -> Array:
    """Half-widths t^a (1-t)^b along a petal, scaled to a maximum of 1; same shape as `t`."""
    peak = a / (a + b)
    inside = (t > 0) & (t < 1)
    up, down = log(np.stack([np.append(t[inside], peak), np.append(1 - t[inside], 1 - peak)]))
    levels = a * up + b * down
    widths = np.zeros(t.shape)
    widths[inside] = exp(levels[:-1] - levels[-1])
    return widths


def blades(
    azimuth: Array,
    elevation: Array,
    length: Array,
    half_width: Array,
    *,
    start: float,
    curl: float = 0.0,
    cup: float = 0.0,
    columns: int = 3,
) -> Array:
    """Petals that radiate from the z axis.

    Args:
        azimuth, elevation (radians), length: float64 [P], one per petal.
        half_width: float64 [R], from the base to the tip.
        start: distance of the base from the axis.
        curl: how far the tips bend towards +z; cup: how far the edges do.
        columns: C, points across a petal.

    Returns:
        float64 [P, R, C, 3].
    """
    t = np.linspace(0, 1, len(half_width))[None, :, None]
    s = np.linspace(-1, 1, columns)[None, None, :]
    angle, rise, size = (v[:, None, None] for v in (azimuth, elevation, length))
    across = s * half_width[None, :, None] + 0 * size
    (sin, sin_rise), (cos, cos_rise) = sin_cos(np.stack([angle, rise]))
    along = start + size * t * cos_rise + 0 * across
    z = size * t * sin_rise + curl * t**2 + cup * across**2 / max(half_width.max(), 1e-6)
    x = along * cos - across * sin
    y = along * sin + across * cos
    return np.stack([x, y, z], axis=-1)


def shells(
    azimuth: Array, half_angle: Array, radius: Array, height: Array, columns: int = 5
) -> Array:
    """Petals that wrap around the z axis.

    `azimuth` [P]; `half_angle` (radians), `radius` and `height` [P, R], from base to tip.
    Returns float64 [P, R, C, 3].
    """
    s = np.linspace(-1, 1, columns)
    sin, cos = sin_cos(azimuth[:, None, None] + half_angle[..., None] * s)
    # The rim's corners lie a little lower and further out than its middle.
    r = radius[..., None] * (1 + 0.06 * s**2)
    z = height[..., None] - 0.12 * height[..., None] * s**2
    return np.stack([r * cos, r * sin, z], axis=-1)


def dome(radius: float, height: float, rows: int, columns: int) -> Array:
    """A round cap on the xy plane, float64 [1, R, C, 3]."""
    r = np.linspace(1, 0, rows)[:, None]
    sin, cos = sin_cos(np.linspace(0, 2 * math.pi, columns)[None, :])
    z = height * (1 - r**2) + 0 * sin
    return np.stack([radius * r * cos, radius * r * sin, z], axis=-1)[None]


def seeds(count: int, radius: float, height: float, size: float) -> Array:
    """Small squares on a dome in a phyllotaxis spiral, float64 [count, 2, 2, 3]."""
    k = np.arange(count, dtype=np.float64) + 0.5
    r = np.sqrt(k / count)
    sin, cos = sin_cos(k * GOLDEN_ANGLE)
    centre = np.stack([radius * r * cos, radius * r * sin], axis=-1)
    corners = size * np.array([[[-1, 0], [0, -1]], [[0, 1], [1, 0]]], dtype=np.float64)
    xy = centre[:, None, None, :] + corners
    z = np.broadcast_to((height * (1 - r**2) + 0.02)[:, None, None, None], (*xy.shape[:3], 1))
    return np.concatenate([xy, z], axis=-1)


def turn(tilt: float, roll: float) -> Array:
    """Rotation [3, 3] that tips the z axis up by `tilt`, then rolls the picture (radians)."""
    (st, sr), (ct, cr) = sin_cos(np.array([tilt, roll]))
    return np.array([[cr, -sr * ct, sr * st], [sr, cr * ct, -cr * st], [0, st, ct]])


def turned(points: Array, rotation: Array) -> Array:
    """`points` [..., 3] after `rotation` [3, 3]; sums of products, as `@` is not portable."""
    x, y, z = points[..., 0], points[..., 1], points[..., 2]
    return np.stack([x * a + y * b + z * c for a, b, c in rotation], axis=-1)


def pick(rng: Rng, colours: Sequence[Colour]) -> Array:
    """One of `colours`, shifted a little; float64 [3]."""
    return np.clip(
        np.array(colours[int(rng.integers(len(colours)))]) + rng.normal(0, 0.03, 3), 0, 1
    )


def ring(rng: Rng, count: int, jitter: float) -> Array:
    """Angles of `count` petals around a circle, float64 [count], radians."""
    return (np.arange(count) + jitter * rng.standard_normal(count)) * 2 * math.pi / count


def coloured(rng: Rng, points: Array, base: Tone, tip: Tone, vary: float = 0.08) -> Mesh:
    """Colour patches from `base` to `tip` along their rows, each a little lighter or darker."""
    count, rows, columns, _ = points.shape
    t = np.linspace(0, 1, rows)[None, :, None, None]
    colours = np.asarray(base) * (1 - t) + np.asarray(tip) * t
    light = 1 + vary * rng.standard_normal((count, 1, 1, 1))
    veins = 1 + 0.5 * vary * rng.standard_normal((count, 1, columns, 1))
    return Mesh(points, colours * light * veins)


def paint(draw: ImageDraw.ImageDraw, meshes: Sequence[Mesh], lamp: Lamp) -> None:
    """Fill the quads of `meshes` (points in pixels of the canvas), far ones first."""
    corners, fills = [], []
    for mesh in meshes:
        p, c = mesh.points, mesh.colours
        around = (p[:, :-1, :-1], p[:, :-1, 1:], p[:, 1:, 1:], p[:, 1:, :-1])
        corners.append(np.stack(around, axis=3).reshape(-1, 4, 3))
        fills.append(((c[:, :-1, :-1] + c[:, 1:, 1:]) / 2).reshape(-1, 3))
    quads, colour = np.concatenate(corners), np.concatenate(fills)
    normal = np.cross(quads[:, 2] - quads[:, 0], quads[:, 3] - quads[:, 1])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-9
    # Petals let light through, hence the absolute value.
    facing = np.abs((normal * lamp.direction).sum(axis=1))
    light = lamp.ambient + (1 - lamp.ambient) * facing
    red, green, blue = np.clip(255 * colour * light[:, None], 0, 255).astype(np.int64).T
    inks = red | green << 8 | blue << 16  # Pillow's form of a colour as one number
    order = np.argsort(quads[:, :, 2].mean(axis=1), kind="stable")
    outlines = quads[order, :, :2].reshape(-1, 8).tolist()
    for xy, ink in zip(outlines, inks[order].tolist(), strict=True):
        draw.polygon(xy, fill=ink)
