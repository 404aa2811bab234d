"""Candidates timed in turn, each in a process of its own."""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.engines.candidates import BASE, CANDIDATES, CONVERTED, CORES, missing
from transfer_learning.backbones.artifact import BackboneInfo

PROJECT = Path(__file__).parents[2]


def work(index: int, artifact: Path, seconds: float, begun: float) -> dict[str, Any]:
    """Load a candidate and run it for so many seconds; in a process of its own."""
    candidate = CANDIDATES[index]
    resolution = BackboneInfo.read(artifact).resolution
    shape = (candidate.batch, resolution, resolution, 3)
    run = candidate.load(
        artifact, np.random.default_rng(0).integers(0, 256, shape, np.uint8), candidate.each
    )
    (features,) = run(1)
    start = time.time() - begun
    times = max(2 * CORES, 64 // candidate.batch)
    walls, cpus = [], []
    while sum(walls) < seconds:
        wall, cpu = time.perf_counter(), time.process_time()
        run(times)
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    photos = times * candidate.batch
    return {
        "photos_per_second": [photos / wall for wall in walls],
        "photos_per_cpu_second": [photos / cpu for cpu in cpus],
        "start": start,
        "peak_mb": peak_mb(),
        "features": features[:4].tolist(),
    }


def peak_mb() -> float:
    """Return this process's peak memory; getrusage's would be its parent's, if that had more."""
    status = Path("/proc/self/status").read_text()
    (kilobytes,) = re.findall(r"VmHWM:\s+(\d+) kB", status)
    return int(kilobytes) / 1024


def in_a_process(*arguments: str) -> str:
    """Run this program with other arguments; return its last line."""
    command = [sys.executable, "-m", "benchmarks.engines", *arguments]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\n{done.stderr[-3000:]}")
    return done.stdout.splitlines()[-1] if done.stdout else ""


def compare(artifact: Path, *, rounds: int, seconds: float) -> list[dict[str, Any]]:
    """Return a row for each candidate that is installed."""
    chosen = [i for i, c in enumerate(CANDIDATES) if not missing(c)]
    conversion = {}
    for name in {CANDIDATES[index].name for index in chosen} & set(CONVERTED):
        begun = time.perf_counter()
        in_a_process("--convert", CONVERTED[name], str(artifact))
        conversion[name] = time.perf_counter() - begun
    results: dict[int, list[dict[str, Any]]] = {index: [] for index in chosen}
    for turn in range(rounds):
        for index in chosen:
            begun = str(time.time())
            worker = ("--work", str(index), str(artifact), str(seconds), begun)
            results[index].append(json.loads(in_a_process(*worker)))
            print(f"{artifact.name}: round {turn + 1}, {CANDIDATES[index].name}", flush=True)
    reference = np.array(results[0][0]["features"])
    (base_index,) = [index for index in chosen if CANDIDATES[index].name == BASE]
    base = [statistics.median(run["photos_per_second"]) for run in results[base_index]]
    rows = []
    for index, runs in results.items():
        candidate = CANDIDATES[index]
        by_round = [statistics.median(run["photos_per_second"]) for run in runs]
        error = np.abs(np.array(runs[0]["features"]) - reference).max() / np.abs(reference).max()
        rows.append(
            {
                "network": artifact.name,
                "engine": candidate.name,
                "batch": candidate.batch,
                "at_a_time": CORES if candidate.each else 1,
                "photos_per_second": statistics.median(by_round),
                "best": max(max(run["photos_per_second"]) for run in runs),
                "photos_per_cpu_second": max(max(run["photos_per_cpu_second"]) for run in runs),
                "ratio": statistics.median(a / b for a, b in zip(by_round, base, strict=True)),
                "start": min(run["start"] for run in runs),
                "convert": conversion.get(candidate.name),
                "peak_mb": max(run["peak_mb"] for run in runs),
                "error": float(error),
                "same_bytes": all(run["features"] == runs[0]["features"] for run in runs),
                "installed_mb": installed_mb(candidate.distribution),
            }
        )
    return rows


def installed_mb(name: str) -> float | None:
    """Return the size of a distribution's files."""
    try:
        files = distribution(name).files or []
    except PackageNotFoundError:
        return None
    paths = [Path(str(file.locate())) for file in files]
    return sum(path.stat().st_size for path in paths if path.is_file()) / 1e6
