"""``model.json`` of an exported classifier: what the folder holds, what it was made of.

The folder, ``data/export``, has beside it: ``head.npz`` (``heads.head``), ``saved_model/``,
``litert/*.tflite``, ``openvino/network.xml`` with ``network.bin`` (where OpenVINO can run the
backbones), ``golden/``, ``model_card.md`` and the scripts that check the golden photos.

OpenVINO's network has an input for each member, under its name, uint8 [N, R, R, 3], and two
outputs: ``features``, float32 [N, D], the members' side by side, and ``probabilities``, float32
[N, C], calibrated.  ``predict`` takes the features and the head in float64, as ``evaluate`` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from transfer_learning.config import paths
from transfer_learning.config.params import Preprocess
from transfer_learning.evaluation.metrics import Metrics
from transfer_learning.runtime.errors import UserError
from transfer_learning.runtime.files import read_json, sha256, write_json

FILE = "model.json"
# Of this layout: a folder of another one is refused.
VERSION = 1


@dataclass(frozen=True)
class Member:
    """A backbone whose features the head sees; of a joined competitor there are several.

    ``resolution`` in pixels, ``features`` the length of its vector, ``sha256`` as in
    ``backbone.json``.
    """

    name: str
    handle: str
    resolution: int
    features: int
    sha256: str
    licence: str


@dataclass(frozen=True)
class Manifest:
    """All of ``model.json``.

    name: the selected competitor's, a backbone's or a joined one's.
    classes: the labels, in the order of the probabilities.
    synthetic: whether it was trained on drawn photos, so that it knows no real ones.
    members: the backbones, in the order in which the head sees their features.
    resize: how a photo becomes R × R pixels: upright, on white, without keeping the aspect.
    temperature: the logits are divided by it (Guo et al. 2017).
    sure_accuracy: what ``threshold`` was chosen for.
    threshold: where the largest probability is below it, the answer is *unsure*: the lowest at
        which the validation photos above it are right at least ``sure_accuracy`` of the time.
    sure_share: the share of the validation photos that are above it.
    metrics: of the head on the test photos, as in ``reports/B/metrics.json``.
    made_of: sha256 of what it was made of, by the paths in the project.
    files: sha256 of every other file of the folder, by its path in it.
    revision: of the classifier, the first digits of one sha256 over ``made_of``: the same where it
        was made of the same, on whatever day and by whatever commit.
    """

    version: int
    name: str
    classes: tuple[str, ...]
    source: str
    synthetic: bool
    members: tuple[Member, ...]
    resize: Preprocess
    temperature: float
    sure_accuracy: float
    threshold: float
    sure_share: float
    metrics: Metrics
    made_of: dict[str, str]
    files: dict[str, str]
    revision: str = ""

    def write(self, folder: Path) -> None:
        """Write ``model.json``, which makes the folder an exported classifier."""
        write_json(folder / FILE, self)


def read(folder: Path = paths.EXPORT) -> Manifest:
    """Read ``model.json`` of an exported classifier's folder.

    Raises:
        UserError: there is none, it is damaged, or of another version.
    """
    path = folder / FILE
    if not path.is_file():
        raise UserError(f"{folder} holds no exported classifier ({FILE} is missing): make export")
    found = read_json(path, dict).get("version")
    if found != VERSION:
        raise UserError(f"{path} is of version {found}, this is {VERSION}: make export anew")
    return read_json(path, Manifest)


def check(folder: Path, manifest: Manifest, *names: str) -> None:
    """Compare files of the folder, all where none is named, with the digests in ``model.json``.

    Raises:
        UserError: one is missing or has other bytes; the message names it.
    """
    for name in names or manifest.files:
        path = folder / name
        if not path.is_file():
            raise UserError(f"{path} is missing: make export")
        if sha256(path) != manifest.files.get(name):
            raise UserError(f"{path} is not the file that {FILE} describes: make export")
