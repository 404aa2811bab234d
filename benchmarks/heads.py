"""A changed head against a sweep: ``python -m benchmarks.heads``.

In a built clone, in turn: ``dvc repro`` with another dense head, with another logistic one, and
``transfer-learning sweep``.  Prints the medians in seconds of wall and of CPU, and what the sweep
takes beside three of either.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.bench.clones import BACKBONES, cold, draw, repro, write, yaml
from benchmarks.bench.processes import run

TIMES = 3


def measured(call: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds of wall and of CPU that the processes take which the call waits for."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = call()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert isinstance(seconds, float)
    return seconds, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def changed(folder: Path, **train: object) -> float:
    """Rebuild with other parameters of the head."""
    params = yaml.load(folder / "params.yaml")
    params["train"] |= train
    write(folder, params)
    return repro(folder).seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, help="a folder CLASS/PHOTO.jpg; default: drawn ones")
    parser.add_argument("--heads", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()

    found: dict[str, list[tuple[float, float]]] = {"dense": [], "logistic": [], "sweep": []}
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        photos = options.photos.resolve() if options.photos else draw(root / "drawn", 200)
        folder, _ = cold(root, photos, list(BACKBONES))
        for number in range(1, options.repeats + 1):
            for head in ("dense", "logistic"):
                # A logistic head takes no seed, but DVC does not know: all is made anew.
                values = {"head": head, "seed": number, "batch_size": 32}
                found[head].append(measured(lambda values=values: changed(folder, **values)))
            command = ["transfer-learning", "sweep", "--heads", str(options.heads)]
            command += ["--seed", str(number)]
            found["sweep"].append(measured(lambda command=command: run(command, folder).seconds))
    wall, cpu = (
        {name: statistics.median(item[index] for item in items) for name, items in found.items()}
        for index in (0, 1)
    )
    print("| what | wall, s | CPU, s |\n|---|---:|---:|")
    for name in found:
        what = f"sweep of {options.heads} heads" if name == "sweep" else f"dvc repro, {name} head"
        print(f"| {what} | {wall[name]:.1f} | {cpu[name]:.1f} |")
    for head in ("dense", "logistic"):
        by_wall, by_cpu = (times["sweep"] / (TIMES * times[head]) for times in (wall, cpu))
        print(
            f"The sweep takes {by_wall:.2f} of the wall and {by_cpu:.2f} of the CPU seconds "
            f"of {TIMES} dvc repro with another {head} head."
        )


if __name__ == "__main__":
    main()
