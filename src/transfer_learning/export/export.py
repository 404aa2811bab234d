"""The folder of an exported classifier, whole: formats, golden photos, card, ``model.json``."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from transfer_learning.classifier import manifest as manifests
from transfer_learning.classifier.classifier import Classifier
from transfer_learning.classifier.manifest import Manifest
from transfer_learning.config.params import HeadKind
from transfer_learning.evaluation.predictions import ClassScore
from transfer_learning.export import card, gathering, golden, openvino_format
from transfer_learning.export.gathering import Gathered
from transfer_learning.export.golden import Golden
from transfer_learning.export.parts import LeftOut, Parts
from transfer_learning.runtime.errors import UserError
from transfer_learning.runtime.files import write_text


@dataclass(frozen=True)
class Exported:
    """What was written: its ``model.json``, and why, by name, a format was left out."""

    manifest: Manifest
    left_out: dict[str, str] = field(default_factory=dict)


def write(
    gathered: Gathered,
    photos: Sequence[Golden],
    scores: Sequence[ClassScore],
    folder: Path,
    *,
    head: HeadKind,
) -> Exported:
    """Write the folder; what was there is removed.

    Args:
        gathered: the selected competitor.
        photos: the golden photos.
        scores: of the test photos by class, for the card.
        folder: where to.
        head: which kind of head it has.

    Raises:
        UserError: no format can hold its backbones.
    """
    shutil.rmtree(folder, ignore_errors=True)
    gathered.parts.head.write(folder)
    left_out: dict[str, str] = {}
    _try(left_out, "OpenVINO IR", lambda: openvino_format.write(gathered.parts, folder))
    _tensorflow(left_out, gathered.parts, folder)
    if len(left_out) == len(FORMATS):
        raise UserError(f"no format can hold {gathered.name}: {'; '.join(left_out.values())}")
    # The golden photos' answers are those of the folder itself.
    gathering.manifest(gathered, folder).write(folder)
    classifier = Classifier.load(folder)
    golden.write(photos, classifier, folder)
    classifier.close()
    text = card.card(classifier.manifest, gathered.data, scores, head=head, left_out=left_out)
    write_text(folder / card.FILE, text)
    (folder / manifests.FILE).unlink()
    found = gathering.manifest(gathered, folder)
    found.write(folder)
    return Exported(found, left_out)


FORMATS = ("OpenVINO IR", "SavedModel", "LiteRT")


def _tensorflow(left_out: dict[str, str], parts: Parts, folder: Path) -> None:
    # Here, because they load TensorFlow.
    from transfer_learning.export import litert_format, saved_model_format, tensorflow_graph

    try:
        graph = tensorflow_graph.build(parts)
    except LeftOut as reason:
        left_out |= dict.fromkeys(FORMATS[1:], str(reason))
        return
    _try(left_out, "SavedModel", lambda: saved_model_format.write(graph, folder))
    _try(left_out, "LiteRT", lambda: litert_format.write(graph, folder))


def _try(left_out: dict[str, str], name: str, write: Callable[[], None]) -> None:
    try:
        write()
    except LeftOut as reason:
        left_out[name] = str(reason)
