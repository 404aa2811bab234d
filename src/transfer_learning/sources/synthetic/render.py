"""One photo: a background, flowers before it, and a camera.

The drawing is made at twice the photo's size, then reduced.
"""

from __future__ import annotations

import io
import math

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from transfer_learning.sources.synthetic import camera
from transfer_learning.sources.synthetic.backgrounds import BACKGROUNDS
from transfer_learning.sources.synthetic.mesh import (
    Lamp,
    Mesh,
    Rng,
    blades,
    coloured,
    outline,
    paint,
    pick,
)
from transfer_learning.sources.synthetic.plants import SPECIES, plant
from transfer_learning.sources.synthetic.portable_math import sin_cos

CLASSES: tuple[str, ...] = tuple(species.name for species in SPECIES)

OVERSAMPLING = 2


def _backdrop(rng: Rng, label: int, shot: camera.Shot) -> Image.Image:
    """The background at twice the photo's size, flowers out of focus included."""
    # Blurring a small picture and enlarging it is cheap and looks the same.
    shrink = 1 if shot.background_blur < 1.5 else 2 if shot.background_blur < 4 else 4
    small = (shot.size[0] // shrink, shot.size[1] // shrink)
    odds = [share for _, share in BACKGROUNDS]
    kind, _ = BACKGROUNDS[int(rng.choice(len(BACKGROUNDS), p=odds))]
    picture = kind(rng, small)
    unit = min(small)
    if rng.random() < 0.4:
        draw = ImageDraw.Draw(picture)
        other = int(rng.integers(len(CLASSES)))
        for _ in range(int(rng.integers(1, 6))):
            kin = label if rng.random() < 0.5 else other
            centre = (rng.random() * small[0], rng.uniform(0.1, 0.9) * small[1])
            radius = unit * rng.uniform(0.04, 0.12)
            paint(draw, plant(rng, kin, centre, radius, small[1] * 1.1), shot.lamp)
    picture = picture.filter(ImageFilter.GaussianBlur(shot.background_blur / shrink))
    canvas = (shot.size[0] * OVERSAMPLING, shot.size[1] * OVERSAMPLING)
    return picture.resize(canvas, Image.Resampling.BILINEAR)


def _layout(rng: Rng, size: tuple[int, int]) -> list[tuple[float, float, float]]:
    """Centres and radii (x, y, radius) of the flowers on a canvas of `size`, far ones first."""
    width, height = size
    unit = min(size)
    count = int(rng.choice([1, 2, 3, 5, 8], p=[0.5, 0.16, 0.14, 0.1, 0.1]))
    if count == 1:
        scale = float(rng.choice([0.09, 0.2, 0.33, 0.5], p=[0.07, 0.28, 0.45, 0.2]))
    else:
        scale = rng.uniform(0.15, 0.33) / math.sqrt(count / 2)
    spots = []
    for _ in range(count):
        radius = unit * scale * rng.uniform(0.75, 1.25)
        if scale > 0.4 or rng.random() < 0.12:
            x, y = width * rng.uniform(0.05, 0.95), height * rng.uniform(0.1, 0.9)
        else:
            x, y = width * rng.uniform(0.22, 0.78), height * rng.uniform(0.22, 0.65)
        spots.append((float(x), float(y), float(radius)))
    return sorted(spots, key=lambda spot: spot[1] if count > 4 else spot[2])


def _blade_of_grass(rng: Rng, size: tuple[int, int]) -> Mesh:
    """A leaf near the lens, from the bottom edge across the picture."""
    half = 0.02 * min(size) * rng.uniform(0.5, 2.0) * outline(np.linspace(0, 1, 9), 0.3, 0.6)
    angle = np.array([-math.pi / 2 + rng.normal(0, 0.45)])
    length = np.array([size[1] * rng.uniform(0.5, 1.2)])
    bend = np.array([rng.uniform(-0.6, 0.6)])
    points = blades(angle, bend, length, half, start=0.0, cup=0.6)
    points[..., 0] += size[0] * rng.random()
    points[..., 1] += size[1] * 1.02
    green = pick(rng, [(0.35, 0.52, 0.18), (0.25, 0.4, 0.15), (0.55, 0.5, 0.25)])
    return coloured(rng, points, green * 0.7, green * 1.1)


def _bee(draw: ImageDraw.ImageDraw, rng: Rng, x: float, y: float, r: float) -> None:
    """A bee of half-length `r` pixels at (x, y)."""
    angle = rng.uniform(0, math.pi)
    sin, cos = sin_cos(angle)
    dx, dy = r * float(cos), r * float(sin)
    for side in (-0.7, 0.7):
        wx, wy = x - dy * side, y + dx * side
        draw.ellipse([wx - r * 0.5, wy - r * 0.5, wx + r * 0.5, wy + r * 0.5], (196, 200, 205))
    for i, along in enumerate(np.linspace(-0.8, 0.8, 7).tolist()):
        size = r * 0.5 * math.sqrt(1.1 - along * along)
        cx, cy = x + dx * along, y + dy * along
        fill = (40, 28, 16) if i % 2 else (168, 116, 30)
        draw.ellipse([cx - size, cy - size, cx + size, cy + size], fill)


def render(*, seed: int, label: int, index: int) -> bytes:
    """Draw one photo.

    Args:
        seed: of the whole data set.
        label: position of the flower in CLASSES.
        index: number of the picture within its class.

    Returns:
        A JPEG file, RGB, each side 240 to 500 pixels; a pure function of the arguments.

    Raises:
        ValueError: there is no class `label`.
    """
    if not 0 <= label < len(CLASSES):
        raise ValueError(f"label {label} is not one of 0 to {len(CLASSES) - 1} ({CLASSES})")
    rng = np.random.default_rng([seed, label, index])
    shot = camera.take_shot(rng)
    canvas = _backdrop(rng, label, shot)
    draw = ImageDraw.Draw(canvas)
    lamp = Lamp(shot.lamp.direction, 0.25) if shot.backlit else shot.lamp
    spots = _layout(rng, canvas.size)
    for x, y, radius in spots:
        paint(draw, plant(rng, label, (x, y), radius, canvas.height * 1.1), lamp)
    for _ in range(int(rng.choice([0, 1, 3, 7], p=[0.66, 0.16, 0.12, 0.06]))):
        paint(draw, [_blade_of_grass(rng, canvas.size)], shot.lamp)
    if rng.random() < 0.1:
        x, y, radius = spots[-1]
        _bee(draw, rng, x + 0.4 * radius, y, max(0.16 * radius, 8.0))
    photo = camera.dappled(rng, canvas.reduce(OVERSAMPLING))
    if shot.focus_blur:
        photo = photo.filter(ImageFilter.GaussianBlur(shot.focus_blur))
    if shot.shake:
        photo = camera.shaken(photo, shot.shake)
    photo = camera.sensor(rng, camera.developed(rng, photo))
    file = io.BytesIO()
    photo.save(file, "JPEG", quality=int(rng.integers(75, 93)))
    return file.getvalue()
