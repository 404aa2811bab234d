"""``transfer-learning predict``: what photos show, one row a photo, by the exported classifier."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from transfer_learning.classifier.classifier import Classifier, Refused
from transfer_learning.commands.predict_files import Found, found, read
from transfer_learning.commands.predict_rows import Rows
from transfer_learning.runtime import hardware
from transfer_learning.runtime.errors import UserError


def run(options: argparse.Namespace) -> int:
    """Print the answers as they come; return 1 where a photo was refused, else 0.

    Raises:
        UserError: there is no classifier, or no photo at all.
    """
    hardware.schedule_as_batch()
    classifier = Classifier.load(options.model)
    rows = Rows(
        options.format,
        classifier.manifest.classes,
        top=options.top,
        threshold=classifier.manifest.threshold if options.threshold is None else options.threshold,
    )
    out = sys.stdout.buffer
    count = refused = 0
    try:
        with _bar(options.photos) as bar:
            _write(out, rows.header(), bar)
            for item, answer in classifier.classify(_photos(options.photos)):
                _write(out, rows.row(item.name, answer), bar)
                count += 1
                refused += isinstance(answer, Refused)
                if bar is not None:
                    bar.update()
    except BrokenPipeError:
        _leave(1 if refused else 0)
    except KeyboardInterrupt:
        print(f"interrupted after {count} photos: their answers are written", file=sys.stderr)
        # At once: a thread may be in the middle of a large photo.
        _leave(130)
    classifier.close()
    if not count:
        raise UserError(f"no photo in {', '.join(options.photos)}")
    if refused:
        print(
            f"{refused} of {count} photos have no answer: the reason stands there", file=sys.stderr
        )
    return 1 if refused else 0


def _photos(names: list[str]) -> Iterator[tuple[Found, bytes | Exception]]:
    for item in found(names):
        yield item, read(item)


def _write(out: Any, row: bytes, bar: Any) -> None:
    between = nullcontext()
    if bar is not None and sys.stdout.isatty():
        between = bar.external_write_mode(sys.stdout)
    with between:
        out.write(row)
        # Whoever reads along, or interrupts, has each answer at once.
        out.flush()


def _bar(names: list[str]) -> Any:
    """Return a bar of the photos on a terminal; none where nobody would see it move."""
    if not sys.stderr.isatty() or not any(Path(name).is_dir() for name in names):
        return nullcontext()
    from tqdm import tqdm

    total = sum(1 for _ in found(names))
    return tqdm(total=total, desc="predict", unit="photo", mininterval=0.2)


def _leave(code: int) -> None:
    """End the process without waiting for threads, or for a pipe that nobody reads."""
    sys.stderr.flush()
    os._exit(code)
