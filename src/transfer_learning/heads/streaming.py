"""The logistic head of more photos than fit in memory: the same optimum, block by block.

The loss is that of ``heads.logistic``; scikit-learn would need all photos at once, in float64.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from scipy.optimize import minimize

from transfer_learning.features.features import Features
from transfer_learning.heads.head import Head, log_softmax
from transfer_learning.runtime import hardware, parallel

# Photos in a block, threads at most (a block takes 16 MB at 1,280 features), and photos whose
# features say how they spread.
BLOCK, THREADS, SPREAD = 1024, 8, 2**14
# Of the largest gradient along the spread: the loss is then right to its square, along the path and
# for the head itself.
PATH_TOLERANCE, TOLERANCE = 1e-5, 1e-7
ITERATIONS = 1000


@dataclass(frozen=True)
class Streamed:
    """Photos to learn from, and how their standardised features spread.

    ``mean`` and ``scale`` float64 [D]; ``turn`` float64 [D, D], orthonormal: the directions of the
    spread in its columns; ``spread`` float64 [D], the variance along each.
    """

    photos: Features
    mean: np.ndarray
    scale: np.ndarray
    turn: np.ndarray
    spread: np.ndarray

    @classmethod
    def of(cls, photos: Features) -> Streamed:
        """Measure the features, in two passes and on a sample."""
        count = len(photos.labels)
        mean = sum(_passes(photos, lambda block, _: block.sum(axis=0))) / count
        square = sum(_passes(photos, lambda block, _: ((block - mean) ** 2).sum(axis=0))) / count
        scale = np.sqrt(square)
        scale[scale == 0] = 1
        rows = np.arange(min(count, SPREAD)) * count // min(count, SPREAD)
        standard = (photos.features[rows].astype(np.float64) - mean) / scale
        spread, turn = np.linalg.eigh(standard.T @ standard / len(rows))
        return cls(photos, mean, scale, turn, np.maximum(spread, 0))

    def solve(self, strength: float, start: np.ndarray | None) -> Head:
        """Return the head with this strength."""
        return self.head(self._fitted(strength, start, TOLERANCE))

    def weights(self, strength: float, start: np.ndarray | None) -> np.ndarray:
        """Return the weights of standardised features, float64 [C, D + 1], the bias last."""
        return self._fitted(strength, start, PATH_TOLERANCE)

    def head(self, weights: np.ndarray) -> Head:
        """Return the head for features as they are."""
        kernel, bias = self._folded(weights)
        return Head(kernel.astype(np.float32), bias.astype(np.float32), self.photos.classes)

    def _folded(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        kernel = weights[:, :-1].T / self.scale[:, np.newaxis]
        return kernel, weights[:, -1] - self.mean @ kernel

    def _fitted(self, strength: float, start: np.ndarray | None, tolerance: float) -> np.ndarray:
        """Minimise the mean loss and ``strength`` / 2N of the squared weights by L-BFGS.

        In units in which the curvature is about 1 in each direction: that of the loss of a model
        that knows nothing, along the features' spread (D. Böhning: Multinomial logistic regression
        algorithm, Annals of the Institute of Statistical Mathematics 44, 1992, section 2), and that
        of the penalty.
        """
        count, classes = len(self.photos.labels), len(self.photos.classes)
        # Two classes share the weights of scikit-learn's one row, half each.
        penalty = strength * (2 if classes == 2 else 1) / count
        curvature = (classes - 1) / classes**2
        unit = np.sqrt(np.append(curvature * self.spread + penalty, curvature))

        def loss_and_gradient(point: np.ndarray) -> tuple[float, np.ndarray]:
            weights = self._straight(point.reshape(classes, -1) / unit)
            loss, gradient = self._loss(weights)
            loss += penalty / 2 * float((weights[:, :-1] ** 2).sum())
            gradient[:, :-1] += penalty * weights[:, :-1]
            return loss, (self._turned(gradient) / unit).ravel()

        first = np.zeros((classes, len(self.mean) + 1)) if start is None else start
        found = minimize(
            loss_and_gradient,
            (self._turned(first) * unit).ravel(),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": ITERATIONS, "gtol": tolerance, "ftol": 0, "maxcor": 10},
        )
        return self._straight(found.x.reshape(classes, -1) / unit)

    def _turned(self, weights: np.ndarray) -> np.ndarray:
        return np.column_stack([weights[:, :-1] @ self.turn, weights[:, -1]])

    def _straight(self, turned: np.ndarray) -> np.ndarray:
        return np.column_stack([turned[:, :-1] @ self.turn.T, turned[:, -1]])

    def _loss(self, weights: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the mean log loss and its gradient by the weights, float64 [C, D + 1]."""
        kernel, bias = self._folded(weights)
        loss, gradient, sums = 0.0, np.zeros(kernel.shape), np.zeros(len(bias))
        for lost, pulled, summed in _passes(self.photos, partial(_block_loss, kernel, bias)):
            loss, gradient, sums = loss + lost, gradient + pulled, sums + summed
        gradient = (gradient - np.outer(self.mean, sums)) / self.scale[:, np.newaxis]
        count = len(self.photos.labels)
        return loss / count, np.column_stack([gradient.T, sums]) / count


def _block_loss(
    kernel: np.ndarray, bias: np.ndarray, block: np.ndarray, labels: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray]:
    """Return a block's summed log loss, and its gradient by kernel and bias."""
    logs = log_softmax(block @ kernel + bias)
    rows = np.arange(len(labels))
    lost = -float(logs[rows, labels].sum())
    excess = np.exp(logs)
    excess[rows, labels] -= 1
    return lost, block.T @ excess, excess.sum(axis=0)


def _passes(photos: Features, work: Callable[[np.ndarray, np.ndarray], Any]) -> Iterator[Any]:
    """Yield what ``work`` makes of each block, float64 [B, D], and its labels, in order.

    So sums of it are the same for any number of threads.
    """

    def one(start: int) -> Any:
        rows = slice(start, start + BLOCK)
        return work(photos.features[rows].astype(np.float64), photos.labels[rows])

    with ThreadPoolExecutor(min(hardware.cores(), THREADS)) as executor:
        starts = range(0, len(photos.labels), BLOCK)
        yield from parallel.ordered(executor, one, starts, ahead=2 * THREADS)
