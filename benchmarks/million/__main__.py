"""Minutes and peak memory of every stage after ``extract``, by simulation: features are drawn.

``python -m benchmarks.million --photos 100000`` writes a folder of that many synthetic photos
(docs/memory.md) and runs the stages on it, each as a process of its own.  A peak is what the
system says of the process when it has ended (``ru_maxrss``).  Results go to
benchmarks/results/million.json and million.md.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

# No more: this process's own memory would count as that of what it starts, until that begins.
PROJECT = Path(__file__).parents[2]
RESULTS = PROJECT / "benchmarks/results"
HEADS = ("dense", "logistic")
STAGES = (
    *(f"{stage}@{head}" for stage in ("train", "evaluate", "plot") for head in HEADS),
    "learning_curve",
    "neighbours",
    "quality",
    "compare",
    "select",
    "report",
)


def run(command: list[str], folder: Path) -> dict[str, Any]:
    """Run a command; return its seconds, the processor's, its peak in MB and its last line."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (PROJECT, PROJECT / "src")))}
    with tempfile.TemporaryFile("w+") as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        output.seek(0)
        lines = output.read().strip().splitlines()
    if code := os.waitstatus_to_exitcode(status):
        print(f"{' '.join(command)} ended with {code}:", *lines[-30:], sep="\n", flush=True)
    # In KiB, but on macOS in bytes.
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    last = lines[-1] if lines else ""
    return {
        "seconds": seconds,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_mb": peak / 1e6,
        "code": code,
        "last": last,
    }


def as_markdown(results: dict[str, Any]) -> str:
    """Return the table of all numbers of photos that were measured."""
    counts = sorted(results, key=int)
    lines = [
        "# Memory and minutes, by the number of photos",
        "",
        "Features, photos and labels are synthetic; one process per stage. Made by `python -m "
        "benchmarks.million` (docs/memory.md). Minutes that passed, and minutes of one core: where "
        "others use the machine at the same time, more of the first pass. A stage without numbers "
        "was not run; without `quality`, the page has no findings.",
        "",
        "| stage | "
        + " | ".join(f"{int(n):,} photos: peak MB | minutes | of a core" for n in counts)
        + " |",
        "|---|" + "---:|---:|---:|" * len(counts),
    ]
    for stage in STAGES:
        row = [stage]
        for count in counts:
            found = results[count]["stages"].get(stage)
            row += _cells(found) if found else 3 * [""]
        lines.append(f"| {' | '.join(row)} |")
    changed = (
        f"{int(n):,} photos: `train` with {', '.join(results[n]['train'])}."
        for n in counts
        if results[n]["train"]
    )
    pages = [results[count].get("page_mb") for count in counts]
    lines += [
        "",
        *changed,
        "The page: " + ", ".join(f"{mb:.1f} MB" if mb else "none" for mb in pages) + ".",
        "",
    ]
    return "\n".join(lines)


def _cells(found: dict[str, float]) -> list[str]:
    minutes = (f"{found[key] / 60:.1f}" for key in ("seconds", "cpu_seconds"))
    return [f"{found['peak_mb']:,.0f}", *minutes]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, help="where; kept then. Default: a temporary folder")
    parser.add_argument("--stages", nargs="+", default=list(STAGES), choices=list(STAGES))
    parser.add_argument("--train", nargs="*", default=[], help="KEY=VALUE of that section")
    options = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="million-")) if options.folder is None else options.folder
    folder = root.resolve() / str(options.photos)
    try:
        if not (folder / "data").is_dir():
            command = ["-m", "benchmarks.million.data", str(folder), str(options.photos)]
            made = run([*command, *options.train], PROJECT)
            print(f"the photos: {made['seconds'] / 60:.1f} minutes", flush=True)
        path = RESULTS / "million.json"
        results = json.loads(path.read_text()) if path.is_file() else {}
        entry = results.setdefault(str(options.photos), {"stages": {}})
        entry["train"] = options.train
        for stage in options.stages:
            script, _, name = stage.partition("@")
            found = run(["-m", f"stages.{script}", *([name] if name else [])], folder)
            print(
                f"{stage}: {found['seconds'] / 60:.1f} minutes, peak {found['peak_mb']:,.0f} MB; "
                f"{found['last']}",
                flush=True,
            )
            if not found["code"]:
                kept = ("seconds", "cpu_seconds", "peak_mb")
                entry["stages"][stage] = {key: round(found[key], 1) for key in kept}
        page = folder / "reports/index.html"
        if page.is_file():
            entry["page_mb"] = round(page.stat().st_size / 1e6, 2)
        RESULTS.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(results, indent=2) + "\n")
        (RESULTS / "million.md").write_text(as_markdown(results))
    finally:
        if options.folder is None:
            shutil.rmtree(root)


if __name__ == "__main__":
    main()
