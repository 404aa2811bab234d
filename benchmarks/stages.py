"""The bodies of preprocess and extract against what the machine can do at best.

python -m benchmarks.stages CLONE BACKBONE reads a built clone's data and prints
JSON: photos/s of each body, reading and writing included, and of its limit, timed in turn, in
each of the rounds.
preprocess: decoding and resizing photos that lie in memory, on all cores, nothing written; of
the stage, the start of its processes counts.
extract: OpenVINO's requests one after the other on the same pixels, nothing read or written.
"""

from __future__ import annotations

import argparse
import functools
import json
import math
import multiprocessing
import tempfile
from collections import deque
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from benchmarks import measure
from transfer_learning.backbones import artifact
from transfer_learning.config import params
from transfer_learning.features.engine import open_engine
from transfer_learning.features.openvino_engine import OpenVino
from transfer_learning.photos import preprocessing, records, shards
from transfer_learning.photos.dataset import SPLITS, DatasetInfo, record_files
from transfer_learning.photos.squares import squares
from transfer_learning.runtime import hardware
from transfer_learning.work import units


def preprocess(data: Path, resolution: int, repeats: int) -> dict[str, list[float]]:
    """Return photos/s of the stage's body and of bare decoding and resizing."""
    spawn = multiprocessing.get_context("spawn")
    cores = hardware.cores()
    files = record_files(data / "dataset")
    # A process for each core, which has read its share before the first round that counts.
    shares = [files[first::cores] for first in range(cores)]
    with ExitStack() as stack:
        apart = [stack.enter_context(ProcessPoolExecutor(1, spawn)) for _ in shares]

        def limit() -> None:
            begun = [
                process.submit(decode_and_resize, tuple(share), resolution)
                for process, share in zip(apart, shares, strict=True)
            ]
            for share in begun:
                share.result()

        ways = {"ours": lambda: preprocess_stage(data, resolution), "limit": limit}
        return rates(ways, len(DatasetInfo.read(data / "dataset").photos), repeats)


def preprocess_stage(data: Path, resolution: int) -> None:
    """Do what the stage does, into a folder that is thrown away."""
    job = preprocessing.job("preprocess", resolution=resolution, settings=params.load().preprocess)
    todo = [
        unit
        for split, summary in DatasetInfo.read(data / "dataset").splits.items()
        for unit in shards.units(data / "dataset", split, summary.counted)
    ]
    with (
        tempfile.TemporaryDirectory() as target,
        units.results(job, todo, Path(target) / "work", lambda photos: None) as results,
    ):
        deque(results, maxlen=0)


def decode_and_resize(paths: tuple[Path, ...], resolution: int) -> None:
    """Decode and resize photos that lie in memory."""
    settings = params.load().preprocess
    for photo in encoded(paths):
        squares(photo, [resolution], settings=settings, megapixels=math.inf)


@functools.cache
def encoded(paths: tuple[Path, ...]) -> list[bytes]:
    """Return all photos of these files, kept: to read them is no limit."""
    return [record.image for record in records.read(paths)]


def extract(data: Path, name: str, repeats: int) -> dict[str, list[float]]:
    """Return photos/s of the stage's body and of the bare network."""
    folder = data / "backbones" / name
    info = artifact.BackboneInfo.read(folder)
    engine = open_engine(folder, "float32")
    assert isinstance(engine, OpenVino), "this benchmark is for a machine without a GPU"
    files = {
        split: records.shards(data / f"tfrecords/{info.resolution}", split) for split in SPLITS
    }
    classes = DatasetInfo.read(data / "dataset").classes
    photos = sum(1 for paths in files.values() for _ in records.read(paths))

    def stage() -> None:
        with tempfile.TemporaryDirectory() as target:
            for split in SPLITS:
                features = engine.extract(files[split], classes, lambda count: None)
                features.write(Path(target) / f"{split}.npz")

    def bare() -> None:
        busy = deque(engine._requests)
        for request in busy:
            request.start_async()
        for _ in range(-(-photos // engine.batch) - len(busy)):
            busy[0].wait()
            busy[0].start_async()
            busy.rotate(-1)
        for request in busy:
            request.wait()

    return rates({"ours": stage, "limit": bare}, photos, repeats)


def rates(
    ways: dict[str, Callable[[], object]], photos: int, repeats: int
) -> dict[str, list[float]]:
    """Return photos/s of each way in each round."""
    timed = measure.rounds(ways, repeats)
    return {way: [photos / value for value in values] for way, values in timed.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clone", type=Path, help="a built clone of the project")
    parser.add_argument("backbone", help="a backbone of its params.yaml")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    data = options.clone / "data"
    resolution = artifact.BackboneInfo.read(data / "backbones" / options.backbone).resolution
    print(
        json.dumps(
            {
                "extract": extract(data, options.backbone, options.repeats),
                # It takes a fraction of the time, and its rounds differ more.
                "preprocess": preprocess(data, resolution, 3 * options.repeats),
            }
        )
    )


if __name__ == "__main__":
    main()
