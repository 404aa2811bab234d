"""``dataset.source: rendered``: synthetic flowers, drawn by ``sources.synthetic``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from transfer_learning.config.params import Rendered
from transfer_learning.sources.source import Photo, Source, in_tfds_order
from transfer_learning.sources.synthetic import render


@dataclass(frozen=True)
class Drawing:
    """A flower that is drawn when it is read, from nothing but these numbers."""

    seed: int
    label: int
    index: int

    @property
    def trace(self) -> list[int]:
        """All that the picture depends on besides the code."""
        return [self.seed, self.label, self.index]

    def read(self) -> bytes:
        """Draw it."""
        return render.render(seed=self.seed, label=self.label, index=self.index)


def open_rendered(settings: Rendered) -> Source:
    """List the flowers; none is drawn yet."""
    photos = in_tfds_order(
        Photo(f"{name}/{index:05d}.jpg", label)
        for label, name in enumerate(render.CLASSES)
        for index in range(settings.images_per_class)
    )
    return Source(
        render.CLASSES,
        photos,
        lambda: (Drawing(settings.seed, photo.label, int(Path(photo.id).stem)) for photo in photos),
        synthetic=True,
        computed=True,
    )
