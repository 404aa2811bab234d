"""What every stage script does around its one or two calls: exit codes, timings, progress."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from tqdm import tqdm

from transfer_learning.device import describe, label
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
    """Measure the block in seconds of wall time, under ``name``, with the device it ran on.

    Goes into reports/timings.json and, as a table, reports/timings.md.  Times differ from run to
    run, so they are kept out of every file that DVC tracks.  A block that fails leaves both as
    they were.
    """
    start = time.perf_counter()
    yield
    seconds = time.perf_counter() - start
    entry: dict[str, Any] = {"seconds": round(seconds, 3)}
    if photos:
        entry |= {"photos": photos, "photos_per_second": round(photos / seconds, 1)}
    timings = dict(sorted((_read_timings() | {name: entry | {"device": describe()}}).items()))
    write_json(TIMINGS, timings)
    write_text(TIMINGS.with_suffix(".md"), _timings_page(timings))


def _read_timings() -> dict[str, dict[str, Any]]:
    """Return the measurements so far; none where the file is damaged or of an older layout."""
    try:
        timings = json.loads(TIMINGS.read_text(encoding="utf-8"))
        return {name: entry for name, entry in timings.items() if "device" in entry}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def _timings_page(timings: dict[str, dict[str, Any]]) -> str:
    rows = ""
    stages: dict[str, list[str]] = {}
    for name, entry in timings.items():
        photos, speed = (entry.get(key, "") for key in ("photos", "photos_per_second"))
        rows += f"| {name} | {entry['seconds']} | {photos} | {speed} | {label(entry['device'])} |\n"
        facts = ", ".join(f"{key} {value}" for key, value in entry["device"].items())
        stages.setdefault(facts, []).append(name)
    devices = "".join(f"- {', '.join(names)}: {facts}\n" for facts, names in stages.items())
    return (
        "# Measured times\n\n"
        "The last run of each stage here. No results: neither git nor DVC keeps this file.\n\n"
        "| stage | seconds | photos | photos/s | device |\n|---|---:|---:|---:|---|\n"
        f"{rows}\n## Devices\n\n{devices}"
    )
