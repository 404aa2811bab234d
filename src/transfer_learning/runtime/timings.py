"""``reports/timings.json``: how long the last run of each stage took, and on what.

Times differ from run to run, so they are kept out of every file that DVC tracks.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from transfer_learning.runtime.files import write_json, write_text
from transfer_learning.runtime.hardware import describe, label

TIMINGS = Path("reports/timings.json")


@contextmanager
def timed(name: str, *, photos: int | None = None) -> Iterator[dict[str, str]]:
    """Measure the block in seconds of wall time, under ``name``, with the device it ran on.

    Goes into reports/timings.json and, as a table, reports/timings.md.  Times differ from run to
    run, so they are kept out of every file that DVC tracks.  A block that fails leaves both as
    they were.  What the block puts into the dictionary that it gets is noted with the device.
    """
    start = time.perf_counter()
    noted: dict[str, str] = {}
    yield noted
    seconds = time.perf_counter() - start
    entry: dict[str, Any] = {"seconds": round(seconds, 3)}
    if photos:
        entry |= {"photos": photos, "photos_per_second": round(photos / seconds, 1)}
    timings = dict(
        sorted((_read_timings() | {name: entry | {"device": describe() | noted}}).items())
    )
    write_json(TIMINGS, timings)
    write_text(TIMINGS.with_suffix(".md"), _timings_page(timings))


def devices() -> dict[str, dict[str, str]]:
    """Return what the last run of each stage here ran on, as ``hardware.describe`` says it."""
    return {name: entry["device"] for name, entry in _read_timings().items()}


def seconds() -> dict[str, float]:
    """Return how long the last run of each stage here took."""
    return {name: entry["seconds"] for name, entry in _read_timings().items()}


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
