"""Feature vectors of one split, as a file: ``data/features/B/SPLIT.npz``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from transfer_learning.runtime import npz


@dataclass(frozen=True)
class Features:
    """``features`` float32 [N, D], ``labels`` int64 [N], ``ids`` str [N], ``classes`` str [C]."""

    features: np.ndarray
    labels: np.ndarray
    ids: np.ndarray
    classes: np.ndarray

    def write(self, path: Path) -> None:
        """Write the arrays as ``.npz``, whose bytes depend on nothing but them."""
        path.parent.mkdir(parents=True, exist_ok=True)
        npz.write(
            path,
            features=self.features,
            labels=self.labels,
            ids=self.ids,
            classes=self.classes,
        )

    @classmethod
    def read(cls, path: Path) -> Features:
        """Read what ``write`` wrote.

        Raises:
            UserError: the file is damaged.
        """
        return cls(*npz.read(path, "features", "labels", "ids", "classes"))
