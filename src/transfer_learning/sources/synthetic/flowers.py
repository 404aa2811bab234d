"""The heads of the five kinds of flowers.

`detail` (1 to 3) is the fineness of a head's mesh.
"""

from __future__ import annotations

import math

import numpy as np

from transfer_learning.sources.synthetic.mesh import (
    GOLDEN_ANGLE,
    Colour,
    Mesh,
    Rng,
    blades,
    coloured,
    dome,
    outline,
    pick,
    ring,
    seeds,
    shells,
)
from transfer_learning.sources.synthetic.portable_math import Array, arcsin, power, sin_cos


def _bracts(rng: Rng, count: int, length: float, rise: float, colour: Colour) -> Mesh:
    """The green leaflets under a head."""
    width = length * 0.22 * outline(np.linspace(0, 1, 4), 0.3, 0.8)
    sizes = length * rng.uniform(0.8, 1.1, count)
    points = blades(ring(rng, count, 0.1), np.full(count, rise), sizes, width, start=0.05)
    points[..., 2] -= 0.12
    return coloured(rng, points, colour, np.array(colour) * 1.1)


def dandelion(rng: Rng, detail: int) -> list[Mesh]:
    """A dense yellow head, or (one time in three) a white globe of seeds."""
    if rng.random() < 0.36:
        return _seed_globe(rng, detail)
    count = 60 + 60 * detail
    inner = np.linspace(1, 0, count)  # 0 at the rim, 1 in the middle
    openness = rng.uniform(0.0, 0.5) if rng.random() < 0.8 else rng.uniform(0.7, 1.0)
    rise = openness + (1.35 - openness) * inner + rng.normal(0, 0.07, count)
    length = (0.95 - 0.45 * inner) * rng.uniform(0.85, 1.08, count)
    azimuth = np.arange(count) * GOLDEN_ANGLE + rng.normal(0, 0.1, count)
    width = 0.05 * np.array([0.6, 1.0, 1.0])
    points = blades(azimuth, rise, length, width, start=0.03, curl=-0.06, columns=2)
    deep = pick(rng, [(0.93, 0.62, 0.02), (0.90, 0.66, 0.05)])
    florets = coloured(rng, points, deep * 0.85, np.clip(deep * 1.06 + [0, 0.14, 0], 0, 1), 0.07)
    green = (0.35, 0.48, 0.2)
    return [florets, _bracts(rng, 12, 0.55, rng.uniform(-1.2, 0.9), green)]


def _seed_globe(rng: Rng, detail: int) -> list[Mesh]:
    """White parachutes on a sphere around a small brown core; some may have flown."""
    count = 40 + 45 * detail
    k = np.arange(count, dtype=np.float64) + 0.5
    up = 1 - 1.85 * k / count
    kept: Array = np.ones(count, dtype=bool)
    if rng.random() < 0.25:
        kept = (k * GOLDEN_ANGLE) % (2 * math.pi) > rng.uniform(0.8, 3.0)
    azimuth: Array = (k * GOLDEN_ANGLE)[kept]
    rise = arcsin(up[kept])
    stalks = blades(azimuth, rise, np.full(len(rise), 0.8), np.full(2, 0.007), start=0.0, columns=2)
    centre = stalks[:, -1].mean(axis=1)  # [P, 3], where the hairs spread from
    rays = 4 + 2 * detail
    spread = rng.uniform(0, 2 * math.pi, (len(rise), 1)) + ring(rng, rays, 0.1)
    outward = centre / np.linalg.norm(centre, axis=1, keepdims=True)
    side = np.cross(outward, [0.31, 0.52, 0.79])
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    third = np.cross(outward, side)
    sin, cos = sin_cos(spread)
    way = cos[..., None] * side[:, None] + sin[..., None] * third[:, None]
    tips = centre[:, None] + 0.22 * way + 0.12 * outward[:, None]
    thin = 0.009 * np.cross(way, outward[:, None])
    root = np.broadcast_to(centre[:, None], tips.shape)
    hairs = np.stack([root - thin, root + thin, tips - thin, tips + thin], axis=2)
    white = pick(rng, [(0.92, 0.92, 0.9), (0.82, 0.84, 0.86)])
    core = dome(0.13, 0.14, 4, 9)
    return [
        coloured(rng, hairs.reshape(-1, 2, 2, 3), white * 0.9, white, 0.06),
        coloured(rng, stalks, (0.55, 0.5, 0.42), white * 0.8),
        coloured(rng, core, (0.3, 0.24, 0.15), (0.45, 0.36, 0.22)),
    ]


