"""What the scheduling policy does to predict's threads: the answers under each, in turn.

python -m benchmarks.scheduling [--photos FOLDER] [--count N], after make export, prints photos/s of
all rounds, since a kernel that packs threads halves some and not others.
"""

from __future__ import annotations

import multiprocessing
from collections import deque
from concurrent.futures import ProcessPoolExecutor
from functools import cache

from benchmarks import measure
from transfer_learning.classifier.classifier import Classifier
from transfer_learning.runtime import hardware


@cache
def classifier() -> Classifier:
    """Return this process's classifier, loaded once."""
    return Classifier.load()


def answer(photos: list[bytes]) -> None:
    """Classify the photos, as the command does it."""
    deque(classifier().classify(enumerate(photos)), maxlen=0)


def main() -> None:
    options = measure.options(__doc__, photos=400)
    photos = measure.encoded(options.photos, options.count)
    spawn = multiprocessing.get_context("spawn")
    with (
        ProcessPoolExecutor(1, spawn) as usual,
        ProcessPoolExecutor(1, spawn, initializer=hardware.schedule_as_batch) as batch,
    ):
        ways = {
            "usual": lambda: usual.submit(answer, photos).result(),
            "SCHED_BATCH": lambda: batch.submit(answer, photos).result(),
        }
        for policy, times in measure.rounds(ways, options.repeats).items():
            rates = sorted(len(photos) / seconds for seconds in times)
            print(policy, *(f"{rate:.0f}" for rate in rates))


if __name__ == "__main__":
    main()
