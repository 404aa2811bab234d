"""The whole pipeline by the number of photos: seconds, what a photo more takes, peak memory.

``python -m benchmarks.bench.scale`` builds it from 1,000, 10,000 and 100,000 drawn photos, each
once: an hour and 20 GB of disk for the last.  Results go to benchmarks/results/scale.json and
scale.md after each size.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.bench.__main__ import RESULTS, machine
from benchmarks.bench.clones import cold, repro
from benchmarks.disk import taken


def measure(root: Path, size: int) -> dict[str, Any]:
    """Return seconds and peak memory per stage, seconds of a rebuild of nothing, and bytes."""
    folder, built = cold(root, size, ["mobilenet_v2"])
    result = {
        "seconds": built.seconds,
        "nothing": repro(folder).seconds,
        "stages": built.stages,
        "peak_mb": {stage: built.peaks.get(stage, 0.0) for stage in built.stages},
        "page_mb": (folder / "reports" / "index.html").stat().st_size / 1e6,
        "disk_mb": taken([folder / "data", folder / ".dvc" / "cache"]) / 1e6,
    }
    shutil.rmtree(folder)
    return result


def as_markdown(results: dict[str, Any]) -> str:
    """Return the tables."""
    lines = [
        "# The pipeline by the number of photos",
        "",
        ", ".join(f"{key} {value}" for key, value in results["machine"].items())
        + ". Drawn photos (synthetic), MobileNet-v2, from an empty cache, once; `python -m "
        "benchmarks.bench.scale` makes this file.",
        "",
    ]
    return "\n".join([*lines, *tables(results["scale"])])


def tables(scale: dict[str, dict[str, Any]]) -> list[str]:
    """Return seconds, what a photo more takes from one size to the next, and peak memory."""
    sizes = sorted(scale, key=int)
    steps = list(pairwise(sizes))
    names = [name for name in scale[sizes[0]]["stages"] if name != "start"]
    seconds: dict[str, list[float]] = {
        name: [scale[size]["stages"].get(name, 0.0) for size in sizes] for name in names
    }
    seconds["all"] = [scale[size]["seconds"] for size in sizes]
    seconds["rebuild of nothing"] = [scale[size]["nothing"] for size in sizes]
    head = [f"{int(size):,} photos, s" for size in sizes]
    head += [f"{int(few):,} to {int(many):,}, ms a photo" for few, many in steps]
    lines = ["| stage | " + " | ".join(head) + " |", "|---" * (len(head) + 1) + "|"]
    for name, values in seconds.items():
        more = [
            1000 * (after - before) / (int(many) - int(few))
            for (before, after), (few, many) in zip(pairwise(values), steps, strict=True)
        ]
        cells = [f"{value:.1f}" for value in values] + [f"{value:.2f}" for value in more]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    lines += [
        "",
        "Peak MB of a stage's processes, the pages of files that they have mapped included.",
    ]
    lines += ["", "| stage | " + " | ".join(f"{int(size):,} photos" for size in sizes) + " |"]
    lines.append("|---" * (len(sizes) + 1) + "|")
    for name in names:
        peaks = (scale[size]["peak_mb"].get(name, 0.0) for size in sizes)
        lines.append(f"| {name} | " + " | ".join(f"{peak:.0f}" for peak in peaks) + " |")
    for size in sizes:
        page, disk = scale[size]["page_mb"], scale[size]["disk_mb"]
        lines += ["", f"{int(size):,} photos: {disk:,.0f} MB of disk, a page of {page:.1f} MB."]
    return [*lines, ""]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", nargs="+", type=int, default=[1000, 10_000, 100_000])
    options = parser.parse_args()
    results: dict[str, Any] = {"machine": machine(), "scale": {}}
    with tempfile.TemporaryDirectory() as temporary:
        for size in options.sizes:
            results["scale"][str(size)] = measure(Path(temporary), size)
            (RESULTS / "scale.json").write_text(json.dumps(results, indent=2) + "\n")
            (RESULTS / "scale.md").write_text(as_markdown(results))


if __name__ == "__main__":
    main()
