"""The worker of ``preprocess``: a file of encoded photos in, one of R × R pixels out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path

from transfer_learning.config.params import Preprocess
from transfer_learning.photos import records
from transfer_learning.photos.records import Record
from transfer_learning.photos.squares import squares
from transfer_learning.work import units
from transfer_learning.work.units import Job, Unit

# Photos that take a core as long as two processes take to start.
PROCESSES_FROM = 400


class Shrinker:
    """Decodes and resizes on one core, as ``units.Worker``."""

    def __init__(self, _cores: int, *, resolution: int, settings: Preprocess) -> None:
        self._resolution = resolution
        self._settings = settings

    def __call__(self, unit: Unit, target: Path, advance: Callable[[int], object]) -> None:
        """Write the photos of one file as R × R pixels, in its order.

        Raises:
            UserError: the file is damaged.
            PhotoError: a photo cannot be decoded.
            ValueError: the file does not hold as many photos as it should.
        """
        photos = shrunk(unit.inputs, resolution=self._resolution, settings=self._settings)
        written = records.write(target, self._counted(photos, advance))
        if written != unit.photos:
            raise ValueError(f"{unit.inputs[0]} holds {written} photos, not {unit.photos}")

    @staticmethod
    def _counted(photos: Iterator[Record], advance: Callable[[int], object]) -> Iterator[Record]:
        for photo in photos:
            yield photo
            advance(1)


def shrunk(
    paths: Path | Iterable[Path], *, resolution: int, settings: Preprocess
) -> Iterator[Record]:
    """Yield the photos of files as R × R pixels, in their order.

    Raises:
        UserError: a file is damaged.
        PhotoError: a photo cannot be decoded.
    """
    for photo in records.read(paths):
        with units.photo(photo.id):
            # Of the size that ``fetch`` has let pass.
            (pixels,) = squares(
                photo.image, [resolution], settings=settings, megapixels=math.inf
            ).values()
        yield Record(photo.id, photo.label, pixels.tobytes())


def job(stage: str, *, resolution: int, settings: Preprocess) -> Job:
    """Return the job whose units are the files of ``fetch``."""
    facts = {"resolution": resolution, "settings": settings.model_dump()}
    shrinker = partial(Shrinker, resolution=resolution, settings=settings)
    return Job(stage, shrinker, facts, processes_from=PROCESSES_FROM, photo=_id)


def _id(unit: Unit, place: int) -> str:
    return next(islice(records.read(unit.inputs), place, None)).id
