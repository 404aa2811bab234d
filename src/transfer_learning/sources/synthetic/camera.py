"""What the photographer and the camera do: the shot, light, development, sensor and shake."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageChops

from transfer_learning.sources.synthetic.mesh import Lamp, Rng
from transfer_learning.sources.synthetic.noise import clouds
from transfer_learning.sources.synthetic.portable_math import exp, power

SHORTEST_SIDE, LONGEST_SIDE = 240, 500  # pixels
# The generator's table ends at 3.654; beyond it asks the C library for a logarithm, whose last
# digit depends on the library's version.
GRAIN_LIMIT = np.float32(3.65)


@dataclass(frozen=True)
class Shot:
    """What the photographer chose. `size` in pixels of the photo, blurs likewise."""

    size: tuple[int, int]
    lamp: Lamp
    background_blur: float
    focus_blur: float
    shake: int  # length of the motion blur in pixels, 0 for none
    backlit: bool


def take_shot(rng: Rng) -> Shot:
    """Choose size, light and blurs."""
    longest = int(rng.integers(330, LONGEST_SIDE + 1))
    shortest = max(SHORTEST_SIDE, int(longest * rng.uniform(0.62, 1.0)))
    size = (longest, shortest) if rng.random() < 0.65 else (shortest, longest)
    direction = np.array([rng.normal(0, 0.5), rng.uniform(-1, 0.1), rng.uniform(0.3, 1.0)])
    lamp = Lamp(direction / math.sqrt((direction**2).sum()), rng.uniform(0.45, 0.8))
    focus = rng.choice([0.0, 1.0, 2.0], p=[0.7, 0.19, 0.11]) * rng.uniform(0.6, 2.2)
    shake = int(rng.integers(5, 16)) if rng.random() < 0.1 else 0
    background = rng.choice([0.5, 2.5, 7.0], p=[0.25, 0.35, 0.4]) * rng.uniform(0.7, 1.5)
    return Shot(size, lamp, float(background), float(focus), shake, bool(rng.random() < 0.14))


def dappled(rng: Rng, photo: Image.Image) -> Image.Image:
    """Uneven light: soft patches, now and then hard shadows."""
    depth = rng.uniform(0.1, 0.35)
    cells = int(rng.integers(3, 7))
    light = clouds(rng, (photo.width // 4, photo.height // 4), (cells, cells))
    if rng.random() < 0.2:
        light, depth = 1 / (1 + exp(-14 * (light - 0.42))), rng.uniform(0.3, 0.6)
    mask = Image.fromarray((255 * np.clip(1 - depth + depth * light, 0, 1)).astype(np.uint8))
    mask = mask.resize(photo.size, Image.Resampling.BILINEAR)
    return ImageChops.multiply(photo, Image.merge("RGB", (mask, mask, mask)))


def developed(rng: Rng, photo: Image.Image) -> Image.Image:
    """Exposure, contrast, colour temperature, fading and, at times, sepia or grey."""
    look = int(rng.choice(4, p=[0.82, 0.06, 0.06, 0.06]))
    low, high = ((0.7, 1.0), (0.0, 0.25), (0.2, 0.6), (0.2, 0.6))[look]
    grey = photo.convert("L").convert("RGB")
    photo = Image.blend(grey, photo, rng.uniform(low, high))
    warmth = rng.normal(0.02, 0.045) + (0.14 if look == 2 else 0.0) - (0.14 if look == 3 else 0.0)
    exposure = exp(rng.normal(0.38, 0.22))
    gamma, lift = rng.uniform(0.8, 1.2), rng.uniform(0, 0.07)
    gains = np.array([1 + warmth, 1 + rng.normal(0, 0.025), 1 - 1.3 * warmth])
    light = np.clip(exposure * gains[:, None] * np.linspace(0, 1, 256), 0, 1.35)
    tone = lift + (1 - lift) * power(light, gamma)
    # A shoulder, 0.8 + 0.2 tanh(x), keeps bright petals from clipping flat.
    x = (tone - 0.8) / 0.25
    tone = np.where(tone > 0.8, 1 - 0.4 / (exp(2 * x) + 1), tone)
    table = np.clip(255 * tone, 0, 255).astype(int)
    return photo.point(table.ravel().tolist())


def sensor(rng: Rng, photo: Image.Image) -> Image.Image:
    """Vignetting and grain."""
    x = np.linspace(-1, 1, photo.width, dtype=np.float32)[None, :]
    y = np.linspace(-1, 1, photo.height, dtype=np.float32)[:, None]
    fall = 1 - np.float32(max(0.0, rng.normal(0.1, 0.1))) * (x**2 + y**2)
    grain = rng.standard_normal(fall.shape, dtype=np.float32)
    np.clip(grain, -GRAIN_LIMIT, GRAIN_LIMIT, out=grain)
    grain *= np.float32(rng.choice([2.0, 5.0, 12.0], p=[0.66, 0.26, 0.08]))
    pixels = np.array(photo, dtype=np.float32)
    pixels *= fall[..., None]
    pixels += grain[..., None]
    np.clip(pixels, 0, 255, out=pixels)
    return Image.fromarray(pixels.astype(np.uint8))


def shaken(photo: Image.Image, length: int) -> Image.Image:
    """Motion blur over `length` pixels along x and half as many along y."""
    steps = [
        ImageChops.offset(photo, i - length // 2, (i - length // 2) // 2) for i in range(length)
    ]
    total = steps[0]
    for i, step in enumerate(steps[1:], start=2):
        total = Image.blend(total, step, 1 / i)
    # `offset` wraps around, so the border is cut off.
    cut = length // 2 + 1
    inside = (cut, cut, photo.width - cut, photo.height - cut)
    return total.resize(photo.size, Image.Resampling.BILINEAR, box=inside)