def daisy(rng: Rng, detail: int) -> list[Mesh]:
    """White rays around a yellow disc."""
    count = int(rng.integers(13, 32))
    rise = rng.uniform(-0.5, 0.5) if rng.random() < 0.8 else rng.uniform(0.7, 1.1)
    half = rng.uniform(1.5, 2.6) / count * outline(np.linspace(0, 1, 4 + detail), 0.45, 0.28)
    half[-1] = 0.35 * half.max()
    length = rng.uniform(0.7, 0.78) * rng.uniform(0.88, 1.05, count)
    tilts = rise + rng.normal(0, 0.09, count)
    points = blades(
        ring(rng, count, 0.16), tilts, length, half, start=0.22, curl=rng.uniform(-0.3, 0.15)
    )
    points[..., 2] += rng.uniform(-0.03, 0.03, (count, 1, 1))  # overlapping rays need an order
    white = pick(rng, [(0.96, 0.96, 0.95), (0.93, 0.91, 0.88), (0.95, 0.9, 0.93)])
    yellow = pick(rng, [(0.95, 0.76, 0.1), (0.9, 0.66, 0.05), (0.85, 0.75, 0.2)])
    radius, height = rng.uniform(0.22, 0.34), rng.uniform(0.08, 0.25)
    dots = seeds(20 + 30 * detail, radius * 0.97, height, 0.026)
    return [
        coloured(rng, points, white * [0.86, 0.88, 0.82], white, 0.04),
        coloured(rng, dome(radius, height, 4, 13), yellow * 0.75, yellow * 0.95),
        coloured(rng, dots, yellow, np.clip(yellow * 1.1, 0, 1), 0.12),
        _bracts(rng, 11, 0.36, -0.1, (0.3, 0.45, 0.2)),
    ]


def sunflower(rng: Rng, detail: int) -> list[Mesh]:
    """A wide brown disc of spiral seeds within pointed yellow rays."""
    count = int(rng.integers(18, 34))
    rise = rng.uniform(-0.35, 0.6) if rng.random() < 0.8 else rng.uniform(0.8, 1.25)
    radius = rng.uniform(0.38, 0.58)
    half = rng.uniform(2.2, 3.4) / count * outline(np.linspace(0, 1, 5 + detail), 0.6, 0.8)
    gold = pick(rng, [(0.98, 0.76, 0.05), (0.96, 0.66, 0.04), (0.97, 0.82, 0.15)])
    meshes = []
    for layer in range(2):
        length = (1.02 - radius) * rng.uniform(0.8, 1.1, count)
        tilts = rise + 0.15 * layer + rng.normal(0, 0.14, count)
        turned = ring(rng, count, 0.15) + layer * math.pi / count
        points = blades(turned, tilts, length, half, start=radius * 0.85, curl=-0.1, cup=0.4)
        points[..., 2] += rng.uniform(-0.05, 0.05, (count, 1, 1)) + 0.05 * layer
        meshes.append(coloured(rng, points, gold * [0.88, 0.7, 0.6], gold, 0.08))
    brown = pick(rng, [(0.3, 0.18, 0.08), (0.22, 0.13, 0.07), (0.36, 0.26, 0.1)])
    heart = pick(rng, [(0.4, 0.42, 0.12), (0.25, 0.15, 0.07), (0.5, 0.36, 0.12)])
    height = rng.uniform(0.03, 0.18)
    dots = seeds(60 + 75 * detail, radius, height, radius * 0.06)
    dots[..., 2] += 0.06
    t = np.linspace(0, 1, len(dots))[:, None, None, None]
    dot_colours = coloured(rng, dots, heart, heart, 0.25).colours * (1 - t) + 1.5 * brown * t
    cap = dome(radius, height, 5, 17)
    cap[..., 2] += 0.06
    return [
        *meshes,
        coloured(rng, cap, brown * 0.8, heart * 0.7),
        Mesh(dots, dot_colours * (1 + 0.25 * rng.standard_normal((len(dots), 1, 1, 1)))),
        _bracts(rng, 16, radius + 0.35, -0.05, (0.32, 0.46, 0.16)),
    ]


