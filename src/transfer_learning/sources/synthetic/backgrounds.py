"""What stands behind the flowers: each background is drawn at a given (width, height)."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw

from transfer_learning.sources.synthetic.mesh import (
    Lamp,
    Rng,
    Tone,
    blades,
    coloured,
    outline,
    paint,
    pick,
)
from transfer_learning.sources.synthetic.noise import clouds
from transfer_learning.sources.synthetic.portable_math import Array, exp


def _rgb(tone: Tone) -> tuple[int, int, int]:
    """`tone` as Pillow's 8-bit colour."""
    red, green, blue = (int(255 * min(max(float(part), 0.0), 1.0)) for part in tone)
    return red, green, blue


def mixed(weight: Array, dark: Tone, light: Tone) -> Image.Image:
    """An RGB picture that runs from `dark` to `light` with `weight` [height, width]."""
    mask = Image.fromarray((255 * np.clip(weight, 0, 1)).astype(np.uint8))
    bright, plain = (Image.new("RGB", mask.size, _rgb(tone)) for tone in (light, dark))
    return Image.composite(bright, plain, mask)


def _sky(rng: Rng, size: tuple[int, int]) -> Image.Image:
    fall = np.linspace(-0.1, 0.5, size[1])[:, None]
    blue = pick(rng, [(0.25, 0.48, 0.8), (0.45, 0.62, 0.85), (0.6, 0.66, 0.72)])
    return mixed(fall + 0.6 * clouds(rng, size, (3, 3)) ** 2, blue, (0.93, 0.95, 0.97))


def _grass(rng: Rng, size: tuple[int, int]) -> Image.Image:
    green = pick(rng, [(0.3, 0.46, 0.14), (0.36, 0.5, 0.2), (0.45, 0.47, 0.2)])
    picture = mixed(clouds(rng, size, (5, 5)), green * 0.35, green * 0.9)
    draw = ImageDraw.Draw(picture)
    count = 160
    foot = rng.uniform(0, 1.15, (count, 2)) * size
    tip = foot + rng.normal(0, 0.07, (count, 2)) * size - [0, 0.2 * size[1]]
    width = 0.006 * size[0] * rng.uniform(0.5, 1.6, count)
    shade = green * rng.uniform(0.4, 1.5, (count, 1))
    fills = np.clip(255 * shade, 0, 255).astype(int).tolist()
    for f, t, w, fill in zip(foot, tip, width, fills, strict=True):
        draw.polygon([f[0] - w, f[1], f[0] + w, f[1], t[0], t[1]], fill=tuple(fill))
    return picture


def _soil(rng: Rng, size: tuple[int, int]) -> Image.Image:
    brown = pick(rng, [(0.42, 0.32, 0.23), (0.33, 0.26, 0.2), (0.5, 0.44, 0.36)])
    grain = 0.5 * clouds(rng, size, (5, 5)) + 0.5 * clouds(rng, size, (90, 70), 2)
    return mixed(1.6 * grain - 0.3, brown * 0.35, brown * 1.25)


def _bokeh(rng: Rng, size: tuple[int, int]) -> Image.Image:
    """Foliage far out of focus, with discs of light."""
    green = pick(rng, [(0.3, 0.5, 0.18), (0.2, 0.36, 0.2), (0.5, 0.52, 0.22), (0.4, 0.3, 0.2)])
    picture = mixed(1.5 * clouds(rng, size, (4, 3), 2) - 0.25, green * 0.3, green * 1.3)
    draw = ImageDraw.Draw(picture, "RGBA")
    for _ in range(int(rng.integers(0, 30))):
        x, y = rng.random(2) * size
        r = size[0] * rng.uniform(0.01, 0.08)
        fill = (255 * np.clip(green * 1.3 + rng.uniform(0, 0.4), 0, 1)).astype(int).tolist()
        draw.ellipse([x - r, y - r, x + r, y + r], fill=(*fill, int(rng.integers(30, 130))))
    return picture


def _leaves(rng: Rng, size: tuple[int, int]) -> Image.Image:
    """A hedge: many dark leaves on top of each other."""
    green = pick(rng, [(0.2, 0.36, 0.14), (0.26, 0.42, 0.18), (0.3, 0.36, 0.16)])
    picture = mixed(clouds(rng, size, (5, 5)), green * 0.2, green * 0.6)
    count, longest = 90, 0.22 * max(size)
    width = 0.25 * longest * rng.uniform(0.4, 1.2) * outline(np.linspace(0, 1, 6), 0.7, 0.8)
    points = blades(
        rng.uniform(0, 2 * math.pi, count),
        rng.uniform(-0.9, 0.9, count),
        longest * rng.uniform(0.4, 1.0, count),
        width,
        start=0.0,
        cup=0.5,
    )
    where = np.concatenate([rng.random((count, 2)) * size, rng.normal(0, 90, (count, 1))], axis=1)
    mesh = coloured(rng, points + where[:, None, None, :], green * 0.8, green * 1.1, 0.2)
    paint(ImageDraw.Draw(picture), [mesh], Lamp(np.array([0.3, -0.5, 0.81]), 0.35))
    return picture


def _wood(rng: Rng, size: tuple[int, int]) -> Image.Image:
    brown = pick(rng, [(0.6, 0.42, 0.27), (0.42, 0.28, 0.18), (0.72, 0.66, 0.58)])
    grain = 0.6 * clouds(rng, size, (3, 30)) + 0.4 * clouds(rng, size, (8, 90), 1)
    picture = mixed(grain * 1.2 - 0.1, brown * 0.6, brown * 1.15)
    draw, planks = ImageDraw.Draw(picture), int(rng.integers(3, 7))
    for y in np.linspace(0, size[1], planks + 1):
        draw.line([0, y, size[0], y], fill=(45, 32, 24), width=max(1, size[1] // 90))
    return picture


def _studio(rng: Rng, size: tuple[int, int]) -> Image.Image:
    x = np.linspace(-1, 1, size[0])[None, :] - rng.uniform(-0.6, 0.6)
    y = np.linspace(-1, 1, size[1])[:, None] - rng.uniform(-0.6, 0.6)
    glow = exp(-(x**2)) * exp(-(y**2))
    tone = pick(rng, [(0.16, 0.16, 0.18), (0.12, 0.16, 0.14), (0.22, 0.16, 0.16)])
    return mixed(glow, (0.02, 0.02, 0.03), tone)


def _wall(rng: Rng, size: tuple[int, int]) -> Image.Image:
    plaster = pick(
        rng, [(0.85, 0.83, 0.78), (0.62, 0.66, 0.7), (0.72, 0.52, 0.42), (0.75, 0.78, 0.7)]
    )
    rough = 0.7 * clouds(rng, size, (2, 2)) + 0.3 * clouds(rng, size, (50, 50), 1)
    return mixed(rough, plaster * 0.7, plaster * 1.1)


BACKGROUNDS: tuple[tuple[Callable[[Rng, tuple[int, int]], Image.Image], float], ...] = (
    (_bokeh, 0.28),
    (_leaves, 0.18),
    (_grass, 0.2),
    (_sky, 0.1),
    (_soil, 0.08),
    (_wall, 0.06),
    (_wood, 0.04),
    (_studio, 0.06),
)
