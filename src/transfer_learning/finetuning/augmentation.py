"""A training photo as an epoch sees it: cropped, mirrored, in other colours.

What is done to a photo depends on (seed, epoch, the photo's id) and on nothing else: neither on
the batch it is in, nor on the threads, nor on what was drawn before.  Pillow computes it in whole
numbers, so that its bytes are the same on every CPU.
"""

from __future__ import annotations

import hashlib
import math

import numpy as np
from PIL import Image, ImageEnhance

from transfer_learning.config.finetuning import Augment

# Of width to height of a crop, as in "Going deeper with convolutions" (Szegedy et al. 2015).
ASPECT = 4 / 3
# In this order, each by a factor of its own.
COLOURS = (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color)


def augment(pixels: np.ndarray, settings: Augment, *, seed: int, epoch: int, id: str) -> np.ndarray:
    """Return the photo as this epoch sees it.

    Args:
        pixels: uint8 [R, R, 3].
        settings: the section ``augment``.
        seed: of the whole training.
        epoch: from 1.
        id: the photo's.

    Returns:
        uint8 [R, R, 3].
    """
    # Always as many draws, so that another strength changes nothing else.
    area, aspect, left, top, mirror, *colours = _draws(8, seed=seed, epoch=epoch, id=id)
    image = Image.fromarray(pixels)
    if settings.crop < 1:
        box = _box(image.size, settings.crop, area=area, aspect=aspect, left=left, top=top)
        image = image.resize(image.size, Image.Resampling.BILINEAR, box=box)
    if settings.flip and mirror < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if settings.colour:
        for kind, draw in zip(COLOURS, colours, strict=True):
            image = kind(image).enhance(1 + settings.colour * (2 * draw - 1))
    return np.asarray(image)


def _draws(count: int, *, seed: int, epoch: int, id: str) -> list[float]:
    """Return numbers from [0, 1)."""
    digest = hashlib.sha256(f"{seed} {epoch} {id}".encode()).digest()
    # Philox is a function of its key: equal keys give equal numbers in every version of NumPy.
    key = int.from_bytes(digest[:16], "little")
    return list(np.random.Generator(np.random.Philox(key=key)).random(count))


def _box(
    size: tuple[int, int], least: float, *, area: float, aspect: float, left: float, top: float
) -> tuple[float, float, float, float]:
    """Return a part of the photo (left, top, right, bottom) of at least ``least`` of its area.

    ``area``, ``aspect``, ``left`` and ``top`` are draws; widths and heights beyond the photo's are
    cut, after the other side made good for it.
    """
    whole_width, whole_height = size
    share = least + (1 - least) * area
    ratio = ASPECT ** (2 * aspect - 1)
    width = min(1.0, math.sqrt(share * ratio))
    height = min(1.0, share / width)
    width = min(1.0, share / height)
    x, y = left * (1 - width), top * (1 - height)
    return (
        x * whole_width,
        y * whole_height,
        (x + width) * whole_width,
        (y + height) * whole_height,
    )
