"""``backbones.B.handle``: of what kind it is, and what can be known wrong of it."""

from __future__ import annotations

from transfer_learning.backbones.kinds.folder import FolderHandle
from transfer_learning.backbones.kinds.hub_module import HubHandle
from transfer_learning.backbones.kinds.keras_application import KerasHandle
from transfer_learning.backbones.kinds.kind import Handle
from transfer_learning.backbones.kinds.network_file import FileHandle
from transfer_learning.backbones.kinds.package import PackageHandle
from transfer_learning.config.params import Backbone
from transfer_learning.runtime.errors import UserError

# The first that recognises a text has it; before the folder, which takes what is left.
KINDS: tuple[type[Handle], ...] = (PackageHandle, KerasHandle, HubHandle, FileHandle)


def parse(text: str) -> Handle:
    """Return the handle that a text is."""
    parsed = (kind.parse(text) for kind in KINDS)
    return next((handle for handle in parsed if handle is not None), FolderHandle.parse(text))


def check_handle(name: str, backbone: Backbone) -> None:
    """Refuse a handle that cannot work, before anything is fetched.

    Args:
        name: the backbone's key in ``params.yaml``.
        backbone: its handle and the keys beside it.

    Raises:
        UserError: an unknown package or network, an input size that it does not take, another
            sha256 than the package's, an address that anyone on the way could answer for, a path
            that holds no network, or keys that are only for another kind of handle.
    """
    handle = parse(backbone.handle)
    handle.check(name, backbone)
    for key in ("input", "output"):
        if getattr(backbone, key) is not None and not isinstance(handle, FileHandle):
            raise UserError(
                f"params.yaml: backbones.{name}.{key} is only for a .onnx or .xml file, and "
                f"{backbone.handle} knows its own; remove the key"
            )
