"""Photos that show the same picture: the same bytes, or the same greys in the large.

Copies that were saved again, resized, brightened, mirrored or cut a little at the edges are found
from the small grey squares of ``looks``.  Each is described by the lowest frequencies of its
discrete cosine transform, as in the perceptual hash of Zauner (2010, section 3.2), but kept as
numbers; a k-d tree finds the few that are near, and the squares themselves decide.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from scipy.fft import dctn
from scipy.spatial import cKDTree
from threadpoolctl import threadpool_limits

from transfer_learning.photos.looks import SIDE, Looks
from transfer_learning.runtime import hardware, parallel
from transfer_learning.runtime.rows import Table, blocks, choose

# Frequencies across plus down, of the cosine transform: 18 numbers of a photo, of length 1.
FREQUENCIES = 5
# Distance of two such descriptions (at most 2), above which the squares are not compared.
RADIUS = 0.3
# Most neighbours of one photo that are looked at, in each of the ways to hold it.
NEAREST = 8
# A neighbour may be passed over where NEAREST others are less than 1 + SLACK times as far.  Among
# 100,000 drawn flowers the search then takes 0.28 of the time, and 999 in 1,000 find the same.
SLACK = 0.5
# Correlation of the squares from which on two photos show the same: of 1,000 flowers by many
# photographers one pair that does not was above it (docs/quality.md).
SAME = 0.92
# A brighter copy is another one where the light parts are cut off at white.
BRIGHTER = 1.2
# A picture with a smaller standard deviation, in levels of 0 to 255, shows nothing to compare.
FLAT = 2.0
# Where a photo may be cut, as parts of its width and of its height.
_CUT = 0.05
CUTS = ((0.0, 1.0), (0.0, 1 - _CUT), (_CUT, 1.0), (_CUT / 2, 1 - _CUT / 2))
CORNERS = ((1, 1), (1, 2), (2, 1), (2, 2), (3, 3))
# Photos searched for at once, and pairs whose squares are compared at once: it bounds the memory.
SEARCHED, BLOCK = 256, 64


@dataclass(frozen=True)
class Copy:
    """Two photos, by their numbers, that show the same; ``alike`` is the squares' correlation.

    ``same_bytes`` says that the files are equal, ``mirrored`` that one shows the other's mirror
    image.
    """

    first: int
    second: int
    alike: float
    same_bytes: bool = False
    mirrored: bool = False


def find(looks: Looks) -> list[Copy]:
    """Return the pairs of photos that show the same, by their numbers.

    Of files with equal bytes the first is compared with the others, and stands for all of them.
    The memory grows with the number of photos, the time a little faster: no photo is compared with
    more than ``NEAREST`` others in each way, but to find these takes longer among more.
    """
    firsts, same = _same_bytes(looks.sha256)
    return sorted(
        [*same, *_same_pictures(looks.grey, firsts)], key=lambda item: (item.first, item.second)
    )


def groups(count: int, pairs: Iterable[tuple[int, int]]) -> np.ndarray:
    """Return the group of each of ``count`` photos, int64: the lowest number of those linked."""
    group = list(range(count))

    def root(item: int) -> int:
        while group[item] != item:
            group[item] = item = group[group[item]]
        return item

    for pair in pairs:
        low, high = sorted(map(root, pair))
        group[high] = low
    return np.array([root(item) for item in range(count)], np.int64)


def _same_bytes(sha256: np.ndarray) -> tuple[np.ndarray, list[Copy]]:
    """Return the numbers of the photos with bytes of their own, and the copies of the others."""
    by_digest: dict[bytes, list[int]] = defaultdict(list)
    for number, digest in enumerate(sha256):
        by_digest[digest.tobytes()].append(number)
    firsts = np.array([numbers[0] for numbers in by_digest.values()], np.int64)
    return firsts, [
        Copy(first, other, 1.0, same_bytes=True)
        for first, *others in by_digest.values()
        for other in others
    ]


def _same_pictures(grey: Table, firsts: np.ndarray) -> Iterator[Copy]:
    varied = [block.std(axis=(1, 2)) >= FLAT for block in blocks(choose(grey, firsts))]
    chosen = firsts[np.concatenate(varied)]
    if len(chosen) < 2:
        return
    greys = choose(grey, chosen)
    tree = _tree(greys)
    # Sums in one thread are the same on every machine, and the blocks share the cores.
    with (
        threadpool_limits(1, user_api="blas"),
        ThreadPoolExecutor(hardware.cores()) as threads,
    ):
        for mirrored in (False, True):
            found = chosen[_near(greys, tree, threads, mirrored=mirrored)]

            def alike(pairs: np.ndarray, mirrored: bool = mirrored) -> list[Copy]:
                first, second = grey[pairs[:, 0]], grey[pairs[:, 1]]
                values = correlation(first, second[:, :, ::-1] if mirrored else second)
                return [
                    Copy(a, b, value, mirrored=mirrored)
                    for (a, b), value in zip(pairs.tolist(), values.tolist(), strict=True)
                    if value >= SAME
                ]

            for same in parallel.ordered(threads, alike, blocks(found, BLOCK)):
                yield from same


def _tree(grey: Table) -> cKDTree:
    # The default splits at medians, which takes quadratic time where many photos are equal.
    return cKDTree(
        np.concatenate([_described(block) for block in blocks(grey)]), balanced_tree=False
    )


def _near(grey: Table, tree: cKDTree, threads: Executor, *, mirrored: bool) -> np.ndarray:
    """Return the pairs int64 [P, 2], the lower number first, whose descriptions are near."""

    def pairs(rows: np.ndarray) -> np.ndarray:
        found = []
        for part in _ways(grey[rows]):
            described = _described(part[:, :, ::-1] if mirrored else part)
            _, near = tree.query(described, NEAREST + 1, eps=SLACK, distance_upper_bound=RADIUS)
            query, place = np.nonzero(near < len(grey))
            found.append(np.sort(np.column_stack([rows[query], near[query, place]]), axis=1))
        return np.concatenate(found)

    parts = parallel.ordered(threads, pairs, blocks(np.arange(len(grey)), SEARCHED))
    near = np.unique(np.concatenate(list(parts)), axis=0)
    return np.asarray(near[near[:, 0] != near[:, 1]])


def _ways(grey: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the squares as they are, and as a changed copy's would be."""
    yield grey
    yield np.minimum(BRIGHTER * grey, 255)
    for down, across in CORNERS:
        yield _WINDOWS[down] @ grey @ _WINDOWS[across].T


