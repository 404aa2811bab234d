"""Whole plants: a head with its stem and leaves."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from transfer_learning.sources.synthetic.flowers import daisy, dandelion, rose, sunflower, tulip
from transfer_learning.sources.synthetic.mesh import (
    Colour,
    Mesh,
    Rng,
    blades,
    coloured,
    outline,
    turn,
    turned,
)
from transfer_learning.sources.synthetic.portable_math import Array


@dataclass(frozen=True)
class Species:
    """How one class grows: its head, its usual tilts (degrees), its leaves and its stem."""

    name: str
    head: Callable[[Rng, int], list[Mesh]]
    tilts: tuple[float, float]
    leaf: tuple[float, float, float, int]  # width/length, outline a, outline b, teeth
    leaves_from_ground: bool
    stem: float  # width in head radii
    green: Colour


SPECIES: tuple[Species, ...] = (
    Species("dandelion", dandelion, (0, 68), (0.2, 0.8, 0.5, 7), True, 0.07, (0.3, 0.46, 0.14)),
    Species("daisy", daisy, (0, 68), (0.2, 1.0, 0.5, 0), True, 0.06, (0.26, 0.45, 0.15)),
    Species("tulips", tulip, (35, 100), (0.13, 0.5, 0.9, 0), True, 0.11, (0.34, 0.52, 0.3)),
    Species("sunflowers", sunflower, (0, 65), (0.75, 0.4, 0.8, 0), False, 0.12, (0.27, 0.45, 0.12)),
    Species("roses", rose, (0, 62), (0.5, 0.6, 0.7, 9), False, 0.09, (0.16, 0.34, 0.14)),
)


def leaf(
    rng: Rng, species: Species, base: tuple[float, float, float], angle: float, length: float
) -> Mesh:
    """One leaf in pixels: `base` (x, y, z), `angle` in the picture plane (radians)."""
    width, a, b, teeth = species.leaf
    t = np.linspace(0, 1, 2 * teeth + 2 if teeth else 8)
    half = 0.5 * width * length * outline(t, a, b)
    half[1::2] *= 0.6 if teeth == 7 else 0.88 if teeth else 1.0
    points = blades(
        np.array([angle]),
        np.array([rng.uniform(-0.5, 0.3)]),
        np.array([length]),
        half,
        start=0.0,
        curl=length * rng.uniform(-0.3, 0.1),
        cup=rng.uniform(0.2, 0.9),
    )
    # A leaf bends down under its own weight.
    points[..., 1] += length * rng.uniform(0.0, 0.25) * t[None, :, None] ** 2
    green = np.array(species.green) * rng.uniform(0.75, 1.2)
    return coloured(rng, points + np.array(base), green * 0.85, green * 1.1, 0.1)


def stem(rng: Rng, species: Species, head: Array, axis: Array, radius: float, foot: Array) -> Mesh:
    """A bent tube from under a head (pixels, [3]) to `foot`; `axis` is the head's, [3]."""
    t = np.linspace(0, 1, 8)[:, None]
    top, knee = head - 0.25 * radius * axis, head - 1.3 * radius * axis
    line = (1 - t) ** 2 * top + 2 * t * (1 - t) * knee + t**2 * foot
    way = np.gradient(line[:, :2], axis=0)
    normal = np.stack([-way[:, 1], way[:, 0]], axis=1)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-9
    half = radius * species.stem * rng.uniform(0.8, 1.2)
    s = np.linspace(-1, 1, 4)
    points = np.repeat(line[:, None, :], 4, axis=1)
    points[..., :2] += half * s[None, :, None] * normal[:, None, :]
    points[..., 2] += half * (1 - s**2)
    green = np.array(species.green) * rng.uniform(0.9, 1.2)
    return coloured(rng, points[None], green, green * 0.8, 0.06)


def plant(
    rng: Rng, label: int, centre: tuple[float, float], radius: float, floor: float
) -> list[Mesh]:
    """A flower with stem and leaves; all lengths and `floor` (the stem's end, y) in pixels."""
    species = SPECIES[label]
    low, high = species.tilts
    tilt = math.radians(rng.uniform(low, high) if rng.random() < 0.93 else rng.uniform(80, 115))
    rotation = turn(tilt, rng.normal(0, 0.35))
    spin = turn(0, rng.uniform(0, 2 * math.pi))
    both = turned(spin.T, rotation).T  # the spin first
    head = np.array([*centre, 0.0])
    detail = 1 if radius < 40 else 2 if radius < 110 else 3
    meshes = [
        Mesh(radius * turned(m.points, both) + head, m.colours) for m in species.head(rng, detail)
    ]
    axis = rotation[:, 2]
    foot = np.array([centre[0] + rng.normal(0, 0.8) * radius, floor, -radius])
    meshes.append(stem(rng, species, head, axis, radius, foot))
    for _ in range(int(rng.integers(0, 5))):
        share = 0.95 if species.leaves_from_ground else rng.uniform(0.25, 0.8)
        base = head * (1 - share) + foot * share
        aside = rng.choice([-1, 1]) * rng.uniform(0.15, 1.2)
        length = radius * rng.uniform(1.2, 2.2)
        if species.leaves_from_ground:
            length = min(length * 1.6, 0.9 * (floor - centre[1]) + radius)
        origin = (float(base[0]), float(base[1]), float(-radius * rng.uniform(0.8, 1.5)))
        meshes.append(leaf(rng, species, origin, aside - math.pi / 2, length))
    return meshes
