"""Photos with a fault that is seen without a network, and classes with too few photos."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from transfer_learning.photos.dataset import DatasetInfo
from transfer_learning.photos.looks import Looks
from transfer_learning.quality.findings import Fault
from transfer_learning.runtime.errors import clipped

# Levels of 0 to 255 below which a photo is dark, above which white; see photos.looks.Look for these
# and for how little sharpness, colour and variety are measured.
DARK, WHITE = 25.0, 235.0
SHARPNESS, COLOUR, VARIETY = 2.0, 4.0, 5.0
# Pixels of the shorter side: backbones enlarge smaller photos more than twice.
SIDE = 100
# Of the photos, above which a fault is how these photos are.
COMMON = 0.2
# Photos of a class below which its numbers say little, and times that a class may have another's.
FEW, UNEVEN = 50, 3


def faults(info: DatasetInfo, looks: Looks) -> dict[Fault, list[tuple[int, float]]]:
    """Return by fault the numbers of the photos that have it, with what was measured, worst first.

    Photos are numbered as in both arguments. Of the faults of light and sharpness each photo has
    the first one only: of a dark photo the edges and colours are weak too.
    """
    shorter = info.photos.sizes.min(axis=1).astype(np.float32)
    measured: dict[Fault, tuple[np.ndarray, np.ndarray]] = {
        "one colour": (looks.variety < VARIETY, looks.variety),
        "dark": (looks.light < DARK, looks.light),
        "white": (looks.light > WHITE, -looks.light),
        "blurred": (looks.sharpness <= SHARPNESS, looks.sharpness),
        "grey": (looks.colour < COLOUR, looks.colour),
    }
    free = np.ones(len(shorter), bool)
    for fault, (found, values) in measured.items():
        measured[fault] = found & free, values
        free &= ~found
    measured["tiny"] = shorter < SIDE, shorter
    return {
        fault: [
            (number, abs(float(values[number])))
            for number in sorted(
                np.flatnonzero(found).tolist(), key=lambda item: (values[item], item)
            )
        ]
        for fault, (found, values) in measured.items()
        if found.any()
    }


def advice(info: DatasetInfo) -> Iterator[str]:
    """Say which classes have too few photos, and what to do, a sentence each."""
    counts = np.sum([split.per_class for split in info.splits.values()], axis=0).tolist()
    by_class = sorted(zip(counts, info.classes, strict=True))
    if few := [f"{name} ({count})" for count, name in by_class if count < FEW]:
        yield (
            f"fewer than {FEW} photos: {clipped(', '.join(few), 300)}; what is said of such a "
            "class rests on a handful of test photos: add photos, or merge it with another class"
        )
    (least, smallest), (most, largest) = by_class[0], by_class[-1]
    if most >= UNEVEN * least:
        yield (
            f"{largest} has {most:,} photos and {smallest} {least:,}, {most / least:.1f} times "
            "fewer: the accuracy is mostly that of the large classes, so read macro F1 beside it, "
            "and add photos of the small ones before taking any from the large"
        )
