"""``dataset.source: rendered``: synthetic flowers, drawn by ``sources.synthetic``."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from transfer_learning.config.params import Rendered
from transfer_learning.runtime import hardware, parallel
from transfer_learning.sources.source import Photo, Source, in_tfds_order
from transfer_learning.sources.synthetic import render

# Fewer are rendered sooner than a process has started.
RENDERED_PER_PROCESS = 50


def open_rendered(settings: Rendered) -> Source:
    """List the flowers; none is drawn yet."""
    photos = in_tfds_order(
        Photo(f"{name}/{index:05d}.jpg", label)
        for label, name in enumerate(render.CLASSES)
        for index in range(settings.images_per_class)
    )

    return Source(render.CLASSES, photos, lambda: _draw_all(photos, settings.seed), synthetic=True)


def _draw_all(photos: tuple[Photo, ...], seed: int) -> Iterator[bytes]:
    """Render the photos on all cores, in their order."""
    draw = partial(_draw, seed)
    workers = min(hardware.cores(), len(photos) // RENDERED_PER_PROCESS)
    if workers < 2:
        yield from map(draw, photos)
        return
    with ProcessPoolExecutor(
        workers,
        # Not forked, because fetch has threads by now.
        mp_context=multiprocessing.get_context("spawn"),
        # Ctrl-C is for the main process to answer.
        initializer=signal.signal,
        initargs=(signal.SIGINT, signal.SIG_IGN),
    ) as executor:
        yield from parallel.ordered(executor, draw, photos)


def _draw(seed: int, photo: Photo) -> bytes:
    return render.render(seed=seed, label=photo.label, index=int(Path(photo.id).stem))
