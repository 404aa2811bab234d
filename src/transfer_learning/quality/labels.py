"""Labels that are probably wrong, by confident learning on probabilities from outside of the fold.

C. Northcutt, L. Jiang, I. Chuang: Confident Learning, JAIR 70 (2021), with the method that it calls
"C_confusion pruned by the joint": a photo is suspect where a class other than its own reaches the
mean probability that this class has on photos labelled so, and its own class does not beat it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression

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
# Rows turned to float64 at once.
BLOCK = 4_096


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


def probabilities(features: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """Return each photo's probabilities by a head that has not seen it, float64 [N, classes].

    Args:
        features: float32 [N, D].
        labels: int64 [N].
        classes: how many there are, photos or not.
    """
    reduced, folds = _reduced(features), _folds(labels)
    found = np.zeros((len(labels), classes))
    for fold in np.unique(folds):
        held, seen = folds == fold, folds != fold
        present = np.unique(labels[seen])
        if len(present) < 2:  # Nothing to tell apart.
            found[np.ix_(held, present)] = 1
            continue
        model = LogisticRegression(C=1 / STRENGTH, tol=TOLERANCE, max_iter=ITERATIONS)
        model.fit(reduced[seen], labels[seen])
        found[np.ix_(held, present)] = model.predict_proba(reduced[held])
    return found


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


def _reduced(features: np.ndarray) -> np.ndarray:
    """Return standardised features turned to their widest directions, float64 [N, ≤ DIRECTIONS]."""
    photos, width = features.shape
    mean = features.mean(axis=0, dtype=np.float64)
    square = np.zeros((width, width))
    for start in range(0, photos, BLOCK):
        part = features[start : start + BLOCK] - mean
        square += part.T @ part
    scale = np.sqrt(np.diag(square) / photos)
    scale[scale == 0] = 1
    _, directions = np.linalg.eigh(square / np.outer(scale, scale))
    kept = directions[:, ::-1][:, :DIRECTIONS] / scale[:, np.newaxis]
    found = np.empty((photos, kept.shape[1]))
    for start in range(0, photos, BLOCK):
        found[start : start + BLOCK] = (features[start : start + BLOCK] - mean) @ kept
    return found
