"""Smooth noise: the stuff of backgrounds and of dappled light."""

from __future__ import annotations

import numpy as np
from PIL import Image

from transfer_learning.sources.synthetic.mesh import Rng
from transfer_learning.sources.synthetic.portable_math import Array


def clouds(rng: Rng, size: tuple[int, int], cells: tuple[int, int], octaves: int = 3) -> Array:
    """Smooth noise in about [0, 1], float64 [height, width]; `cells` (x, y) at the coarsest."""
    total = np.zeros((size[1], size[0]))
    for octave in range(octaves):
        shape = (cells[1] * 2**octave + 1, cells[0] * 2**octave + 1)
        coarse = Image.fromarray((255 * rng.random(shape)).astype(np.uint8))
        fine = coarse.resize(size, Image.Resampling.BICUBIC)
        total += np.asarray(fine, dtype=np.float64) / 255 / 2**octave
    return total / (2 - 2.0 ** (1 - octaves))
