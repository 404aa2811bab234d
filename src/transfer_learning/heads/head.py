"""The classifier on top of the features, and its file: a dense layer's kernel and bias."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from transfer_learning.runtime import npz

FILE = "head.npz"


@dataclass(frozen=True)
class Head:
    """``kernel`` float32 [D, C], ``bias`` float32 [C], ``classes`` str [C]."""

    kernel: np.ndarray
    bias: np.ndarray
    classes: np.ndarray

    def logits(self, features: np.ndarray) -> np.ndarray:
        """Return float64 [N, C] for features float32 [N, D]; Dropout does nothing here.

        In float64, so that the order in which a processor sums shows in no digit that is kept.
        """
        return np.asarray(features.astype(np.float64) @ self.kernel.astype(np.float64) + self.bias)

    def write(self, folder: Path) -> None:
        """Write ``head.npz``."""
        folder.mkdir(parents=True, exist_ok=True)
        npz.write(
            folder / FILE,
            kernel=self.kernel,
            bias=self.bias,
            classes=self.classes,
        )

    @classmethod
    def read(cls, folder: Path) -> Head:
        """Read ``head.npz``.

        Raises:
            UserError: the file is damaged.
        """
        return cls(*npz.read(folder / FILE, "kernel", "bias", "classes"))


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return the probabilities float64 [N, C] of logits [N, C]."""
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    exponents = np.exp(shifted)
    return np.asarray(exponents / exponents.sum(axis=1, keepdims=True))
