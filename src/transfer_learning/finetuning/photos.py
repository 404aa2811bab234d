"""Photos in any order, straight from the record files: however many, none is kept in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from transfer_learning.config.finetuning import Augment
from transfer_learning.finetuning.augmentation import augment
from transfer_learning.photos import records
from transfer_learning.photos.records import Place
from transfer_learning.runtime import parallel


@dataclass(frozen=True)
class Batch:
    """``pixels`` uint8 [B, R, R, 3], ``labels`` int64 [B], ``weights`` float32 [B].

    ``count`` photos, then black ones of weight 0 that fill it up.
    """

    pixels: np.ndarray
    labels: np.ndarray
    weights: np.ndarray
    count: int


class Photos:
    """The photos of a split, of R × R pixels."""

    def __init__(self, paths: Sequence[Path], resolution: int) -> None:
        """Read and check the record files once.

        Raises:
            UserError: one is missing or damaged.
        """
        self.resolution = resolution
        self.places: list[Place] = list(records.locate(paths))
        # The system keeps what it has read for as long as there is memory.
        self._files = {path: np.memmap(path, np.uint8, "r") for path in paths}

    def __len__(self) -> int:
        return len(self.places)

    def pixels(self, number: int) -> np.ndarray:
        """Return uint8 [R, R, 3] of the photo of this number in the split's order."""
        place = self.places[number]
        flat = self._files[place.path][place.offset : place.offset + place.length]
        return flat.reshape(self.resolution, self.resolution, 3)

    def augmented(self, number: int, settings: Augment, *, seed: int, epoch: int) -> np.ndarray:
        """Return uint8 [R, R, 3] of the photo as an epoch sees it."""
        return augment(
            self.pixels(number), settings, seed=seed, epoch=epoch, id=self.places[number].id
        )

    def epoch(
        self, executor: Executor, settings: Augment, *, batch: int, seed: int, epoch: int
    ) -> Iterator[Batch]:
        """Yield all photos once, shuffled and augmented for this epoch, on threads."""
        order = np.random.default_rng([seed, epoch]).permutation(len(self.places)).tolist()
        images = parallel.ordered(
            executor,
            lambda number: self.augmented(number, settings, seed=seed, epoch=epoch),
            order,
            ahead=2 * batch,
        )
        yield from self._batches(order, images, batch)

    def in_order(self, *, batch: int) -> Iterator[Batch]:
        """Yield all photos as they are, in the split's order."""
        numbers = range(len(self.places))
        yield from self._batches(numbers, map(self.pixels, numbers), batch)

    def _batches(
        self, numbers: Sequence[int], images: Iterator[np.ndarray], size: int
    ) -> Iterator[Batch]:
        for start in range(0, len(numbers), size):
            chosen = numbers[start : start + size]
            pixels = np.zeros((size, self.resolution, self.resolution, 3), np.uint8)
            labels, weights = np.zeros(size, np.int64), np.zeros(size, np.float32)
            for row, (number, image) in enumerate(
                zip(chosen, islice(images, len(chosen)), strict=True)
            ):
                pixels[row], labels[row], weights[row] = image, self.places[number].label, 1
            yield Batch(pixels, labels, weights, len(chosen))
