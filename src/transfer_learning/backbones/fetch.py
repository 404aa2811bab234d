"""A handle in, a backbone's artifact out, whatever kind of handle it is."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path

from transfer_learning.backbones import artifact, handles, openvino_network
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
        info = handles.parse(backbone.handle).fetch(name, backbone, folder)
        counted = openvino_network.multiply_adds(folder, info)
        info = dataclasses.replace(info, multiply_adds=counted)
        info.write(folder)
        artifact.move_artifact(folder, target)
    return info
