"""How many decimals survive what another processor does to features?

python -m benchmarks.last_digits [--draws 10] prints a Markdown table. It multiplies the features
that `dvc repro` has built by 1 + 1e-6·N(0, 1), trains and evaluates the head anew, and counts the
draws in which any number changes at so many decimals; and those in which a photo has other
neighbours or another place on the page's map.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import io
from dataclasses import dataclass

import numpy as np

from transfer_learning.config import params, paths
from transfer_learning.evaluation import nearest
from transfer_learning.evaluation.evaluate import evaluate
from transfer_learning.features.features import Features
from transfer_learning.heads import training
from transfer_learning.photos.dataset import SPLITS

NOISE = 1e-6
DECIMALS = (6, 4, 3, 2)


@dataclass(frozen=True)
class Numbers:
    """What a trained head ends in: each array as the files keep it, before rounding."""

    probabilities: np.ndarray
    history: np.ndarray
    metrics: np.ndarray
    classes: list[str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=10)
    draws = parser.parse_args().draws
    settings = params.load()
    print(f"Draws of {draws} in which a number changes; {NOISE:g} relative noise on features.\n")
    print("| backbone | decimals | a probability | the history | a metric |\n|---|---|---|---|---|")
    for name in settings.backbones:
        sets = [Features.read(paths.features(name) / f"{split}.npz") for split in SPLITS]
        exact, *noisy = (trained(sets, settings.train, seed) for seed in range(draws + 1))
        for decimals in DECIMALS:
            counts = (
                sum(changed(exact, other, field, decimals) for other in noisy)
                for field in ("probabilities", "history", "metrics")
            )
            print(f"| {name} | {decimals} | {' | '.join(map(str, counts))} |")
        flipped = sum(other.classes != exact.classes for other in noisy)
        print(f"| {name} | a predicted class | {flipped} | | |")
    print("\n| backbone | a nearest training photo | a similarity | a place on the map |")
    print("|---|---|---|---|")
    for name in settings.backbones:
        sets = [Features.read(paths.features(name) / f"{split}.npz") for split in SPLITS]
        exact, *noisy = (placed(sets, seed) for seed in range(draws + 1))
        counts = (
            sum(not np.array_equal(exact[part], other[part]) for other in noisy)
            for part in range(len(exact))
        )
        print(f"| {name} | {' | '.join(map(str, counts))} |")


def with_noise(sets: list[Features], seed: int) -> list[Features]:
    """Return the features with noise; without where the seed is 0."""
    random = np.random.default_rng(seed)
    return [
        dataclasses.replace(
            item,
            features=(
                item.features
                * (1 + NOISE * bool(seed) * random.standard_normal(item.features.shape))
            ).astype(np.float32),
        )
        for item in sets
    ]


def placed(sets: list[Features], seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the nearest photos, their similarities and the map's places, as they are kept."""
    train, _, test = with_noise(sets, seed)
    found = nearest.find(train, test)
    places = np.concatenate([found.test_places, found.sample_places])
    return found.train_ids[found.nearest], found.similarity, places


def trained(sets: list[Features], settings: params.Train, seed: int) -> Numbers:
    """Train and evaluate a head on features with noise; none where the seed is 0."""
    train, valid, test = with_noise(sets, seed)
    with contextlib.redirect_stdout(io.StringIO()):  # Keras prints its epochs.
        head, epochs = training.train(train, valid, settings)
    result = evaluate(head, test, valid)
    return Numbers(
        probabilities=np.array([item.probabilities for item in result.predictions]),
        history=np.array([dataclasses.astuple(epoch)[1:] for epoch in epochs]),
        metrics=np.array(
            [value for value in dataclasses.astuple(result.metrics) if isinstance(value, float)]
        ),
        classes=[item.predicted for item in result.predictions],
    )


def changed(a: Numbers, b: Numbers, field: str, decimals: int) -> bool:
    """Say whether any number of the field differs once both are rounded."""
    left, right = (np.round(getattr(numbers, field), decimals) for numbers in (a, b))
    return bool((left != right).any())


if __name__ == "__main__":
    main()
