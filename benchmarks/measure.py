"""What the small benchmarks share: photos to work on, and medians of ways timed in turn."""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path

from transfer_learning.sources.synthetic.render import CLASSES, render


def options(description: str | None, *, photos: int) -> argparse.Namespace:
    """Parse ``--photos FOLDER`` (PATH/CLASS/*.jpg), ``--count`` and ``--repeats``."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--photos", type=Path, help="FOLDER/CLASS/*.jpg; else drawn (synthetic)")
    parser.add_argument("--count", type=int, default=photos, help="how many photos to use")
    parser.add_argument("--repeats", type=int, default=5)
    return parser.parse_args()


def encoded(folder: Path | None, count: int) -> list[bytes]:
    """Return ``count`` JPEGs of all classes; those of the folder again and again if they are few.

    Drawn ones are 100 different ones at most, since drawing takes longer than what is measured.
    """
    if folder is None:
        photos = [render(seed=0, label=i % len(CLASSES), index=i) for i in range(min(count, 100))]
    else:
        paths = sorted(folder.glob("*/*.jpg"), key=lambda path: path.name)
        photos = [path.read_bytes() for path in paths[:count]]
    return list(islice(cycle(photos), count))


def rounds(ways: dict[str, Callable[[], object]], repeats: int) -> dict[str, list[float]]:
    """Return the seconds of each way, ``repeats`` of them; the ways are run in turn.

    In turn, because a machine that others use too gets faster and slower.  A first round, in
    which caches fill and graphs are traced, does not count.
    """
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeats + 1):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            times[name].append(time.perf_counter() - start)
    return {name: values[1:] for name, values in times.items()}


def seconds(ways: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Return the median seconds of each way, as ``rounds`` measures them."""
    return {name: statistics.median(values) for name, values in rounds(ways, repeats).items()}
