"""A changed head against a sweep: ``python -m benchmarks.heads``.

In a built clone, in turn: ``dvc repro`` with another dense head, with another logistic one, with
stages that do nothing, which is what DVC takes for itself, and ``transfer-learning sweep``.  Prints
the medians in seconds of wall and of CPU, and what the sweep takes beside three of either.
"""

from __future__ import annotations

import argparse
import os
import resource
import shlex
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.bench.clones import BACKBONES, cold, draw, write, yaml
from benchmarks.bench.processes import run

TIMES = 3
SHOWN = {
    "dense": "dvc repro, dense head",
    "logistic": "dvc repro, logistic head",
    "idle": "dvc repro, stages that do nothing",
    "sweep": "sweep of {} heads",
}


def measured(call: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds of wall and of CPU that the processes take which the call waits for."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = call()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert isinstance(seconds, float)
    return seconds, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def changed(folder: Path, before: Sequence[str] = (), **train: object) -> float:
    """Rebuild with other parameters of the head; ``before`` stands before the command."""
    params = yaml.load(folder / "params.yaml")
    params["train"] |= train
    write(folder, params)
    # Else figures come back from a run before, whose logistic head was the same.
    shutil.rmtree(folder / ".dvc" / "cache" / "runs", ignore_errors=True)
    return run([*before, "dvc", "repro"], folder).seconds


def idle(folder: Path, aside: Path) -> list[str]:
    """Return what to put before ``dvc repro`` for stages that do nothing.

    ``python`` is then a script of the shell that puts a stage's outputs back, a line longer: DVC
    finds other outputs after each stage, as after a real one, and nothing else took time.
    """
    kept, lines = aside / "kept", ['case "$DVC_STAGE" in']
    for stage, entry in yaml.load(folder / "dvc.lock")["stages"].items():
        lines.append(f"{shlex.quote(stage)})")
        for path in (output["path"] for output in entry["outs"]):
            made, source = shlex.quote(path), kept / path
            source.parent.mkdir(parents=True, exist_ok=True)
            if (folder / path).is_dir():
                shutil.copytree(folder / path, source)
                changed = f"{made}/made"
            else:
                shutil.copyfile(folder / path, source)
                changed = made
            lines.append(f"cp -r {shlex.quote(str(source))} {made}; date +%N >> {changed}")
        lines.append(";;")
    script = aside / "bin" / "python"
    script.parent.mkdir()
    script.write_text("\n".join(["#!/bin/sh", *lines, "esac"]))
    script.chmod(0o755)
    path = [str(script.parent), str(Path(sys.executable).parent), os.environ["PATH"]]
    return ["env", f"PATH={os.pathsep.join(path)}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, help="a folder CLASS/PHOTO.jpg; default: drawn ones")
    parser.add_argument("--heads", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()

    found: dict[str, list[tuple[float, float]]] = {name: [] for name in SHOWN}
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        photos = options.photos.resolve() if options.photos else draw(root / "drawn", 200)
        folder, _ = cold(root, photos, list(BACKBONES))
        for number in range(1, options.repeats + 1):
            for head in ("dense", "logistic"):
                # A logistic head takes no seed, but DVC does not know: all is made anew.
                values = {"head": head, "seed": number, "batch_size": 32}
                found[head].append(measured(lambda values=values: changed(folder, **values)))
            with tempfile.TemporaryDirectory(dir=root) as aside:
                before, values = idle(folder, Path(aside)), {"seed": options.repeats + number}
                found["idle"].append(
                    measured(lambda before=before, values=values: changed(folder, before, **values))
                )
            command = ["transfer-learning", "sweep", "--heads", str(options.heads)]
            command += ["--seed", str(number)]
            found["sweep"].append(measured(lambda command=command: run(command, folder).seconds))
    wall, cpu = (
        {name: statistics.median(item[index] for item in items) for name, items in found.items()}
        for index in (0, 1)
    )
    print("| what | wall, s | CPU, s |\n|---|---:|---:|")
    for name in found:
        what = SHOWN[name].format(options.heads)
        print(f"| {what} | {wall[name]:.1f} | {cpu[name]:.1f} |")
    for head in ("dense", "logistic"):
        by_wall, by_cpu = (times["sweep"] / (TIMES * times[head]) for times in (wall, cpu))
        print(
            f"The sweep takes {by_wall:.2f} of the wall and {by_cpu:.2f} of the CPU seconds "
            f"of {TIMES} dvc repro with another {head} head."
        )


if __name__ == "__main__":
    main()
