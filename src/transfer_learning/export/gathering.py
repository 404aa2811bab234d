"""What is exported, read from what the pipeline built."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from transfer_learning.backbones.artifact import BackboneInfo
from transfer_learning.classifier.manifest import VERSION, Manifest
from transfer_learning.config import paths
from transfer_learning.config.params import Params
from transfer_learning.evaluation import threshold
from transfer_learning.evaluation.choice import Choice
from transfer_learning.evaluation.metrics import Metrics
from transfer_learning.evaluation.threshold import Threshold
from transfer_learning.export.parts import Backbone, Parts
from transfer_learning.features.features import Features
from transfer_learning.heads.head import Head, softmax
from transfer_learning.photos.dataset import PHOTOS, DatasetInfo
from transfer_learning.runtime.files import read_json, sha256

# Digits of the revision.
SHORT = 12


@dataclass(frozen=True)
class Gathered:
    """The selected competitor: its name, its parts, and what is known of it."""

    name: str
    parts: Parts
    metrics: Metrics
    threshold: Threshold
    data: DatasetInfo


def gather(settings: Params) -> Gathered:
    """Read the competitor that ``select`` chose.

    Raises:
        UserError: a file is damaged.
    """
    name = read_json(paths.SELECTED / "selected.json", Choice).name
    metrics = Metrics.read(paths.reports(name) / "metrics.json")
    members = settings.joined.get(name, [name])
    folders = {member: paths.backbone(member) for member in members}
    head = Head.read(paths.SELECTED)
    valid = Features.read(paths.features(name) / "valid.npz")
    # The one whose answers on validation photos are those on photos that it has not learnt.
    validated = Head.read(paths.validated_model(name)) if settings.train.refits(name) else head
    probabilities = softmax(validated.logits(valid.features) / metrics.temperature)
    return Gathered(
        name=name,
        parts=Parts(
            members={
                member: Backbone(folder, BackboneInfo.read(folder))
                for member, folder in folders.items()
            },
            head=head,
            temperature=metrics.temperature,
            resize=settings.preprocess,
        ),
        metrics=metrics,
        threshold=threshold.choose(probabilities, valid.labels),
        data=DatasetInfo.read(),
    )


def manifest(gathered: Gathered, folder: Path) -> Manifest:
    """Return the ``model.json`` of a folder that holds everything else."""
    data, chosen = gathered.data, gathered.threshold
    made_of = {path.as_posix(): sha256(path) for path in _made_of(gathered)}
    listed = "".join(f"{digest}  {name}\n" for name, digest in made_of.items())
    return Manifest(
        version=VERSION,
        name=gathered.name,
        classes=tuple(gathered.parts.classes),
        source=data.source,
        synthetic=data.synthetic,
        members=gathered.parts.described(),
        resize=gathered.parts.resize,
        temperature=gathered.parts.temperature,
        sure_accuracy=threshold.SURE_ACCURACY,
        threshold=chosen.value,
        sure_share=chosen.share,
        metrics=gathered.metrics,
        made_of=made_of,
        files={path.relative_to(folder).as_posix(): sha256(path) for path in _files(folder)},
        revision=hashlib.sha256(listed.encode()).hexdigest()[:SHORT],
    )


def _made_of(gathered: Gathered) -> Iterable[Path]:
    yield from (paths.DATASET / name for name in ("dataset.json", PHOTOS))
    for backbone in gathered.parts.members.values():
        yield from _files(backbone.folder)
    features = paths.features(gathered.name)
    yield from (features / f"{split}.npz" for split in ("train", "valid"))
    yield paths.SELECTED / "head.npz"
    yield paths.reports(gathered.name) / "metrics.json"


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())
