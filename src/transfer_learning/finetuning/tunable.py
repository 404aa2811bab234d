"""A backbone whose weights can change: a package's network, or a SavedModel with variables."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from transfer_learning.backbones.artifact import SAVED_MODEL, BackboneInfo
from transfer_learning.config.finetuning import Finetune
from transfer_learning.finetuning.checks import expect_tunable


class Tunable(Protocol):
    """A network in TensorFlow, its BatchNorm in inference mode.

    ``variables`` are those that learn, ``decayed`` those of them that weight decay shrinks, and
    ``faster`` says in words what would take less time.
    """

    variables: list[Any]
    decayed: list[Any]
    faster: str

    def features(self, images: Any) -> Any:
        """Return float32 [N, D] of images float32 [N, R, R, 3] in [0, 1]."""
        ...

    def regularisation(self) -> Any:
        """Return what the network itself adds to the loss, a scalar."""
        ...

    def write(self, folder: Path) -> str:
        """Write the network as it is now into an artifact's folder; return ``info.network``."""
        ...


def open_tunable(
    name: str, folder: Path, info: BackboneInfo, settings: Finetune, *, dtype: str
) -> Tunable:
    """Return the backbone of an artifact's folder with what ``settings.unfreeze`` says unfrozen.

    Args:
        name: that of the entry of ``finetuned``, for errors.
        folder: the artifact's.
        info: what its ``backbone.json`` says.
        settings: the entry.
        dtype: in which a package's network computes; its variables are float32.

    Raises:
        UserError: the network cannot be tuned, or has not so many blocks.
    """
    expect_tunable(name, settings, handle=info.handle, network=info.network)
    if info.network == SAVED_MODEL:
        from transfer_learning.finetuning.saved_model import SavedModel

        return SavedModel(name, folder, info)
    from transfer_learning.finetuning.package_network import PackageNetwork

    return PackageNetwork(name, folder, info, unfreeze=settings.unfreeze, dtype=dtype)
