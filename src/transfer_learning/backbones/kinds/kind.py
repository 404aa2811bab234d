"""What every kind of handle can do."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from transfer_learning.backbones.artifact import BackboneInfo
from transfer_learning.config.params import Backbone
from transfer_learning.runtime.errors import UserError


class Handle(Protocol):
    """A parsed ``backbones.NAME.handle``."""

    @classmethod
    def parse(cls, text: str) -> Handle | None:
        """Return the handle that the text is, or None if it is of another kind."""
        ...

    def check(self, name: str, backbone: Backbone) -> None:
        """Refuse what cannot work, before anything is fetched.

        Raises:
            UserError: what is wrong with the keys of ``backbones.NAME``.
        """
        ...

    def fetch(self, name: str, backbone: Backbone, folder: Path) -> BackboneInfo:
        """Leave the artifact in ``folder``, but for ``backbone.json`` and its multiply-adds.

        Raises:
            UserError: it cannot be fetched, or is not what the handle says.
        """
        ...


def expect_resolution(name: str, backbone: Backbone, right: int) -> None:
    """Refuse another input size than the one that the network takes.

    Raises:
        UserError: the resolution is another.
    """
    if backbone.resolution != right:
        raise UserError(
            f"params.yaml: backbones.{name}.resolution is {backbone.resolution}, but "
            f"{backbone.handle} takes {right}; set it to {right}"
        )
