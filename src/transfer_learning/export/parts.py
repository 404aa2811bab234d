"""What every format is made of: the selected competitor's backbones, head, temperature, names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from transfer_learning.backbones.artifact import BackboneInfo
from transfer_learning.classifier.manifest import Member
from transfer_learning.config.params import Preprocess
from transfer_learning.heads.head import Head


@dataclass(frozen=True)
class Backbone:
    """A backbone's artifact: its folder, and what ``backbone.json`` says."""

    folder: Path
    info: BackboneInfo


@dataclass(frozen=True)
class Parts:
    """Pixels → each member's features, side by side → logits / temperature → probabilities.

    ``members`` are the backbones by name, in the order in which the head sees their features;
    ``resize`` is how a photo becomes a member's R × R pixels.
    """

    members: Mapping[str, Backbone]
    head: Head
    temperature: float
    resize: Preprocess

    @property
    def classes(self) -> list[str]:
        """The labels, in the order of the probabilities."""
        return [str(name) for name in self.head.classes]

    def described(self) -> tuple[Member, ...]:
        """Return the members as ``model.json`` has them."""
        return tuple(
            Member(
                name=name,
                handle=item.info.handle,
                resolution=item.info.resolution,
                features=item.info.features,
                sha256=item.info.sha256,
                licence=item.info.licence,
            )
            for name, item in self.members.items()
        )


class LeftOut(Exception):
    """A format that cannot hold these backbones; the message says why."""
