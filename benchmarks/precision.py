"""What bfloat16 costs and gains: OpenVINO on this CPU in both precisions, on the built data.

python -m benchmarks.precision prints Markdown; it is kept in benchmarks/results/precision.md.
It takes the photos and backbones that `dvc repro` has built in data/ (dataset.source: folder for
real photos), and trains the head on random splits of them.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import statistics
import time
from dataclasses import dataclass

import numpy as np

from transfer_learning.config import params, paths
from transfer_learning.config.params import Precision
from transfer_learning.features.features import Features
from transfer_learning.features.openvino_engine import OpenVino
from transfer_learning.photos.dataset import SPLITS, DatasetInfo
from transfer_learning.photos.records import shards
from transfer_learning.runtime import hardware

PRECISIONS: tuple[Precision, Precision] = ("float32", "bfloat16")
SHARES = (0.75, 0.15)  # of the photos for training and for validation; the rest is for testing


@dataclass(frozen=True)
class Extracted:
    """All photos' features in one precision, and the photos/s of each round."""

    features: Features
    speeds: list[float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--splits", type=int, default=10)
    options = parser.parse_args()
    info = DatasetInfo.read()
    settings = params.load()
    rows: list[list[str]] = []
    for name, backbone in settings.backbones.items():
        done = extracted(name, backbone.resolution, info.classes, rounds=options.rounds)
        rows.append([name, *measured(done, settings.train, splits=options.splits)])
    print(
        f"{hardware.describe()['cpu']}, cores: {hardware.cores()}. {len(info.photos)} photos, "
        f"source {info.source}; {options.rounds} rounds in turn, {options.splits} random splits.\n"
    )
    header = ["backbone", "photos/s", "largest error", "RMS error"]
    header += ["validation accuracy", "test accuracy", "test predictions that change"]
    for line in (header, ["---"] * len(header), *rows):
        print(f"| {' | '.join(line)} |")


def extracted(
    name: str, resolution: int, classes: tuple[str, ...], *, rounds: int
) -> dict[Precision, Extracted]:
    """Extract all photos in both precisions, in turn, a first round not counted."""
    engines = {precision: OpenVino(paths.backbone(name), precision) for precision in PRECISIONS}
    if engines["bfloat16"].precision != "bfloat16":
        raise SystemExit("this CPU does not compute in bfloat16")
    files = [file for split in SPLITS for file in shards(paths.tfrecords(resolution), split)]
    done: dict[Precision, Extracted] = {}
    for turn in range(rounds + 1):
        for precision, engine in engines.items():
            start = time.perf_counter()
            features = engine.extract(files, classes, lambda photos: None)
            speed = len(features.ids) / (time.perf_counter() - start)
            earlier = done[precision].speeds if turn > 1 else []
            done[precision] = Extracted(features, [*earlier, speed])
    return done


def measured(done: dict[Precision, Extracted], train: params.Train, *, splits: int) -> list[str]:
    """Return a row's cells: speeds, errors, and the head's accuracies in both precisions."""
    exact, coarse = (done[precision].features.features for precision in PRECISIONS)
    error = coarse - exact
    accuracies: dict[str, list[tuple[float, float]]] = {"valid": [], "test": []}
    changed = tested = 0
    for seed in range(splits):
        predicted = [predictions(done[precision].features, train, seed) for precision in PRECISIONS]
        for split in accuracies:
            found = [float((answer == label).mean()) for answer, label in
                     (item[split] for item in predicted)]  # fmt: skip
            accuracies[split].append((found[0], found[1]))
        (a, _), (b, _) = (item["test"] for item in predicted)
        changed, tested = changed + int((a != b).sum()), tested + len(a)
    speeds = [statistics.median(done[precision].speeds) for precision in PRECISIONS]
    return [
        f"{speeds[0]:.0f} → {speeds[1]:.0f}",
        f"{100 * np.abs(error).max() / np.abs(exact).max():.1f} %",
        f"{100 * np.sqrt((error**2).mean() / (exact**2).mean()):.1f} %",
        *(
            " → ".join(f"{statistics.mean(values):.3f}" for values in zip(*pairs, strict=True))
            for pairs in accuracies.values()
        ),
        f"{changed} of {tested}",
    ]


def predictions(
    features: Features, train: params.Train, seed: int
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Train a head on a random split; return predicted and true classes of valid and test."""
    from transfer_learning.heads import training

    count = len(features.ids)
    order = np.random.default_rng(seed).permutation(count)
    ends = [round(sum(SHARES[:parts]) * count) for parts in (1, 2)]
    parts = dict(zip(("train", "valid", "test"), np.split(order, ends), strict=True))
    sets = {
        name: Features(
            features.features[rows], features.labels[rows], features.ids[rows], features.classes
        )
        for name, rows in parts.items()
    }
    # Keras prints its epochs.
    with contextlib.redirect_stdout(io.StringIO()):
        head, _ = training.train(
            sets["train"], sets["valid"], train.model_copy(update={"seed": seed})
        )
    return {
        name: (head.logits(sets[name].features).argmax(axis=1), sets[name].labels)
        for name in ("valid", "test")
    }


if __name__ == "__main__":
    main()
