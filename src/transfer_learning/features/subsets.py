"""Other splits of photos whose features are there already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from transfer_learning.features.features import Features


def take(photos: Features, rows: np.ndarray) -> Features:
    """Return the photos of these rows, in their order."""
    return replace(
        photos, features=photos.features[rows], labels=photos.labels[rows], ids=photos.ids[rows]
    )


def joined(sets: Sequence[Features]) -> Features:
    """Return the photos of all sets, one after another."""
    features, labels, ids = (
        np.concatenate([getattr(item, key) for item in sets])
        for key in ("features", "labels", "ids")
    )
    return Features(features, labels, ids, sets[0].classes)


def stratified_order(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a random order int64 [N] in which any stretch has all classes in their proportion.

    A photo's place is where it stands among those of its class, as a share; equals are shuffled.
    So the first n photos, for any n, are a stratified sample, and larger ones hold the smaller.
    """
    shuffled = rng.permutation(len(labels))
    place = np.empty(len(labels))
    for label in np.unique(labels):
        of_class = shuffled[labels[shuffled] == label]
        place[of_class] = (np.arange(len(of_class)) + 0.5) / len(of_class)
    return np.asarray(shuffled[np.argsort(place[shuffled], kind="stable")])
