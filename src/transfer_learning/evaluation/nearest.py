"""The training photos nearest to each test photo, and a map of both.

The map is a principal component analysis: of the methods that put photos on a plane, it alone
gives the same picture on every CPU, since t-SNE and UMAP multiply any difference in the features'
last digits.
"""

from __future__ import annotations

import numpy as np
from sklearn.decomposition import PCA

from transfer_learning.evaluation.neighbours import AMONG, STEPS, Neighbours
from transfer_learning.features.features import Features
from transfer_learning.features.subsets import sample, stratified_order
from transfer_learning.runtime.rows import Table, blocks

# Training photos that are shown for a test photo, and on the map.
NEAREST, SAMPLE = 5, 300
# Similarities closer than this are equal: those of one photo twice differ in their last digits.
DECIMALS = 6
# Test photos whose similarities are computed at a time, which bounds the memory.
BLOCK = 256


def find(train: Features, test: Features) -> Neighbours:
    """Return the neighbours of the test photos among the training photos, and the map of both.

    Of more than ``AMONG`` training photos, a stratified sample of so many stands for them.
    """
    train = sample(train, AMONG)
    known = train.features[:]
    nearest, similarity = _nearest(known, test.features)
    shown = np.sort(stratified_order(train.labels, np.random.default_rng(0))[:SAMPLE])
    places, explained = _places(known, test.features)
    # Only those that are shown are kept, under their numbers among these.
    used = np.unique(np.concatenate([nearest.ravel(), shown]))
    return Neighbours(
        test_ids=test.ids[:],
        train_ids=train.ids[used],
        nearest=np.searchsorted(used, nearest),
        similarity=similarity,
        test_places=places[len(train.labels) :],
        sample=np.searchsorted(used, shown),
        sample_places=places[shown],
        explained=explained,
    )


def _nearest(train: np.ndarray, test: Table) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of the nearest training photos, int64 [N, K], and their cosines.

    Equals are in the order of the training photos.
    """
    known = _unit(train)
    rows, cosines = [], []
    for asked in blocks(test, BLOCK):
        cosine = (_unit(asked) @ known.T).round(DECIMALS)
        order = np.argsort(-cosine, axis=1, kind="stable")[:, :NEAREST]
        rows.append(order)
        cosines.append(np.take_along_axis(cosine, order, axis=1))
    return np.concatenate(rows), np.concatenate(cosines).round(2)


def _unit(features: np.ndarray) -> np.ndarray:
    wide = features.astype(np.float64)
    lengths = np.linalg.norm(wide, axis=1, keepdims=True)
    return np.asarray(wide / np.where(lengths > 0, lengths, 1))


def _places(train: np.ndarray, test: Table) -> tuple[np.ndarray, np.ndarray]:
    """Return the places of the training photos, then of the test photos, int64 [T + N, 2].

    And the axes' shares of the training photos' variance, float64 [2].  An axis points to where
    its largest loading is positive (scikit-learn's ``svd_flip``).
    """
    if not np.ptp(train, axis=0).any():
        return np.full((len(train) + len(test), 2), STEPS // 2), np.zeros(2)
    smallest = min(train.shape)
    axes = min(2, smallest)
    # ARPACK, the fastest, finds fewer axes than there are.
    solver = "arpack" if smallest > axes else "full"
    pca = PCA(axes, copy=False, svd_solver=solver, random_state=0).fit(train.astype(np.float64))
    flat = np.concatenate(
        [
            pca.transform(block.astype(np.float64))
            for table in (train, test)
            for block in blocks(table)
        ]
    )
    flat = np.pad(flat, [(0, 0), (0, 2 - axes)])
    low, high = flat.min(axis=0), flat.max(axis=0)
    # One scale for both axes, so that distances mean the same; the shorter one in the middle.
    places = (flat - (low + high) / 2) * (STEPS / (high - low).max()) + STEPS / 2
    shares = np.pad(pca.explained_variance_ratio_, (0, 2 - axes))
    return places.round().astype(np.int64), shares.round(2)
