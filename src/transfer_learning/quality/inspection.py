"""From the data set and the backbones' features to the findings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from transfer_learning.features.features import Features
from transfer_learning.photos import copies
from transfer_learning.photos.copies import Copy
from transfer_learning.photos.dataset import SPLITS, DatasetInfo
from transfer_learning.photos.looks import Looks
from transfer_learning.quality import appearance, labels, neighbours
from transfer_learning.quality.findings import (
    Findings,
    Likeness,
    Odd,
    Outlier,
    Pair,
    Shown,
    Suspect,
)
from transfer_learning.quality.labels import Suspects
from transfer_learning.quality.neighbours import Neighbours

# Distance, in parts of the usual one, above which no backbone would take two photos for copies:
# what has the same greys is not always the same thing.
UNLIKE = 0.9
# Correlation of the greys that one backbone alone needs beside it to call two photos near.
CORROBORATED = 0.7
# Standard deviations, by the quartiles, that an outlier lies above the median, and how many of the
# photos are given at most.
DEVIATIONS, MOST = 3.0, 0.02
# One standard deviation of a normal distribution in parts of its quartiles' distance.
QUARTILES = 0.7413
NEAREST = 3
# Decimals of what is kept: processors differ in later ones.
DECIMALS = 2
# Reads one backbone's features, of all splits in the order of the data set, anew each time.
Read = Callable[[], Features]


@dataclass(frozen=True)
class _Seen:
    """What one backbone's features say by themselves."""

    neighbours: Neighbours
    probabilities: np.ndarray


def inspect(info: DatasetInfo, looks: Looks, backbones: Mapping[str, Read]) -> Findings:
    """Return all that is found.

    The features of one backbone at a time are in memory, and read twice.

    Args:
        info: the data set; its photos are numbered in its order.
        looks: of the same photos, in any order.
        backbones: by name, how to read its features.
    """
    looks = looks.of_photos(info.photos.ids())
    given = info.photos.labels.astype(np.int64)
    # A sum in one thread is the same on every machine; more gain little here.
    with threadpool_limits(1, user_api="blas"):
        seen = {name: _see(read(), given, len(info.classes)) for name, read in backbones.items()}
        found = copies.find(looks)
        suspects = labels.judge(
            np.mean([item.probabilities for item in seen.values()], axis=0), given
        )
        listed = np.array([n for n in suspects.ranking() if suspects.suspect[n]], np.int64)
        pairs = _candidates(found, seen.values())
        first, second = np.array(list(pairs), np.int64).reshape(-1, 2).T
        train = np.flatnonzero(info.photos.splits == SPLITS.index("train"))
        apart: list[np.ndarray] = []
        nearest: list[list[int]] = []
        for name, read in backbones.items():
            vectors = neighbours.unit(read().features)
            distances = neighbours.distance(vectors, first, second)
            if not apart:  # By the first backbone.
                nearest = neighbours.nearest(vectors, listed, train, NEAREST)
            apart.append(distances / seen[name].neighbours.usual)
    shown = _ShownPhotos(info)
    odd = appearance.faults(info, looks)
    common = {
        fault: len(items)
        for fault, items in odd.items()
        if len(items) > max(1, appearance.COMMON * len(shown))
    }
    return Findings(
        photos=len(shown),
        synthetic=info.synthetic,
        classes=info.classes,
        backbones=tuple(backbones),
        pairs=tuple(_pairs(pairs, np.array(apart), looks, shown)),
        suspects=tuple(
            _suspect(number, near, suspects, seen.values(), shown, info.classes)
            for number, near in zip(listed.tolist(), nearest, strict=True)
        ),
        outliers=tuple(_outliers([item.neighbours.far for item in seen.values()], shown)),
        odd=tuple(
            Odd(shown[number], fault, round(value, DECIMALS))
            for fault, items in odd.items()
            if fault not in common
            for number, value in items
        ),
        common=common,
        advice=tuple(appearance.advice(info)),
        corrections=info.corrections,
        grouping=info.grouping,
    )


@dataclass(frozen=True)
class _ShownPhotos(Sequence[Shown]):
    """What is said of each photo, by its number: made when it is asked for."""

    info: DatasetInfo

    def __len__(self) -> int:
        return len(self.info.photos)

    def __getitem__(self, number: int) -> Shown:  # type: ignore[override]
        item = self.info.photos[number]
        return Shown(item.id, item.split, self.info.classes[item.label])


def _see(features: Features, given: np.ndarray, classes: int) -> _Seen:
    vectors = neighbours.unit(features.features)
    return _Seen(neighbours.search(vectors), labels.probabilities(vectors, given, classes))


def _candidates(found: Iterable[Copy], seen: Iterable[_Seen]) -> dict[tuple[int, int], Copy | None]:
    """Return the pairs by their greys, and those that every backbone finds near."""
    near = [set(map(tuple, item.neighbours.near.tolist())) for item in seen]
    pairs: dict[tuple[int, int], Copy | None] = dict.fromkeys(sorted(set.intersection(*near)))
    for item in found:
        pairs[item.first, item.second] = item
    return pairs


def _pairs(
    pairs: Mapping[tuple[int, int], Copy | None],
    apart: np.ndarray,
    looks: Looks,
    shown: Sequence[Shown],
) -> list[Pair]:
    """Return those of the pairs that hold, leaks first, then those with two labels."""
    found = []
    for ((first, second), copy), distances in zip(pairs.items(), apart.T, strict=True):
        if copy is None:
            alone = len(distances) == 1
            greys = looks.grey[np.array([first])], looks.grey[np.array([second])]
            if alone and copies.correlation(*greys)[0] < CORROBORATED:
                continue
        elif not copy.same_bytes and distances.min() > UNLIKE:
            continue
        apart_most = round(float(distances.max()), DECIMALS)
        found.append(Pair(shown[first], shown[second], _likeness(copy), apart_most))
    return sorted(
        found,
        key=lambda pair: (
            not pair.leaks,
            not pair.disagrees,
            pair.likeness != "same bytes",
            pair.apart,
            pair.first.id,
            pair.second.id,
        ),
    )


def _likeness(copy: Copy | None) -> Likeness:
    if copy is None:
        return "near"
    if copy.same_bytes:
        return "same bytes"
    return "mirrored" if copy.mirrored else "same picture"


def _suspect(
    number: int,
    nearest: Sequence[int],
    suspects: Suspects,
    seen: Iterable[_Seen],
    shown: Sequence[Shown],
    classes: Sequence[str],
) -> Suspect:
    probabilities = np.mean([item.probabilities[number] for item in seen], axis=0)
    suggested = int(suspects.suggested[number])
    own = classes.index(shown[number].label)
    return Suspect(
        shown[number],
        classes[suggested],
        round(float(probabilities[own]), DECIMALS),
        round(float(probabilities[suggested]), DECIMALS),
        tuple(shown[near] for near in nearest),
    )


def _outliers(far: Sequence[np.ndarray], shown: Sequence[Shown]) -> list[Outlier]:
    """Return the photos that every backbone finds far from all others, the farthest first."""
    least = np.min(far, axis=0)
    outside = np.ones(len(shown), bool)
    for values in far:
        low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
        deviation = QUARTILES * (high - low)
        outside &= (values > middle + DEVIATIONS * deviation) & (values > 1)
    numbers = sorted(np.flatnonzero(outside).tolist(), key=lambda n: (-least[n].round(DECIMALS), n))
    return [
        Outlier(shown[number], round(float(least[number]), DECIMALS))
        for number in numbers[: max(1, int(MOST * len(shown)))]
    ]
