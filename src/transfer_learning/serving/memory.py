"""How many bytes of bodies all requests may hold at once."""

from __future__ import annotations

from types import TracebackType

from transfer_learning.serving.problems import Problem


class Memory:
    """The bytes that are held; used in the event loop alone, so it needs no lock."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0

    def held(self) -> Held:
        """Return what one request holds: a context, at whose end it holds nothing."""
        return Held(self)


class Held:
    """The bytes of one request."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._bytes = 0

    def add(self, count: int) -> None:
        """Hold so many more.

        Raises:
            Problem: all requests together would hold more than they may.
        """
        if self._memory.used + count > self._memory.limit:
            raise Problem(503, "the server holds as many uploads as it may", retry_after=2)
        self._memory.used += count
        self._bytes += count

    def __enter__(self) -> Held:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._memory.used -= self._bytes
