"""Labels that are probably wrong, by confident learning on probabilities from outside of the fold.

C. Northcutt, L. Jiang, I. Chuang: Confident Learning, JAIR 70 (2021), with the method that it calls
"C_confusion pruned by the joint": a photo is suspect where a class other than its own reaches the
mean probability that this class has on photos labelled so, and its own class does not beat it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from transfer_learning.runtime.rows import Table, blocks

FOLDS = 5
# Directions of the largest spread that are kept of the features; more change no ranking by much.
DIRECTIONS = 256
# Of the regularisation; strong, so that a wrong label is not learnt by heart.
STRENGTH = 100.0
# Of the largest gradient of the mean loss: probabilities are then right in more digits than shown.
TOLERANCE = 1e-7
ITERATIONS = 1_000
# Photos of a class from which on a label of it is judged, or suggested.
FEW = FOLDS
# Photos that heads learn from at most: more change a probability by little.
LEARNT = 25_000


@dataclass(frozen=True)
class Suspects:
    """Of N photos: ``suspect`` bool [N], ``suggested`` int64 [N], ``margin`` float64 [N].

    ``suggested`` is the most probable class but the own one. ``margin`` is the own class's
    probability less that of the suggested one: the lowest is the most suspect.
    """

    suspect: np.ndarray
    suggested: np.ndarray
    margin: np.ndarray

    def ranking(self) -> np.ndarray:
        """Return the numbers of all photos, the most suspect first, int64 [N]."""
        return np.argsort(self.margin.round(6), kind="stable")


def probabilities(features: Table, labels: np.ndarray, classes: int) -> np.ndarray:
    """Return each photo's probabilities by a head that has not seen it, float64 [N, classes].

    The heads learn from ``LEARNT`` photos at most, evenly spread.

    Args:
        features: float32 [N, D].
        labels: int64 [N].
        classes: how many there are, photos or not.
    """
    count = len(labels)
    reduced, folds = _reduction(features), _folds(labels)
    learnt = np.arange(min(count, LEARNT)) * count // min(count, LEARNT)
    known = np.concatenate([reduced(features[rows]) for rows in blocks(learnt)])
    heads = {
        fold: _fitted(known[folds[learnt] != fold], labels[learnt[folds[learnt] != fold]])
        for fold in np.unique(folds)
    }
    found = np.zeros((count, classes))
    for rows in blocks(np.arange(count)):
        vectors = reduced(features[rows])
        for fold in np.unique(folds[rows]):
            held, (present, model) = folds[rows] == fold, heads[fold]
            # Nothing to tell apart.
            shares = model.predict_proba(vectors[held]) if model else 1
            found[np.ix_(rows[held], present)] = shares
    return found


def _fitted(vectors: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, Any]:
    """Return the classes that are there, and a head that tells them apart: None of only one."""
    present = np.unique(labels)
    if len(present) < 2:
        return present, None
    model = LogisticRegression(C=1 / STRENGTH, tol=TOLERANCE, max_iter=ITERATIONS)
    return present, model.fit(vectors, labels)


def judge(probability: np.ndarray, labels: np.ndarray) -> Suspects:
    """Judge the labels int64 [N] by the probabilities float64 [N, C].

    A class of fewer than ``FEW`` photos is neither judged nor suggested.
    """
    numbers = np.arange(len(labels))
    counts = np.bincount(labels, minlength=probability.shape[1])
    own = probability[numbers, labels]
    sums = np.bincount(labels, weights=own, minlength=len(counts))
    usual = np.where(counts >= FEW, sums / np.maximum(counts, 1), np.inf)
    others = np.where(counts >= FEW, probability, -np.inf)
    others[numbers, labels] = -np.inf
    suggested = others.argmax(axis=1)
    other = np.maximum(others[numbers, suggested], 0)
    confident = np.where(others >= usual, others, -np.inf).max(axis=1)
    reached = np.where(own >= usual[labels], own, -np.inf)
    judged = counts[labels] >= FEW
    margin = np.where(judged, own - other, 1.0)
    suspect = judged & np.isfinite(confident) & (confident > reached) & (other > own)
    return Suspects(suspect, suggested, margin)


def _folds(labels: np.ndarray) -> np.ndarray:
    """Return each photo's fold, int64 [N]: those of a class in turn, in the order of the photos."""
    order = np.argsort(labels, kind="stable")
    folds = np.empty(len(labels), np.int64)
    # Counted on from class to class, so that small classes do not all lie in the first folds.
    folds[order] = np.arange(len(labels)) % FOLDS
    return folds


def _reduction(features: Table) -> Callable[[np.ndarray], np.ndarray]:
    """Return what turns standardised features to their widest directions.

    Of float32 [B, D] it makes float64 [B, ≤ DIRECTIONS].
    """
    photos, width = features.shape
    mean = sum(block.sum(axis=0, dtype=np.float64) for block in blocks(features)) / photos
    square = np.zeros((width, width))
    for block in blocks(features):
        part = block - mean
        square += part.T @ part
    scale = np.sqrt(np.diag(square) / photos)
    scale[scale == 0] = 1
    _, directions = np.linalg.eigh(square / np.outer(scale, scale))
    kept = directions[:, ::-1][:, :DIRECTIONS] / scale[:, np.newaxis]
    return lambda vectors: np.asarray((vectors - mean) @ kept)
