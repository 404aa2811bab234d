"""What every stage script does around its one or two calls: exit codes, timings, progress."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from tqdm import tqdm

from transfer_learning.errors import UserError

TIMINGS = Path("reports/timings.json")
T = TypeVar("T")


def run(main: Callable[[], None]) -> None:
    """Run a stage; turn bad input into one short message and exit code 1, Ctrl-C into 130."""
    try:
        main()
    except UserError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        print(
            "interrupted: nothing of this stage is kept; run it again to redo it", file=sys.stderr
        )
        sys.exit(130)


def progress(items: Iterable[T], bar: tqdm) -> Iterator[T]:
    """Yield the items and advance the bar by one for each."""
    for item in items:
        yield item
        bar.update()


def progress_bar(*, total: int, what: str) -> tqdm:
    """Return a bar of photos done, photos/s and time left; call ``update(n)`` and ``close()``."""
    # Away from a terminal each refresh is a new line, so it is refreshed rarely there.
    interval = 0.2 if sys.stderr.isatty() else 5.0
    return tqdm(total=total, desc=what, unit="photo", mininterval=interval)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text with Unix line ends, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".part")
    temporary.write_bytes(text.encode())
    temporary.replace(path)


def write_json(path: Path, value: object) -> None:
    """Write JSON with a fixed layout, so that equal values give equal bytes."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


@contextmanager
def timed(name: str, *, photos: int | None = None) -> Iterator[None]:
    """Measure the block in seconds of wall time into reports/timings.json under ``name``.

    Times differ from run to run, so they are kept out of every file that DVC tracks.
    """
    start = time.perf_counter()
    yield
    seconds = time.perf_counter() - start
    try:
        timings = json.loads(TIMINGS.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        timings = {}
    timings[name] = {"seconds": round(seconds, 3)}
    if photos:
        timings[name] |= {"photos": photos, "photos_per_second": round(photos / seconds, 1)}
    write_json(TIMINGS, dict(sorted(timings.items())))
