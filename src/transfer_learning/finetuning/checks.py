"""What cannot be tuned, and why: as far as a handle says it, before anything is fetched."""

from __future__ import annotations

from transfer_learning.backbones import handles
from transfer_learning.backbones.artifact import FROZEN_GRAPH, OPENVINO_FILE, SAVED_MODEL
from transfer_learning.backbones.kinds.folder import FolderHandle
from transfer_learning.backbones.kinds.hub_module import HubHandle
from transfer_learning.backbones.kinds.keras_application import KerasHandle
from transfer_learning.backbones.kinds.network_file import FileHandle
from transfer_learning.config.finetuning import ALL, Finetune
from transfer_learning.config.params import Params
from transfer_learning.runtime.errors import UserError

REASONS = {
    FROZEN_GRAPH: "is kept as one graph whose weights are constants",
    OPENVINO_FILE: "is a file that OpenVINO runs, which computes no gradients",
}
# What a handle becomes; a package's network is known by its own name.
NETWORKS = {
    KerasHandle: FROZEN_GRAPH,
    FileHandle: OPENVINO_FILE,
    FolderHandle: SAVED_MODEL,
    HubHandle: SAVED_MODEL,
}


def check(params: Params) -> None:
    """Refuse each entry of ``finetuned`` that cannot be tuned, as far as its handle says so.

    Raises:
        UserError: what cannot be tuned, and why.
    """
    for name, settings in params.finetuned.items():
        handle = params.backbones[settings.source].handle
        network = NETWORKS.get(type(handles.parse(handle)), "")
        expect_tunable(name, settings, handle=handle, network=network)


def expect_tunable(name: str, settings: Finetune, *, handle: str, network: str) -> None:
    """Refuse a network without weights that could learn, or without blocks where some are named.

    Args:
        name: that of the entry of ``finetuned``.
        settings: the entry.
        handle: its source's.
        network: as in ``BackboneInfo``.

    Raises:
        UserError: why it cannot be tuned.
    """
    if reason := REASONS.get(network):
        raise UserError(
            f"params.yaml: finetuned.{name}.from is {settings.source} ({handle}), which {reason}, "
            "so it cannot be tuned; tune a pypi: network or a TF2 SavedModel"
        )
    if network == SAVED_MODEL and settings.unfreeze != ALL:
        raise UserError(
            f"params.yaml: finetuned.{name}.unfreeze is {settings.unfreeze}, but {handle} is a "
            f"SavedModel, which does not say what its blocks are; set it to {ALL}"
        )
