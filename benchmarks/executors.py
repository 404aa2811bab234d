"""The executors side by side: photos/s, what a unit costs, and how far a cluster would go.

python -m benchmarks.executors CLONE BACKBONE reads a built clone's data and writes
benchmarks/results/executors.json and .md.  Everything is run in turn, in rounds, with as many of
Ray's workers as there are cores here; start-up is left out.  The last table is on paper.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import metadata
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from benchmarks.bench.__main__ import RESULTS, machine
from transfer_learning.backbones.artifact import BackboneInfo
from transfer_learning.config import params, paths
from transfer_learning.features import extractor
from transfer_learning.photos import preprocessing, shards
from transfer_learning.photos.dataset import DatasetInfo
from transfer_learning.photos.records import SHARD
from transfer_learning.runtime import hardware
from transfer_learning.work import executors, units
from transfer_learning.work.units import Job, Unit

EXECUTORS = (executors.LOCAL, executors.RAY)
# For each worker.
UNITS = 5
EMPTY_UNITS = 400
CLUSTERS = (16, 64, 256)
# Of shared storage: what a link of 10 Gbit/s carries, and of 100 Gbit/s.
LINKS = {"10 Gbit/s": 1250.0, "100 Gbit/s": 12500.0}
MEGABYTE = 1e6
WRITTEN = 512 * 2**20


class Nothing:
    """A worker whose units are no work: what is left is the executor's own."""

    def __init__(self, cores: int) -> None: ...

    def __call__(self, unit: Unit, target: Path, advance: Callable[[int], object]) -> None:
        """Write an empty file."""
        target.touch()


@contextmanager
def executor(name: str) -> Iterator[None]:
    """Let the environment ask for an executor."""
    os.environ[executors.EXECUTOR] = name
    yield
    del os.environ[executors.EXECUTOR]


def further(job: Job, todo: list[Unit], folder: Path) -> dict[str, float]:
    """Return what a further unit takes, in seconds and in seconds of this process's processor.

    From the moment on at which each worker can have done one: start-up is over by then, and a
    worker that began before another has idle at the end what it had done before.
    """
    moments = []
    with units.results(job, todo, folder, lambda photos: None) as results:
        for _ in results:
            moments.append((time.perf_counter(), time.process_time()))
    begin = hardware.cores() - 1
    count = len(moments) - 1 - begin
    (start, used), (end, used_by_end) = moments[begin], moments[-1]
    return {"seconds": (end - start) / count, "cpu": (used_by_end - used) / count}


def jobs(backbone: str) -> dict[str, tuple[Job, list[Unit]]]:
    """Return the jobs and units of the stages, of full shards alone, as many for each worker."""
    settings, info = params.load(), DatasetInfo.read()
    side = BackboneInfo.read(paths.backbone(backbone)).resolution
    counted = info.splits["train"].counted

    def full(folder: Path) -> list[Unit]:
        found = [u for u in shards.units(folder, "train", counted) if u.photos == SHARD]
        # Again and again, by other names; as many for each worker.
        count = UNITS * hardware.cores()
        return [
            Unit(f"{number}", unit.photos, unit.inputs)
            for number, unit in enumerate(islice(cycle(found), count))
        ]

    extract = extractor.job(
        f"extract@{backbone}", backbone, section="backbones", classes=info.classes,
        precision=settings.extract.precision,
    )  # fmt: skip
    preprocess = preprocessing.job(
        f"preprocess@{side}", resolution=side, settings=settings.preprocess
    )
    empty = [Unit(f"{number}", 0) for number in range(EMPTY_UNITS)]
    return {
        preprocess.stage: (preprocess, full(paths.DATASET)),
        extract.stage: (extract, full(paths.tfrecords(side))),
        "nothing": (Job("nothing", Nothing), empty),
    }


def measured(backbone: str, repeats: int) -> dict[str, dict[str, list[dict[str, float]]]]:
    """Return what a further unit takes by stage and executor, in each round."""
    found: dict[str, dict[str, list[dict[str, float]]]] = {}
    with tempfile.TemporaryDirectory(dir=".") as folder:
        for stage, (job, todo) in jobs(backbone).items():
            if not todo:
                raise SystemExit(f"{stage}: there are too few photos for a full shard each")
            found[stage] = {name: [] for name in EXECUTORS}
            for _ in range(repeats):
                for name in EXECUTORS:
                    with executor(name):
                        found[stage][name].append(further(job, todo, Path(folder) / "work"))
                    print(stage, name, found[stage][name][-1], flush=True)
    return found


