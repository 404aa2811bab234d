"""The path of an ``.onnx`` file or an OpenVINO ``.xml``: a network that OpenVINO runs itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from transfer_learning.backbones.artifact import BackboneInfo
from transfer_learning.config.params import Backbone
from transfer_learning.runtime.errors import UserError, clipped, quoted


@dataclass(frozen=True)
class FileHandle:
    """A file whose name ends in ``.onnx`` or ``.xml``."""

    path: Path

    @classmethod
    def parse(cls, text: str) -> FileHandle | None:
        """Return the handle that the text is, if it ends like such a file's name."""
        path = Path(text)
        return cls(path) if path.suffix in (".onnx", ".xml") else None

    @property
    def files(self) -> tuple[Path, ...]:
        """The file, and beside an ``.xml`` the ``.bin`` with its weights."""
        if self.path.suffix == ".xml":
            return self.path, self.path.with_suffix(".bin")
        return (self.path,)

    def check(self, name: str, backbone: Backbone) -> None:
        """Refuse a file that is not there."""
        for path in self.files:
            if not path.is_file():
                raise UserError(
                    f"params.yaml: backbones.{name}.handle is {quoted(backbone.handle)}, but there "
                    f"is no file {clipped(str(path))}"
                )

    def fetch(self, name: str, backbone: Backbone, folder: Path) -> BackboneInfo:
        """Copy the network to ``folder``, with how images become its input."""
        from transfer_learning.backbones import file_network

        return file_network.fetch(name, backbone, self.files, folder)
