"""Bars of photos done, photos/s and time left."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from tqdm import tqdm

T = TypeVar("T")


def progress(items: Iterable[T], bar: tqdm) -> Iterator[T]:
    """Yield the items and advance the bar by one for each."""
    for item in items:
        yield item
        bar.update()


def progress_bar(*, total: int, what: str, unit: str = "photo") -> tqdm:
    """Return a bar of units done, units/s and time left; call ``update(n)`` and ``close()``."""
    # Here because a stage without a bar, such as a logistic head, does without it.
    from tqdm import tqdm

    # Away from a terminal each refresh is a new line, so it is refreshed rarely there.
    interval = 0.2 if sys.stderr.isatty() else 5.0
    return tqdm(total=total, desc=what, unit=unit, mininterval=interval)
