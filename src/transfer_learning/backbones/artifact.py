"""The folder that every backbone becomes: ``data/backbones/B``.

It holds ``backbone.json`` (what it is) and one of: ``weights.npz`` (a package's weights, by their
names in the original file), ``saved_model/``, ``frozen.pb`` (one graph of TensorFlow), or
``network.onnx``, or ``network.xml`` and ``network.bin``, with ``interface.json``.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from transfer_learning.runtime.errors import UserError
from transfer_learning.runtime.files import read_json, sha256, write_json

# The network as TensorFlow runs it, where OpenVINO does not read the same from saved_model/.
FROZEN = "frozen.pb"

# What BackboneInfo.network is of a network that is no architecture of this project.
SAVED_MODEL, FROZEN_GRAPH, OPENVINO_FILE = "saved_model", "frozen_graph", "openvino_file"


class BadCopyError(UserError):
    """A SavedModel that is damaged, or not the one of a known sha256: another copy may be good."""


@dataclass(frozen=True)
class BackboneInfo:
    """What ``backbone.json`` says of a backbone.

    ``network`` is an architecture of ``backbones.architectures``, ``saved_model``,
    ``frozen_graph`` (of Keras) or ``openvino_file`` (the user's ``.onnx`` or ``.xml``);
    ``resolution`` is the input's side in pixels, ``features`` the length of a feature vector,
    ``parameters`` the number of values without the classifier, BatchNorm's moving statistics
    included as Keras counts them; ``sha256`` that of the wheel, of the ``.onnx`` file, of Keras's
    weights (``keras_network``), or ``files_sha256`` of the SavedModel or of an ``.xml`` with its
    ``.bin``; ``multiply_adds`` the multiplications with additions for one photo, 0 where not yet
    counted; ``file_bytes`` the size of the weights or the network as kept.
    """

    handle: str
    network: str
    resolution: int
    features: int
    parameters: int
    sha256: str
    licence: str
    multiply_adds: int
    file_bytes: int

    def write(self, folder: Path) -> None:
        """Write ``backbone.json`` into the artifact's folder."""
        write_json(folder / "backbone.json", self)

    @classmethod
    def read(cls, folder: Path) -> BackboneInfo:
        """Read ``backbone.json`` of the artifact's folder."""
        return read_json(folder / "backbone.json", cls)


def saved_model_files(folder: Path) -> list[Path]:
    """Return the files of a SavedModel folder, in the byte order of their relative paths."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return sorted(files, key=lambda path: path.relative_to(folder).as_posix().encode())


def files_sha256(folder: Path) -> str:
    """Return one sha256 over all files of a folder: that of the list which sha256sum prints.

    ``cd FOLDER && find * -type f | LC_ALL=C sort | xargs sha256sum | sha256sum`` gives the same.
    It knows a SavedModel by whatever way it came, an archive of whatever packing or a folder.
    """
    digest = hashlib.sha256()
    for path in saved_model_files(folder):
        digest.update(f"{sha256(path)}  {path.relative_to(folder).as_posix()}\n".encode())
    return digest.hexdigest()


def copy_saved_model(source: Path, folder: Path) -> None:
    """Copy the files of a SavedModel folder to ``folder/saved_model``."""
    for path in saved_model_files(source):
        target = folder / "saved_model" / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)


def move_artifact(source: Path, folder: Path) -> None:
    """Move a finished artifact to its place; ``backbone.json``, which makes it one, comes last."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for path in sorted(source.iterdir(), key=lambda path: path.name == "backbone.json"):
        shutil.move(path, folder / path.name)
