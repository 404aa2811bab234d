"""The worker of ``extract``: a file of R × R photos in, their features out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from transfer_learning.backbones.artifact import OPENVINO_FILE, BackboneInfo
from transfer_learning.config import paths
from transfer_learning.config.params import Precision
from transfer_learning.features.engine import open_engine
from transfer_learning.features.extraction import ExtractionInfo
from transfer_learning.features.features import Features, assemble
from transfer_learning.photos import dataset, records
from transfer_learning.runtime import npz
from transfer_learning.runtime.errors import UserError
from transfer_learning.work.units import Job, PhotoError, Unit

REMEDY = (
    "its weights may be damaged, its normalisation may be wrong, or numbers grow too large for "
    "extract.precision (float32 is the safest); correct params.yaml or choose another backbone"
)


class Extractor:
    """An opened network, as ``units.Worker``.

    A unit's file is that of ``features.Features`` with one array more: what it was computed with.
    """

    def __init__(
        self, cores: int, *, folder: Path, what: str, classes: Sequence[str], precision: Precision
    ) -> None:
        """Open the network.

        Args:
            cores: how many a CPU's engine may use.
            folder: the backbone's artifact.
            what: its key in params.yaml.
            classes: the names of the labels.
            precision: the arithmetic that is wished for.
        """
        info = BackboneInfo.read(folder)
        self._engine = open_engine(folder, precision, info=info, cores=cores)
        self._classes = classes
        self._what = f"{what} ({info.handle}) makes, in {self._engine.precision},"

    def __call__(self, unit: Unit, target: Path, advance: Callable[[int], object]) -> None:
        """Write the features of the photos of one file.

        Raises:
            UserError: some are not finite, or the file is damaged.
            ValueError: it does not hold as many photos as it should.
        """
        found = self._extracted(unit, advance)
        if len(found.ids) != unit.photos:
            raise ValueError(f"{unit.inputs[0]} holds {len(found.ids)} photos, not {unit.photos}")
        found.check_finite(self._what, REMEDY)
        engine = self._engine
        npz.write(
            target,
            features=np.asarray(found.features),
            labels=found.labels,
            ids=np.asarray(found.ids),
            classes=found.classes,
            engine=np.array([engine.name, engine.version, engine.precision]),
        )

    def _extracted(self, unit: Unit, advance: Callable[[int], object]) -> Features:
        done = 0

        def count(photos: int) -> None:
            nonlocal done
            done += photos
            advance(photos)

        try:
            return self._engine.extract(unit.inputs, self._classes, count)
        except (UserError, PhotoError):
            raise
        except Exception as error:
            first = next(islice(records.read(unit.inputs), done, None), None)
            if first is None:
                raise
            raise PhotoError(f"{first.id} or another of its batch") from error


def job(
    stage: str, name: str, *, section: str, classes: Sequence[str], precision: Precision
) -> Job:
    """Return the job whose units are the files of R × R photos of a backbone's resolution.

    Args:
        stage: its name.
        name: the backbone's.
        section: the one of params.yaml that has it.
        classes: the names of the labels.
        precision: the arithmetic that is wished for.
    """
    folder = paths.backbone(name)
    info = BackboneInfo.read(folder)
    options: dict[str, Any] = {
        "what": f"{section}.{name}",
        "classes": list(classes),
        "precision": precision,
    }
    return Job(
        stage,
        partial(Extractor, folder=folder, **options),
        facts=options,
        inputs=tuple(sorted(path for path in folder.rglob("*") if path.is_file())),
        gpu=info.network != OPENVINO_FILE,
    )


def write(parts: Sequence[Sequence[Path]], folder: Path) -> ExtractionInfo:
    """Write a backbone's features, and with what they were computed, from those of the files.

    Args:
        parts: the units' files, by split.
        folder: where to write.

    Raises:
        UserError: the units were not all computed with one engine in one arithmetic.
    """
    engines = {
        tuple(npz.stored(part, "engine")[0][:].tolist()) for split in parts for part in split
    }
    if len(engines) > 1:
        found = " and ".join(sorted(" ".join(engine) for engine in engines))
        raise UserError(
            f"the features for {folder} were computed in part with {found}, and one set of "
            "features must come from one: use machines of one kind, remove data/work, and run it "
            "again"
        )
    for split, files in zip(dataset.SPLITS, parts, strict=True):
        assemble(folder / f"{split}.npz", files)
    info = ExtractionInfo(*engines.pop())
    info.write(folder)
    return info
