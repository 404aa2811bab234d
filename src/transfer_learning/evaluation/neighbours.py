"""What a competitor's features say of photos without any head: ``data/neighbours/B/places.npz``."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from transfer_learning.runtime import npz

# Steps of a map's longer side.  Features that differ by 1e-6 moved no photo by one
# (docs/portability.md).
STEPS = 1000
# Training photos among which neighbours are sought at most (docs/memory.md).
AMONG = 10_000


@dataclass(frozen=True)
class Neighbours:
    """Of one competitor, for its N test photos and the T training photos that it names.

    ``test_ids`` str [N] and ``train_ids`` str [T]; ``nearest`` int64 [N, K], numbers of training
    photos, the nearest first, and their cosine ``similarity`` float64 [N, K]; places on the map,
    int64 of 0 to ``STEPS``: ``test_places`` [N, 2] and, of the training photos ``sample`` int64
    [S], ``sample_places`` [S, 2]; ``explained`` float64 [2]: the axes' shares of the variance.
    """

    test_ids: np.ndarray
    train_ids: np.ndarray
    nearest: np.ndarray
    similarity: np.ndarray
    test_places: np.ndarray
    sample: np.ndarray
    sample_places: np.ndarray
    explained: np.ndarray

    def write(self, path: Path) -> None:
        """Write the arrays."""
        path.parent.mkdir(parents=True, exist_ok=True)
        npz.write(path, **{item.name: getattr(self, item.name) for item in fields(self)})

    @classmethod
    def read(cls, path: Path) -> Neighbours:
        """Read what ``write`` wrote.

        Raises:
            UserError: the file is damaged.
        """
        return cls(*npz.read(path, *(item.name for item in fields(cls))))
