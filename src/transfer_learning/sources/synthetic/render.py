"""Photo-like pictures of five kinds of flowers, drawn with NumPy and Pillow.

A flower is a few batches of curved patches in 3-D (petals, discs, leaves, stems). Each patch is
cut into quads, shaded by one lamp, sorted by depth and filled far to near at twice the final
size. A background, blur, light and sensor noise turn the drawing into something like a photo.

Axes: x to the right, y down, z towards the viewer. A flower's own axis is z, its radius about 1.
Colours are RGB floats in [0, 1]. `detail` (1 to 3) is the fineness of a flower's mesh.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter

Array = NDArray[np.float64]
Rng = np.random.Generator
Colour = tuple[float, float, float]
Tone = Sequence[float] | Array  # one colour, [3]

CLASSES: tuple[str, ...] = ("dandelion", "daisy", "tulips", "sunflowers", "roses")
SHORTEST_SIDE, LONGEST_SIDE = 240, 500  # pixels
OVERSAMPLING = 2
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


@dataclass(frozen=True)
class Species:
    """How one class grows: its head, its usual tilts (degrees), its leaves and its stem."""

    head: Callable[[Rng, int], list[Mesh]]
    tilts: tuple[float, float]
    leaf: tuple[float, float, float, int]  # width/length, outline a, outline b, teeth
    leaves_from_ground: bool
    stem: float  # width in head radii
    green: Colour


def outline(t: Array, a: float, b: float) -> Array:
    """Half-widths t^a (1-t)^b along a petal, scaled to a maximum of 1; same shape as `t`."""
    peak = a / (a + b)
    widths: Array = t**a * (1 - t) ** b / (peak**a * (1 - peak) ** b)
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
    along = start + size * t * np.cos(rise) + 0 * across
    z = size * t * np.sin(rise) + curl * t**2 + cup * across**2 / max(half_width.max(), 1e-6)
    x = along * np.cos(angle) - across * np.sin(angle)
    y = along * np.sin(angle) + across * np.cos(angle)
    return np.stack([x, y, z], axis=-1)


def shells(
    azimuth: Array, half_angle: Array, radius: Array, height: Array, columns: int = 5
) -> Array:
    """Petals that wrap around the z axis.

    `azimuth` [P]; `half_angle` (radians), `radius` and `height` [P, R], from base to tip.
    Returns float64 [P, R, C, 3].
    """
    s = np.linspace(-1, 1, columns)
    angle = azimuth[:, None, None] + half_angle[..., None] * s
    # The rim's corners lie a little lower and further out than its middle.
    r = radius[..., None] * (1 + 0.06 * s**2)
    z = height[..., None] - 0.12 * height[..., None] * s**2
    return np.stack([r * np.cos(angle), r * np.sin(angle), z], axis=-1)


def dome(radius: float, height: float, rows: int, columns: int) -> Array:
    """A round cap on the xy plane, float64 [1, R, C, 3]."""
    r = np.linspace(1, 0, rows)[:, None]
    angle = np.linspace(0, 2 * math.pi, columns)[None, :]
    z = height * (1 - r**2) + 0 * angle
    return np.stack([radius * r * np.cos(angle), radius * r * np.sin(angle), z], axis=-1)[None]


def seeds(count: int, radius: float, height: float, size: float) -> Array:
    """Small squares on a dome in a phyllotaxis spiral, float64 [count, 2, 2, 3]."""
    k = np.arange(count) + 0.5
    r = np.sqrt(k / count)
    centre = np.stack(
        [radius * r * np.cos(k * GOLDEN_ANGLE), radius * r * np.sin(k * GOLDEN_ANGLE)], axis=-1
    )
    corners = size * np.array([[[-1, 0], [0, -1]], [[0, 1], [1, 0]]], dtype=np.float64)
    xy = centre[:, None, None, :] + corners
    z = np.broadcast_to((height * (1 - r**2) + 0.02)[:, None, None, None], (*xy.shape[:3], 1))
    return np.concatenate([xy, z], axis=-1)


def turn(tilt: float, roll: float) -> Array:
    """Rotation [3, 3] that tips the z axis up by `tilt`, then rolls the picture (radians)."""
    ct, st, cr, sr = math.cos(tilt), math.sin(tilt), math.cos(roll), math.sin(roll)
    tip = np.array([[1, 0, 0], [0, ct, -st], [0, st, ct]])
    rotation: Array = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]]) @ tip
    return rotation


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
    light = lamp.ambient + (1 - lamp.ambient) * np.abs(normal @ lamp.direction)
    pixels = np.clip(255 * colour * light[:, None], 0, 255).astype(np.uint8)
    order = np.argsort(quads[:, :, 2].mean(axis=1), kind="stable")
    outlines = quads[order, :, :2].reshape(-1, 8).tolist()
    for xy, fill in zip(outlines, pixels[order].tolist(), strict=True):
        draw.polygon(xy, fill=tuple(fill))


def _pick(rng: Rng, colours: Sequence[Colour]) -> Array:
    """One of `colours`, shifted a little; float64 [3]."""
    return np.clip(
        np.array(colours[int(rng.integers(len(colours)))]) + rng.normal(0, 0.03, 3), 0, 1
    )


def _ring(rng: Rng, count: int, jitter: float) -> Array:
    """Angles of `count` petals around a circle, float64 [count], radians."""
    return (np.arange(count) + jitter * rng.standard_normal(count)) * 2 * math.pi / count


def _bracts(rng: Rng, count: int, length: float, rise: float, colour: Colour) -> Mesh:
    """The green leaflets under a head."""
    width = length * 0.22 * outline(np.linspace(0, 1, 4), 0.3, 0.8)
    sizes = length * rng.uniform(0.8, 1.1, count)
    points = blades(_ring(rng, count, 0.1), np.full(count, rise), sizes, width, start=0.05)
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
    deep = _pick(rng, [(0.93, 0.62, 0.02), (0.90, 0.66, 0.05)])
    florets = coloured(rng, points, deep * 0.85, np.clip(deep * 1.06 + [0, 0.14, 0], 0, 1), 0.07)
    green = (0.35, 0.48, 0.2)
    return [florets, _bracts(rng, 12, 0.55, rng.uniform(-1.2, 0.9), green)]


def _seed_globe(rng: Rng, detail: int) -> list[Mesh]:
    """White parachutes on a sphere around a small brown core; some may have flown."""
    count = 40 + 45 * detail
    k = np.arange(count, dtype=np.float64) + 0.5
    up = 1 - 1.85 * k / count
    kept = np.ones(count, dtype=bool)
    if rng.random() < 0.25:
        kept = (k * GOLDEN_ANGLE) % (2 * math.pi) > rng.uniform(0.8, 3.0)
    azimuth: Array = (k * GOLDEN_ANGLE)[kept]
    rise = np.arcsin(up[kept])
    stalks = blades(azimuth, rise, np.full(len(rise), 0.8), np.full(2, 0.007), start=0.0, columns=2)
    centre = stalks[:, -1].mean(axis=1)  # [P, 3], where the hairs spread from
    rays = 4 + 2 * detail
    spread = rng.uniform(0, 2 * math.pi, (len(rise), 1)) + _ring(rng, rays, 0.1)
    outward = centre / np.linalg.norm(centre, axis=1, keepdims=True)
    side = np.cross(outward, [0.31, 0.52, 0.79])
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    third = np.cross(outward, side)
    way = np.cos(spread)[..., None] * side[:, None] + np.sin(spread)[..., None] * third[:, None]
    tips = centre[:, None] + 0.22 * way + 0.12 * outward[:, None]
    thin = 0.009 * np.cross(way, outward[:, None])
    root = np.broadcast_to(centre[:, None], tips.shape)
    hairs = np.stack([root - thin, root + thin, tips - thin, tips + thin], axis=2)
    white = _pick(rng, [(0.92, 0.92, 0.9), (0.82, 0.84, 0.86)])
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
        _ring(rng, count, 0.16), tilts, length, half, start=0.22, curl=rng.uniform(-0.3, 0.15)
    )
    points[..., 2] += rng.uniform(-0.03, 0.03, (count, 1, 1))  # overlapping rays need an order
    white = _pick(rng, [(0.96, 0.96, 0.95), (0.93, 0.91, 0.88), (0.95, 0.9, 0.93)])
    yellow = _pick(rng, [(0.95, 0.76, 0.1), (0.9, 0.66, 0.05), (0.85, 0.75, 0.2)])
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
    gold = _pick(rng, [(0.98, 0.76, 0.05), (0.96, 0.66, 0.04), (0.97, 0.82, 0.15)])
    meshes = []
    for layer in range(2):
        length = (1.02 - radius) * rng.uniform(0.8, 1.1, count)
        tilts = rise + 0.15 * layer + rng.normal(0, 0.14, count)
        turned = _ring(rng, count, 0.15) + layer * math.pi / count
        points = blades(turned, tilts, length, half, start=radius * 0.85, curl=-0.1, cup=0.4)
        points[..., 2] += rng.uniform(-0.05, 0.05, (count, 1, 1)) + 0.05 * layer
        meshes.append(coloured(rng, points, gold * [0.88, 0.7, 0.6], gold, 0.08))
    brown = _pick(rng, [(0.3, 0.18, 0.08), (0.22, 0.13, 0.07), (0.36, 0.26, 0.1)])
    heart = _pick(rng, [(0.4, 0.42, 0.12), (0.25, 0.15, 0.07), (0.5, 0.36, 0.12)])
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
    hue, rows = _pick(rng, TULIP_HUES), 4 + 2 * detail
    edge = np.clip(hue * 1.1 + 0.06, 0, 1) if rng.random() < 0.7 else _pick(rng, TULIP_HUES)
    t = np.linspace(0, 1, rows)
    flare = rng.uniform(-0.25, 0.12) if rng.random() < 0.75 else rng.uniform(0.2, 0.7)
    tall = rng.uniform(1.2, 1.75)
    meshes = []
    for layer, scale in enumerate((0.9, 1.0)):
        azimuth = _ring(rng, 3, 0.05) + layer * math.pi / 3 + rng.uniform(0, 0.3)
        radius = scale * (0.62 * np.sin(np.pi * np.minimum(t * 0.8, 0.5)) + flare * t**2)
        half = rng.uniform(0.95, 1.2) * outline(t * 0.985 + 0.01, 0.25, 0.45)
        height = tall * t * rng.uniform(0.92, 1.06, (3, 1)) - 0.6
        size = (3, rows)
        wide, round_ = np.broadcast_to(half, size), np.broadcast_to(radius, size)
        points = shells(azimuth, wide, round_, height, columns=3 + 2 * detail)
        meshes.append(coloured(rng, points, hue * (0.75 + 0.1 * layer), edge, 0.07))
    stamens = blades(
        _ring(rng, 6, 0.1), np.full(6, 1.2), np.full(6, 0.6), np.full(2, 0.04), start=0.02
    )
    stamens[..., 2] -= 0.55
    return [*meshes, coloured(rng, stamens, (0.75, 0.75, 0.3), (0.2, 0.15, 0.1))]


def rose(rng: Rng, detail: int) -> list[Mesh]:
    """A spiral of shells, tight inside and flared at the rim."""
    hue, rows = _pick(rng, ROSE_HUES), 3 + 2 * detail
    bud = rng.random() < 0.12
    count = int(rng.integers(8, 13) if bud else rng.integers(16, 30))
    k = np.linspace(0.06, 1, count)[:, None]  # 0 in the middle, 1 outermost
    t = np.linspace(0, 1, rows)[None, :]
    openness = rng.uniform(0.0, 0.15) if bud else rng.uniform(0.3, 0.75)
    radius = k**0.9 * (0.45 + 0.15 * np.sin(np.pi * t) + openness * k * t**2)
    height = (0.95 - 0.5 * openness * k**2) * (t - 0.35 * openness * k**2 * t**3) - 0.5
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


SPECIES: tuple[Species, ...] = (
    Species(dandelion, (0, 68), (0.2, 0.8, 0.5, 7), True, 0.07, (0.3, 0.46, 0.14)),
    Species(daisy, (0, 68), (0.2, 1.0, 0.5, 0), True, 0.06, (0.26, 0.45, 0.15)),
    Species(tulip, (35, 100), (0.13, 0.5, 0.9, 0), True, 0.11, (0.34, 0.52, 0.3)),
    Species(sunflower, (0, 65), (0.75, 0.4, 0.8, 0), False, 0.12, (0.27, 0.45, 0.12)),
    Species(rose, (0, 62), (0.5, 0.6, 0.7, 9), False, 0.09, (0.16, 0.34, 0.14)),
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
    head = np.array([*centre, 0.0])
    detail = 1 if radius < 40 else 2 if radius < 110 else 3
    meshes = [
        Mesh(radius * (m.points @ spin.T @ rotation.T) + head, m.colours)
        for m in species.head(rng, detail)
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


def clouds(rng: Rng, size: tuple[int, int], cells: tuple[int, int], octaves: int = 3) -> Array:
    """Smooth noise in about [0, 1], float64 [height, width]; `cells` (x, y) at the coarsest."""
    total = np.zeros((size[1], size[0]))
    for octave in range(octaves):
        shape = (cells[1] * 2**octave + 1, cells[0] * 2**octave + 1)
        coarse = Image.fromarray((255 * rng.random(shape)).astype(np.uint8))
        fine = coarse.resize(size, Image.Resampling.BICUBIC)
        total += np.asarray(fine, dtype=np.float64) / 255 / 2**octave
    return total / (2 - 2.0 ** (1 - octaves))


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
    blue = _pick(rng, [(0.25, 0.48, 0.8), (0.45, 0.62, 0.85), (0.6, 0.66, 0.72)])
    return mixed(fall + 0.6 * clouds(rng, size, (3, 3)) ** 2, blue, (0.93, 0.95, 0.97))


def _grass(rng: Rng, size: tuple[int, int]) -> Image.Image:
    green = _pick(rng, [(0.3, 0.46, 0.14), (0.36, 0.5, 0.2), (0.45, 0.47, 0.2)])
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
    brown = _pick(rng, [(0.42, 0.32, 0.23), (0.33, 0.26, 0.2), (0.5, 0.44, 0.36)])
    grain = 0.5 * clouds(rng, size, (5, 5)) + 0.5 * clouds(rng, size, (90, 70), 2)
    return mixed(1.6 * grain - 0.3, brown * 0.35, brown * 1.25)


def _bokeh(rng: Rng, size: tuple[int, int]) -> Image.Image:
    """Foliage far out of focus, with discs of light."""
    green = _pick(rng, [(0.3, 0.5, 0.18), (0.2, 0.36, 0.2), (0.5, 0.52, 0.22), (0.4, 0.3, 0.2)])
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
    green = _pick(rng, [(0.2, 0.36, 0.14), (0.26, 0.42, 0.18), (0.3, 0.36, 0.16)])
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
    brown = _pick(rng, [(0.6, 0.42, 0.27), (0.42, 0.28, 0.18), (0.72, 0.66, 0.58)])
    grain = 0.6 * clouds(rng, size, (3, 30)) + 0.4 * clouds(rng, size, (8, 90), 1)
    picture = mixed(grain * 1.2 - 0.1, brown * 0.6, brown * 1.15)
    draw, planks = ImageDraw.Draw(picture), int(rng.integers(3, 7))
    for y in np.linspace(0, size[1], planks + 1):
        draw.line([0, y, size[0], y], fill=(45, 32, 24), width=max(1, size[1] // 90))
    return picture


def _studio(rng: Rng, size: tuple[int, int]) -> Image.Image:
    y, x = np.mgrid[-1 : 1 : size[1] * 1j, -1 : 1 : size[0] * 1j]
    glow = np.exp(-((x - rng.uniform(-0.6, 0.6)) ** 2 + (y - rng.uniform(-0.6, 0.6)) ** 2))
    tone = _pick(rng, [(0.16, 0.16, 0.18), (0.12, 0.16, 0.14), (0.22, 0.16, 0.16)])
    return mixed(glow, (0.02, 0.02, 0.03), tone)


def _wall(rng: Rng, size: tuple[int, int]) -> Image.Image:
    plaster = _pick(
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


@dataclass(frozen=True)
class Shot:
    """What the photographer chose. `size` in pixels of the photo, blurs likewise."""

    size: tuple[int, int]
    lamp: Lamp
    background_blur: float
    focus_blur: float
    shake: int  # length of the motion blur in pixels, 0 for none
    backlit: bool


def _shot(rng: Rng) -> Shot:
    longest = int(rng.integers(330, LONGEST_SIDE + 1))
    shortest = max(SHORTEST_SIDE, int(longest * rng.uniform(0.62, 1.0)))
    size = (longest, shortest) if rng.random() < 0.65 else (shortest, longest)
    direction = np.array([rng.normal(0, 0.5), rng.uniform(-1, 0.1), rng.uniform(0.3, 1.0)])
    lamp = Lamp(direction / np.linalg.norm(direction), rng.uniform(0.45, 0.8))
    focus = rng.choice([0.0, 1.0, 2.0], p=[0.7, 0.19, 0.11]) * rng.uniform(0.6, 2.2)
    shake = int(rng.integers(5, 16)) if rng.random() < 0.1 else 0
    background = rng.choice([0.5, 2.5, 7.0], p=[0.25, 0.35, 0.4]) * rng.uniform(0.7, 1.5)
    return Shot(size, lamp, float(background), float(focus), shake, bool(rng.random() < 0.14))


def _backdrop(rng: Rng, label: int, shot: Shot) -> Image.Image:
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
        scale = rng.choice([0.09, 0.2, 0.33, 0.5], p=[0.07, 0.28, 0.45, 0.2])
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
    green = _pick(rng, [(0.35, 0.52, 0.18), (0.25, 0.4, 0.15), (0.55, 0.5, 0.25)])
    return coloured(rng, points, green * 0.7, green * 1.1)


def _bee(draw: ImageDraw.ImageDraw, rng: Rng, x: float, y: float, r: float) -> None:
    """A bee of half-length `r` pixels at (x, y)."""
    angle = rng.uniform(0, math.pi)
    dx, dy = r * math.cos(angle), r * math.sin(angle)
    for side in (-0.7, 0.7):
        wx, wy = x - dy * side, y + dx * side
        draw.ellipse([wx - r * 0.5, wy - r * 0.5, wx + r * 0.5, wy + r * 0.5], (196, 200, 205))
    for i, along in enumerate(np.linspace(-0.8, 0.8, 7)):
        size = r * 0.5 * math.sqrt(1.1 - along**2)
        cx, cy = x + dx * along, y + dy * along
        fill = (40, 28, 16) if i % 2 else (168, 116, 30)
        draw.ellipse([cx - size, cy - size, cx + size, cy + size], fill)


def _dappled(rng: Rng, photo: Image.Image) -> Image.Image:
    """Uneven light: soft patches, now and then hard shadows."""
    depth = rng.uniform(0.1, 0.35)
    cells = int(rng.integers(3, 7))
    light = clouds(rng, (photo.width // 4, photo.height // 4), (cells, cells))
    if rng.random() < 0.2:
        light, depth = 1 / (1 + np.exp(-14 * (light - 0.42))), rng.uniform(0.3, 0.6)
    mask = Image.fromarray((255 * np.clip(1 - depth + depth * light, 0, 1)).astype(np.uint8))
    mask = mask.resize(photo.size, Image.Resampling.BILINEAR)
    return ImageChops.multiply(photo, Image.merge("RGB", (mask, mask, mask)))


def _developed(rng: Rng, photo: Image.Image) -> Image.Image:
    """Exposure, contrast, colour temperature, fading and, at times, sepia or grey."""
    look = int(rng.choice(4, p=[0.82, 0.06, 0.06, 0.06]))
    low, high = ((0.7, 1.0), (0.0, 0.25), (0.2, 0.6), (0.2, 0.6))[look]
    grey = photo.convert("L").convert("RGB")
    photo = Image.blend(grey, photo, rng.uniform(low, high))
    warmth = rng.normal(0.02, 0.045) + (0.14 if look == 2 else 0.0) - (0.14 if look == 3 else 0.0)
    exposure = math.exp(rng.normal(0.38, 0.22))
    gamma, lift = rng.uniform(0.8, 1.2), rng.uniform(0, 0.07)
    ramp = np.linspace(0, 1, 256)
    table: list[int] = []
    for gain in (1 + warmth, 1 + rng.normal(0, 0.025), 1 - 1.3 * warmth):
        tone = lift + (1 - lift) * (np.clip(exposure * gain * ramp, 0, 1.35) ** gamma)
        # A shoulder keeps bright petals from clipping flat.
        tone = np.where(tone > 0.8, 0.8 + 0.2 * np.tanh((tone - 0.8) / 0.25), tone)
        table += np.clip(255 * tone, 0, 255).astype(int).tolist()
    return photo.point(table)


def _sensor(rng: Rng, photo: Image.Image) -> Image.Image:
    """Vignetting and grain."""
    x = np.linspace(-1, 1, photo.width, dtype=np.float32)[None, :]
    y = np.linspace(-1, 1, photo.height, dtype=np.float32)[:, None]
    fall = 1 - np.float32(max(0.0, rng.normal(0.1, 0.1))) * (x**2 + y**2)
    grain = rng.standard_normal(fall.shape, dtype=np.float32)
    grain *= np.float32(rng.choice([2.0, 5.0, 12.0], p=[0.66, 0.26, 0.08]))
    pixels = np.asarray(photo, dtype=np.float32) * fall[..., None] + grain[..., None]
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def _shaken(photo: Image.Image, length: int) -> Image.Image:
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
    shot = _shot(rng)
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
    photo = _dappled(rng, canvas.reduce(OVERSAMPLING))
    if shot.focus_blur:
        photo = photo.filter(ImageFilter.GaussianBlur(shot.focus_blur))
    if shot.shake:
        photo = _shaken(photo, shot.shake)
    photo = _sensor(rng, _developed(rng, photo))
    file = io.BytesIO()
    photo.save(file, "JPEG", quality=int(rng.integers(75, 93)))
    return file.getvalue()