SHARED_HUES: tuple[Colour, ...] = (
    (0.78, 0.06, 0.1),
    (0.93, 0.5, 0.62),
    (0.95, 0.8, 0.2),
    (0.94, 0.93, 0.88),
    (0.95, 0.55, 0.3),
    (0.7, 0.12, 0.4),
)
TULIP_HUES: tuple[Colour, ...] = (*SHARED_HUES, (0.45, 0.15, 0.5), (0.95, 0.42, 0.1))
ROSE_HUES: tuple[Colour, ...] = (*SHARED_HUES, (0.96, 0.74, 0.6), (0.5, 0.02, 0.08))


def tulip(rng: Rng, detail: int) -> list[Mesh]:
    """A cup of two whorls of petals."""
    hue, rows = pick(rng, TULIP_HUES), 4 + 2 * detail
    edge = np.clip(hue * 1.1 + 0.06, 0, 1) if rng.random() < 0.7 else pick(rng, TULIP_HUES)
    t = np.linspace(0, 1, rows)
    flare = rng.uniform(-0.25, 0.12) if rng.random() < 0.75 else rng.uniform(0.2, 0.7)
    tall = rng.uniform(1.2, 1.75)
    meshes = []
    for layer, scale in enumerate((0.9, 1.0)):
        azimuth = ring(rng, 3, 0.05) + layer * math.pi / 3 + rng.uniform(0, 0.3)
        belly, _ = sin_cos(np.pi * np.minimum(t * 0.8, 0.5))
        radius = scale * (0.62 * belly + flare * t**2)
        half = rng.uniform(0.95, 1.2) * outline(t * 0.985 + 0.01, 0.25, 0.45)
        height = tall * t * rng.uniform(0.92, 1.06, (3, 1)) - 0.6
        size = (3, rows)
        wide, round_ = np.broadcast_to(half, size), np.broadcast_to(radius, size)
        points = shells(azimuth, wide, round_, height, columns=3 + 2 * detail)
        meshes.append(coloured(rng, points, hue * (0.75 + 0.1 * layer), edge, 0.07))
    stamens = blades(
        ring(rng, 6, 0.1), np.full(6, 1.2), np.full(6, 0.6), np.full(2, 0.04), start=0.02
    )
    stamens[..., 2] -= 0.55
    return [*meshes, coloured(rng, stamens, (0.75, 0.75, 0.3), (0.2, 0.15, 0.1))]


def rose(rng: Rng, detail: int) -> list[Mesh]:
    """A spiral of shells, tight inside and flared at the rim."""
    hue, rows = pick(rng, ROSE_HUES), 3 + 2 * detail
    bud = rng.random() < 0.12
    count = int(rng.integers(8, 13) if bud else rng.integers(16, 30))
    k = np.linspace(0.06, 1, count)[:, None]  # 0 in the middle, 1 outermost
    t = np.linspace(0, 1, rows)[None, :]
    openness = rng.uniform(0.0, 0.15) if bud else rng.uniform(0.3, 0.75)
    belly, _ = sin_cos(np.pi * t)
    radius = power(k, 0.9) * (0.45 + 0.15 * belly + openness * k * t**2)
    height = (0.95 - 0.5 * openness * k**2) * (t - 0.35 * openness * k**2 * t * t**2) - 0.5
    half = (1.5 - 0.75 * k) * (0.55 + 0.45 * outline(t * 0.9 + 0.05, 0.4, 0.2))
    azimuth = np.arange(count) * GOLDEN_ANGLE + rng.normal(0, 0.15, count)
    wobble = rng.normal(1, 0.04, (count, 1))
    height *= rng.normal(1, 0.04, (count, 1))
    points = shells(azimuth, half, radius * wobble, height, columns=3 + 2 * detail)
    edge = np.clip(hue * 1.12 + 0.07, 0, 1)
    petals = coloured(rng, points, hue * 0.45, edge, 0.04)
    # Little light falls between the inner petals.
    petals = Mesh(petals.points, petals.colours * (0.72 + 0.28 * k[:, :, None, None]))
    sepals = _bracts(rng, 5, 0.85, rng.uniform(-0.5, 0.7), (0.28, 0.42, 0.18))
    sepals.points[..., 2] -= 0.45
    # Without a heart one would see the stem between the petals.
    heart = coloured(rng, dome(0.5, 0.3, 4, 13) - [0, 0, 0.4], hue * 0.3, hue * 0.4)
    return [petals, heart, sepals]
