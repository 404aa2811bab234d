"""Other splits of photos whose features are there already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from transfer_learning.features.features import Features, near
from transfer_learning.runtime.rows import chain, choose


def take(photos: Features, rows: np.ndarray) -> Features:
    """Return the photos of these rows, in their order."""
    features, ids = (near(choose(table, rows)) for table in (photos.features, photos.ids))
    return replace(photos, features=features, labels=photos.labels[rows], ids=ids)


def joined(sets: Sequence[Features]) -> Features:
    """Return the photos of all sets, one after another."""
    return Features(
        chain([item.features for item in sets]),
        np.concatenate([item.labels for item in sets]),
        chain([item.ids for item in sets]),
        sets[0].classes,
    )


def sample(photos: Features, most: int) -> Features:
    """Return at most so many of the photos, in their order: a stratified sample of them."""
    if len(photos.labels) <= most:
        return photos
    order = stratified_order(photos.labels, np.random.default_rng(0))
    return take(photos, np.sort(order[:most]))


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
