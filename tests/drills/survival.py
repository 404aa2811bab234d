"""Runs what may hang, fill the memory or crash in a process of its own, and tells how it ended."""

from __future__ import annotations

import gc
import multiprocessing
import os
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection

import pytest

# How many times the number of random trials that CI has time for.
DRILLS = int(os.environ.get("DRILLS", "1"))


@dataclass(frozen=True)
class End:
    """How a call ended: its result or exception in words, what it took.

    ``megabytes`` are those it added; ``busy_seconds`` those of the processor, whatever else it had
    to do.
    """

    words: str
    seconds: float
    megabytes: float
    busy_seconds: float = 0.0


def end_of(call: Callable[[], object], *, most_seconds: float) -> End:
    """Call it in a forked process, which is killed after that many seconds."""
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(target=_child, args=(call, sender))
    start = time.perf_counter()
    process.start()
    sender.close()
    try:
        if not receiver.poll(most_seconds):
            return End("HUNG", time.perf_counter() - start, 0)
        return End(*receiver.recv())
    except EOFError:
        process.join()
        return End(f"CRASHED with {process.exitcode}", time.perf_counter() - start, 0)
    finally:
        process.kill()
        process.join()
        receiver.close()


def _child(call: Callable[[], object], sender: Connection) -> None:
    # What the system says of the process while it works belongs to no test's output.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    # Else the first collection of garbage goes through all that the parent has, page by page.
    gc.freeze()
    before, start, busy = _peak(), time.perf_counter(), time.process_time()
    try:
        words = f"returned {call()!s:.200}"
    except Exception as error:
        words = f"{type(error).__name__}: {error}"
    seconds, busy = time.perf_counter() - start, time.process_time() - busy
    sender.send((words, seconds, _peak() - before, busy))


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


class Table:
    """What was tried and how it ended, printed when the module's tests are over."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.rows: list[tuple[str, End, bool]] = []

    def add(self, name: str, end: End, *, survived: bool) -> None:
        self.rows.append((name, end, survived))

    def print(self, config: pytest.Config) -> None:
        survived = sum(row[2] for row in self.rows)
        with config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
            print(f"\n\n{self.title}: {len(self.rows)} tried, {survived} survived")
            for name, end, good in self.rows:
                words = end.words if len(end.words) < 90 else end.words[:89] + "…"
                print(
                    f"{'  ' if good else '! '}{name:<36}{end.seconds:6.2f} s{end.megabytes:5.0f} MB"
                    f"  {words}"
                )
