"""Work on all cores, in order, without piling up."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def ordered(
    executor: Executor, function: Callable[[T], R], items: Iterable[T], *, ahead: int = 32
) -> Iterator[R]:
    """Yield ``function`` of each item, in their order; at most ``ahead`` are under way or wait.

    ``Executor.map`` would take all items at once (up to Python 3.13, before ``buffersize``).
    """
    pending: deque[Future[R]] = deque()
    for item in items:
        pending.append(executor.submit(function, item))
        if len(pending) == ahead:
            yield pending.popleft().result()
    while pending:
        yield pending.popleft().result()
