"""Which photos' features are near each other, measured by how far neighbours usually are.

No search of all pairs: each photo is compared with ``references`` photos, spread evenly over all,
and then with the photos that have one of its nearest references among theirs.  The number of
references grows with the square root of the photos, so the time grows with their power of 1.5 and
the memory with their number.  Up to ``EXACT`` photos all are references, and nothing is missed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from sklearn.neighbors import NearestNeighbors

from transfer_learning.runtime.rows import Rows, Table, blocks

# Photos up to which all are references; of more, so many times their square root are.
EXACT, PER_ROOT = 2_000, 12
# The neighbour whose distance says how far neighbours are: not the first, which may be a copy.
NEIGHBOUR = 5
# Photos below which the fifth nearest is no neighbour, and none are given as near.
FEWEST = 20
# Distance of two photos, in parts of the usual one, up to which they are given as near.
NEAR = 0.55
# Nearest references that two near photos are expected to share one of.
SHARED = 4
# Photos with the same nearest reference that are compared with each other at once: of more, such as
# of equal ones, each is compared with those beside it.
CELL = 2_048
# Near photos that are given of one photo; where more are, it is one of a heap of equal ones.
MOST = 8
# Photos among which the nearest of a suspect one are sought, and photos asked for at once.
AMONG, ASKED = 20_000, 256
# Photos whose features are turned to float64 at once.
BLOCK = 4_096
_TINY = np.finfo(np.float32).tiny


@dataclass(frozen=True)
class Neighbours:
    """Of N photos by one backbone; distances are between unit vectors, at most 2.

    ``usual`` is the median distance to the ``NEIGHBOUR``-th nearest reference, ``far`` float64 [N]
    that distance in parts of the usual one, and ``near`` int64 [P, 2] the pairs up to ``NEAR``.
    """

    usual: float
    far: np.ndarray
    near: np.ndarray


class Unit(Rows):
    """Features float32 [N, D], scaled to length 1 as they are asked for."""

    def __init__(self, features: Table) -> None:
        self._features = features
        self.shape, self.dtype = features.shape, features.dtype

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        found = self._features[rows]
        return np.asarray(found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), _TINY))


def unit(features: Table) -> Table:
    """Scale features float32 [N, D] to length 1: what is in memory at once, the rest when asked."""
    vectors = Unit(features)
    return vectors[:] if isinstance(features, np.ndarray) else vectors


def search(vectors: Table) -> Neighbours:
    """Find the neighbours of photos by their unit vectors float32 [N, D]."""
    references = _references(len(vectors))
    # Each reference is its own nearest one.
    count = min(NEIGHBOUR + 1, len(references))
    index = NearestNeighbors(n_neighbors=count, algorithm="brute").fit(vectors[references])
    places = np.concatenate(
        [index.kneighbors(block, return_distance=False) for block in blocks(vectors)]
    )
    numbers = np.arange(len(vectors))
    own = (references[places] == numbers[:, np.newaxis]).any(axis=1)
    last = np.where(own, count - 1, max(count - 2, 0))
    distances = distance(vectors, numbers, references[places[numbers, last]])
    # Of equal photos all distances are 0: none is usual, and only equal ones are near.
    usual = float(np.median(distances)) or 1.0
    shared = places[:, :SHARED] if len(vectors) >= FEWEST else places[:, :0]
    near = _near(vectors, shared, NEAR * usual)
    return Neighbours(usual, distances / usual, near)


def nearest(vectors: Table, photos: np.ndarray, among: np.ndarray, count: int) -> list[list[int]]:
    """Return for each of the photos the numbers of up to ``count`` of others, nearest first.

    Args:
        vectors: unit vectors float32 [N, D].
        photos: numbers int64 [P] of those asked for.
        among: numbers int64 [M] of those to choose from, of which ``AMONG`` are looked at, evenly
            spread; a photo itself is left out.
        count: how many.
    """
    among = among[_spread(len(among), AMONG)]
    known = vectors[among]
    found = []
    for start in range(0, len(photos), ASKED):
        asked = photos[start : start + ASKED]
        # Rounded, so that equals keep their order on every processor.
        products = (vectors[asked] @ known.T).round(5)
        products[asked[:, np.newaxis] == among] = -np.inf
        order = np.argsort(-products, axis=1, kind="stable")[:, :count]
        kept = np.isfinite(np.take_along_axis(products, order, axis=1))
        found += [among[row[own]].tolist() for row, own in zip(order, kept, strict=True)]
    return found


def distance(vectors: Table, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the distances float64 [P] of pairs of photos, given by their numbers int64 [P]."""
    found = np.empty(len(first))
    for start in range(0, len(first), BLOCK):
        block = slice(start, start + BLOCK)
        difference = vectors[first[block]].astype(np.float64) - vectors[second[block]]
        found[block] = np.sqrt((difference**2).sum(axis=1))
    return found


def _references(photos: int) -> np.ndarray:
    return _spread(photos, photos if photos <= EXACT else max(EXACT, int(PER_ROOT * photos**0.5)))


def _spread(photos: int, most: int) -> np.ndarray:
    """Return the numbers of at most so many of the photos, evenly spread."""
    count = min(photos, most)
    return np.arange(count) * photos // max(count, 1)


def _near(vectors: Table, places: np.ndarray, radius: float) -> np.ndarray:
    """Return the pairs within the radius that share one of their nearest references."""
    found = [np.empty((0, 2), np.int64)]
    # A margin for what float32 rounds away; the distances themselves decide below.
    least = np.float32(1 - radius**2 / 2 - 1e-4)
    for cell in _cells(places):
        members = vectors[cell]
        first, second = np.nonzero(members @ members.T >= least)
        first, second = first[first < second], second[first < second]
        # Of each photo the next ones, which bounds the pairs of a heap of equal photos.
        kept = _rank(first) < MOST
        found.append(np.column_stack([cell[first[kept]], cell[second[kept]]]))
    pairs = np.unique(np.sort(np.concatenate(found), axis=1), axis=0)
    pairs = pairs[distance(vectors, *pairs.T) <= radius]
    return np.asarray(pairs[_rank(pairs[:, 0]) < MOST])


def _cells(places: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the numbers of the photos that have one reference among their nearest, sorted."""
    width = places.shape[1]
    order = np.argsort(places.ravel(), kind="stable")
    starts = np.flatnonzero(np.diff(places.ravel()[order], prepend=-1))
    for members in np.split(order // width, starts[1:]):
        for start in range(0, len(members), CELL):
            if len(cell := members[start : start + CELL]) > 1:
                yield cell


def _rank(sorted_values: np.ndarray) -> np.ndarray:
    """Return how many equal values stand before each one."""
    return np.arange(len(sorted_values)) - np.searchsorted(sorted_values, sorted_values)
