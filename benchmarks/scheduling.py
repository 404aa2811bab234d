"""What the scheduling policy does to preprocess: the stage's body under each, in turn.

python -m benchmarks.scheduling CLONE RESOLUTION reads a built clone's data/dataset
and prints photos/s of all rounds, since a kernel that packs threads halves some and not others.
"""

from __future__ import annotations

import argparse
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from benchmarks import stages
from transfer_learning.photos.dataset import DatasetInfo
from transfer_learning.runtime import hardware


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clone", type=Path, help="a built clone of the project")
    parser.add_argument("resolution", type=int)
    parser.add_argument("--repeats", type=int, default=15)
    options = parser.parse_args()
    data = options.clone / "data"
    spawn = multiprocessing.get_context("spawn")
    with (
        ProcessPoolExecutor(1, spawn) as usual,
        ProcessPoolExecutor(1, spawn, initializer=hardware.schedule_as_batch) as batch,
    ):
        ways = {
            "usual": lambda: usual.submit(
                stages.preprocess_stage, data, options.resolution
            ).result(),
            "SCHED_BATCH": lambda: batch.submit(
                stages.preprocess_stage, data, options.resolution
            ).result(),
        }
        photos = len(DatasetInfo.read(data / "dataset").photos)
        for policy, rates in stages.rates(ways, photos, options.repeats).items():
            print(policy, *(f"{rate:.0f}" for rate in sorted(rates)))


if __name__ == "__main__":
    main()
