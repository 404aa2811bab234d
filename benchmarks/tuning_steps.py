"""How much of tuning is not learning: an epoch as it is, against steps on pixels that are there.

python -m benchmarks.tuning_steps CLONE reads a built clone's data: photos/s of whole epochs
(reading, shuffling, augmenting, copying, steps) and of a bare loop of the same train steps on one
resident batch, in turn, and the median of the rounds' ratios.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import numpy as np

from transfer_learning.backbones.artifact import BackboneInfo
from transfer_learning.config.finetuning import Finetune
from transfer_learning.finetuning.learner import Learner
from transfer_learning.finetuning.photos import Batch, Photos
from transfer_learning.finetuning.tunable import open_tunable
from transfer_learning.heads.head import Head
from transfer_learning.photos import records
from transfer_learning.runtime import hardware
from transfer_learning.runtime.tensorflow_quiet import tf


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clone", type=Path, help="a built clone of the project")
    parser.add_argument("--backbone", default="mobilenet_v2")
    parser.add_argument("--unfreeze", default="all", help="blocks from the end, or all")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--steps", type=int, default=20, help="of a round, at most an epoch's")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    unfreeze = options.unfreeze if options.unfreeze == "all" else int(options.unfreeze)
    settings = Finetune.model_validate(
        {"from": options.backbone, "unfreeze": unfreeze, "batch_size": options.batch}
    )
    data = options.clone / "data"
    folder = data / "backbones" / options.backbone
    info = BackboneInfo.read(folder)
    device = "GPU:0" if tf.config.list_physical_devices("GPU") else "CPU:0"
    tf.config.experimental.enable_op_determinism()
    shards = records.shards(data / "tfrecords" / str(info.resolution), "train")
    photos = Photos(shards, info.resolution)
    classes = 1 + max(place.label for place in photos.places)
    head = Head(
        np.zeros((info.features, classes), np.float32),
        np.zeros(classes, np.float32),
        np.arange(classes).astype(str),
    )
    network = open_tunable("t", folder, info, settings, dtype="float32")
    learner = Learner(network, head, settings, resolution=info.resolution, device=device)
    resident = next(photos.in_order(batch=options.batch))
    learner.step(resident, 0.0)
    start = time.process_time()
    for number in range(options.batch):
        photos.augmented(number, settings.augment, seed=0, epoch=1)
    spent = 1000 * (time.process_time() - start) / options.batch
    print(f"augmenting a photo takes {spent:.1f} ms of one core")
    ratios = []
    for number in range(1, options.rounds + 1):
        bare = _seconds(learner, [resident] * options.steps)
        # Threads of its own, and none of its photos made before: its start counts.
        with ThreadPoolExecutor(hardware.cores()) as executor:
            batches = photos.epoch(
                executor, settings.augment, batch=options.batch, seed=0, epoch=number
            )
            whole = _seconds(learner, islice(batches, options.steps))
        ratios.append(bare / whole)
        rates = (options.steps * options.batch / seconds for seconds in (whole, bare))
        print(f"round {number}: {next(rates):.1f} photos/s, bare steps {next(rates):.1f}")
    print(
        f"{options.backbone}, unfreeze {unfreeze}, batches of {options.batch} on {device}: median "
        f"{statistics.median(ratios):.2f} of bare train steps on resident pixels"
    )


def _seconds(learner: Learner, batches: Iterable[Batch]) -> float:
    start = time.perf_counter()
    for batch in batches:
        learner.step(batch, 0.0)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