def disk() -> dict[str, float]:
    """Return MB/s of this folder's disk: written with all caches emptied, and read again."""
    with tempfile.NamedTemporaryFile(dir=".") as file:
        block = os.urandom(2**20)
        start = time.perf_counter()
        for _ in range(WRITTEN // len(block)):
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
        written = time.perf_counter()
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        file.seek(0)
        begun = time.perf_counter()
        while file.read(len(block)):
            pass
        read = time.perf_counter() - begun
    return {
        "write": WRITTEN / MEGABYTE / (written - start),
        "read": WRITTEN / MEGABYTE / read,
    }


def traffic(backbone: str) -> dict[str, float]:
    """Return megabytes that a full shard moves to and from storage, by stage."""
    found = {}
    for stage, (_, todo) in jobs(backbone).items():
        if todo and todo[0].inputs:
            side = BackboneInfo.read(paths.backbone(backbone)).resolution
            read = statistics.mean(unit.inputs[0].stat().st_size for unit in todo)
            of_pixels = SHARD * side * side * 3
            of_features = SHARD * 4 * BackboneInfo.read(paths.backbone(backbone)).features
            written = of_pixels if stage.startswith("preprocess") else of_features
            found[stage] = (read + written) / MEGABYTE
    return found


def on_paper(results: dict[str, Any]) -> list[dict[str, Any]]:
    """Return photos/s of many workers, and what limits them, from what was measured here.

    The workers do ``W / unit`` units a second, the driver ``1 / its own processor time a unit``,
    and storage ``its bandwidth / the bytes of a unit``: the least of the three is what comes.
    """
    rows = []
    driver = median(results["further"]["nothing"][executors.RAY], "cpu")
    for stage, megabytes in results["megabytes"].items():
        # Of one worker with one core.
        unit = median(results["further"][stage][executors.RAY], "seconds") * results["workers"]
        for link, bandwidth in LINKS.items():
            for workers in CLUSTERS:
                limits = {
                    "workers": workers / unit,
                    "driver": 1 / driver,
                    f"storage at {link}": bandwidth / megabytes,
                }
                limit = min(limits, key=lambda name: limits[name])
                rows.append(
                    {"stage": stage, "link": link, "workers": workers}
                    | {"photos_per_second": SHARD * limits[limit], "limit": limit}
                )
    return rows


def median(rounds: list[dict[str, float]], key: str) -> float:
    """Return the median of one measure over the rounds."""
    return statistics.median(found[key] for found in rounds)


def as_markdown(results: dict[str, Any]) -> str:
    """Return the tables."""
    about = ", ".join(f"{key} {value}" for key, value in results["machine"].items())
    lines = [
        "# Executors", "",
        f"{about}. Medians of {results['repeats']} rounds, in turn; start-up apart; Ray with "
        f"{results['workers']} workers of one core each. `python -m benchmarks.executors` makes "
        "this file.", "",
        "| stage | local, photos/s | Ray, photos/s | Ray to local, by rounds |",
        "|---|---|---|---|",
    ]  # fmt: skip
    for stage in results["megabytes"]:
        rounds = results["further"][stage]
        ways = [SHARD / median(rounds[name], "seconds") for name in EXECUTORS]
        ratio = statistics.median(
            one["seconds"] / other["seconds"]
            for one, other in zip(*(rounds[name] for name in EXECUTORS), strict=True)
        )
        lines.append(f"| {stage} | {ways[0]:.0f} | {ways[1]:.0f} | {ratio:.2f} |")
    empty = results["further"]["nothing"]
    lines += [
        "",
        f"A unit is {SHARD} photos. What it costs one worker, and what goes to and from storage:",
        "", "| stage | s a unit and core | MB a unit |", "|---|---|---|",
    ]  # fmt: skip
    for stage, megabytes in results["megabytes"].items():
        unit = median(results["further"][stage][executors.RAY], "seconds") * results["workers"]
        lines.append(f"| {stage} | {unit:.2f} | {megabytes:.1f} |")
    lines += [
        "", "A unit that is no work, which is the executor's own cost:", "",
        "| executor | ms a unit | ms of the driver's processor |", "|---|---|---|",
    ]  # fmt: skip
    for name in EXECUTORS:
        whole, cpu = (1000 * median(empty[name], key) for key in ("seconds", "cpu"))
        lines.append(f"| {name} | {whole:.2f} | {cpu:.2f} |")
    lines += [
        "", "This folder's disk: {write:.0f} MB/s written, {read:.0f} MB/s read.".format(
            **results["disk"]
        ),
        "", "## On paper", "",
        "Photos/s of many such workers, by the least of what the workers do, what the driver hands "
        "out (its processor time a unit), and what storage carries. Not measured.", "",
        "| stage | storage | " + " | ".join(f"{n} workers" for n in CLUSTERS) + " |",
        "|---|---|" + "---|" * len(CLUSTERS),
    ]  # fmt: skip
    rows = results["on_paper"]
    for stage in results["megabytes"]:
        for link in LINKS:
            cells = [
                f"{row['photos_per_second']:,.0f} ({row['limit'].partition(' ')[0]})"
                for row in rows
                if (row["stage"], row["link"]) == (stage, link)
            ]
            lines.append(f"| {stage} | {link} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clone", type=Path, help="a built clone of the project")
    parser.add_argument("backbone", help="a backbone of its params.yaml")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    os.chdir(options.clone)
    results: dict[str, Any] = {
        "machine": machine() | {"ray": metadata.version("ray")},
        "repeats": options.repeats,
        "workers": hardware.cores(),
        "disk": disk(),
        "megabytes": traffic(options.backbone),
        "further": measured(options.backbone, options.repeats),
    }
    results["on_paper"] = on_paper(results)
    (RESULTS / "executors.json").write_text(json.dumps(results, indent=2) + "\n")
    (RESULTS / "executors.md").write_text(as_markdown(results))
    print(as_markdown(results))


if __name__ == "__main__":
    main()
