"""The worker of ``preprocess``: a file of encoded photos in, one of R × R pixels out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from transfer_learning.config.params import Preprocess
from transfer_learning.photos import records
from transfer_learning.photos.records import Record
from transfer_learning.photos.squares import squares
from transfer_learning.runtime import parallel
from transfer_learning.work import units
from transfer_learning.work.units import Job, Unit


class Shrinker:
    """Threads that decode and resize, as ``units.Worker``.

    They run side by side: what decodes and what resizes lets go of Python's lock.
    """

    def __init__(self, cores: int, *, resolution: int, settings: Preprocess) -> None:
        self._threads = ThreadPoolExecutor(cores)
        # A thread that has done one photo finds the next one waiting.
        self._ahead = 2 * cores + 2
        self._resolution = resolution
        self._settings = settings

    def __call__(self, unit: Unit, target: Path, advance: Callable[[int], object]) -> None:
        """Write the photos of one file as R × R pixels, in its order.

        Raises:
            UserError: the file is damaged.
            PhotoError: a photo cannot be decoded.
            ValueError: the file does not hold as many photos as it should.
        """
        written = records.write(target, self._counted(self.shrunk(unit.inputs), advance))
        if written != unit.photos:
            raise ValueError(f"{unit.inputs[0]} holds {written} photos, not {unit.photos}")

    def shrunk(self, paths: Path | Iterable[Path]) -> Iterator[Record]:
        """Yield the photos of files as R × R pixels, in their order."""
        return parallel.ordered(self._threads, self._shrink, records.read(paths), ahead=self._ahead)

    def _shrink(self, photo: Record) -> Record:
        with units.photo(photo.id):
            # Of the size that ``fetch`` has let pass.
            (pixels,) = squares(
                photo.image, [self._resolution], settings=self._settings, megapixels=math.inf
            ).values()
        return Record(photo.id, photo.label, pixels.tobytes())

    @staticmethod
    def _counted(photos: Iterator[Record], advance: Callable[[int], object]) -> Iterator[Record]:
        for photo in photos:
            yield photo
            advance(1)


def job(stage: str, *, resolution: int, settings: Preprocess) -> Job:
    """Return the job whose units are the files of ``fetch``."""
    facts = {"resolution": resolution, "settings": settings.model_dump()}
    return Job(stage, partial(Shrinker, resolution=resolution, settings=settings), facts)
