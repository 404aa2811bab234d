"""The classifier on top of the features, and its file: a dense layer's kernel and bias."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np

from transfer_learning.runtime import npz
from transfer_learning.runtime.rows import Table, blocks

FILE = "head.npz"


@dataclass(frozen=True)
class Head:
    """``kernel`` float32 [D, C], ``bias`` float32 [C], ``classes`` str [C]."""

    kernel: np.ndarray
    bias: np.ndarray
    classes: np.ndarray

    def logits(self, features: Table) -> np.ndarray:
        """Return float64 [N, C] for features float32 [N, D]; Dropout does nothing here.

        In float64, so that the order in which a processor sums shows in no digit that is kept.
        """
        kernel = self.kernel.astype(np.float64)
        return np.concatenate(
            [block.astype(np.float64) @ kernel + self.bias for block in blocks(features)]
        )

    def accuracy_and_loss(self, features: Table, labels: np.ndarray) -> tuple[float, float]:
        """Return the share of photos that are right, and the mean log loss.

        Args:
            features: float32 [N, D].
            labels: int64 [N].
        """
        logits = self.logits(features)
        return float((logits.argmax(axis=1) == labels).mean()), log_loss(logits, labels)

    def write(self, folder: Path) -> None:
        """Write ``head.npz``."""
        folder.mkdir(parents=True, exist_ok=True)
        self._write(folder / FILE)

    def sha256(self) -> str:
        """Return the sha256 of ``head.npz``, as 64 hexadecimal digits."""
        file = BytesIO()
        self._write(file)
        return hashlib.sha256(file.getvalue()).hexdigest()

    def _write(self, file: Path | BytesIO) -> None:
        npz.write(file, kernel=self.kernel, bias=self.bias, classes=self.classes)

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


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Return the logarithms float64 [N, C] of the probabilities of logits [N, C]."""
    # Not scipy.special's, which takes longer to import than all that a stage does with it.
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def log_loss(logits: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean of -log of the probability of each photo's class."""
    # Not scikit-learn's log_loss, which clips probabilities: no photo would cost more than 36.
    return float(-log_softmax(logits)[np.arange(len(labels)), labels].mean())