def _described(grey: np.ndarray) -> np.ndarray:
    """Return the lowest frequencies, float32 [N, 18], of squares [N, SIDE, SIDE]."""
    sums = np.add.outer(np.arange(FREQUENCIES), np.arange(FREQUENCIES))
    kept = (sums > 0) & (sums <= FREQUENCIES)
    found = dctn(grey.astype(np.float32), axes=(1, 2), norm="ortho")[:, :FREQUENCIES, :FREQUENCIES]
    return _of_length_1(found[:, kept])


def correlation(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return, float64 [P], how alike the squares uint8 [P, SIDE, SIDE] are at best, at most 1.

    Either may be a cut of the other.
    """
    best = np.zeros(len(first))
    for start in range(0, len(first), BLOCK):
        block = slice(start, start + BLOCK)
        for whole, cut in ((first[block], second[block]), (second[block], first[block])):
            best[block] = np.maximum(best[block], _at_best(whole.astype(float), cut.astype(float)))
    return best


def _at_best(whole: np.ndarray, cut: np.ndarray) -> np.ndarray:
    """Return the highest correlation of ``cut`` with any window of ``whole``."""
    count = len(whole)
    rows = np.einsum("wij,njk->nwik", _WINDOWS, whole, optimize=True)
    windows = np.einsum("nwik,vlk->nwvil", rows, _WINDOWS, optimize=True)
    target = _standardised(cut.reshape(count, 1, -1))
    return np.asarray((_standardised(windows.reshape(count, -1, SIDE**2)) * target).sum(-1).max(1))


def _standardised(values: np.ndarray) -> np.ndarray:
    return _of_length_1(values - values.mean(axis=-1, keepdims=True))


def _of_length_1(values: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(values, axis=-1, keepdims=True)
    return np.asarray(values / np.maximum(lengths, np.finfo(np.float32).tiny))


def _window(start: float, end: float) -> np.ndarray:
    """Return the matrix [SIDE, SIDE] that makes a part of a row as long as the row, bilinearly."""
    place = np.clip((start + (end - start) * (np.arange(SIDE) + 0.5) / SIDE) * SIDE - 0.5, 0, None)
    left = np.minimum(place.astype(int), SIDE - 2)
    share = np.minimum(place - left, 1)
    matrix = np.zeros((SIDE, SIDE))
    matrix[np.arange(SIDE), left] = 1 - share
    matrix[np.arange(SIDE), left + 1] = share
    return matrix


_WINDOWS = np.stack([_window(start, end) for start, end in CUTS])
