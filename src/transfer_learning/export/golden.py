"""Five photos with the answers to expect, and scripts that check them without this project."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from transfer_learning.classifier.classifier import Answer, Classifier
from transfer_learning.classifier.engines import pixels_name
from transfer_learning.classifier.manifest import Manifest
from transfer_learning.photos import pixels
from transfer_learning.photos.squares import squares
from transfer_learning.runtime import npz
from transfer_learning.runtime.csv_files import PROBABILITY_DECIMALS
from transfer_learning.runtime.files import write_json

FOLDER = "golden"
PHOTOS = 5
# How far a probability may be from the expected one: what float16 weights need.
TOLERANCE = 0.05
SCRIPTS = Path(__file__).parent / "scripts"


@dataclass(frozen=True)
class Golden:
    """A photo's encoded bytes and its true class."""

    encoded: bytes
    true: str


def chosen(photos: Iterable[tuple[int, bytes]], classes: Sequence[str]) -> list[Golden]:
    """Return the first photo of each class, as far as ``PHOTOS`` go, then the next ones.

    Args:
        photos: labels and encoded bytes.
        classes: the names of the labels.
    """
    firsts: dict[int, bytes] = {}
    others: list[tuple[int, bytes]] = []
    for label, encoded in photos:
        if label not in firsts:
            firsts[label] = encoded
        elif len(others) < PHOTOS:
            others.append((label, encoded))
    taken = [*firsts.items(), *others][:PHOTOS]
    return [Golden(encoded, classes[label]) for label, encoded in taken]


def write(photos: Sequence[Golden], classifier: Classifier, folder: Path) -> None:
    """Write the photos, their pixels for formats that take those, the answers, and the scripts.

    Photos that the SavedModel would show otherwise are written upright and on white, as PNG.
    """
    target = folder / FOLDER
    target.mkdir(parents=True, exist_ok=True)
    ready = [_readable(photo.encoded) for photo in photos]
    listed = []
    for index, (photo, (encoded, suffix)) in enumerate(zip(photos, ready, strict=True)):
        name = f"{index + 1}{suffix}"
        (target / name).write_bytes(encoded)
        answer = classifier.answer(encoded)
        if not isinstance(answer, Answer):
            raise ValueError(f"golden photo {name}: {answer.reason}")
        listed.append(
            {
                "file": name,
                "true": photo.true,
                "label": answer.label,
                "probabilities": answer.probabilities.round(PROBABILITY_DECIMALS).tolist(),
            }
        )
    labels = list(classifier.manifest.classes)
    write_json(target / "golden.json", {"labels": labels, "tolerance": TOLERANCE, "photos": listed})
    npz.write(target / "pixels.npz", **_pixels([item for item, _ in ready], classifier.manifest))
    for script in SCRIPTS.glob("check_*.py"):
        shutil.copyfile(script, folder / script.name)


def _readable(encoded: bytes) -> tuple[bytes, str]:
    """Return a photo as the SavedModel reads it, and its suffix."""
    image = pixels.open_photo(encoded)
    if not pixels.needs_pillow(image) and not pixels.is_lossless_jpeg(encoded):
        return encoded, ".jpg"
    file = io.BytesIO()
    pixels.rgb(image).save(file, "PNG")
    return file.getvalue(), ".png"


def _pixels(photos: Sequence[bytes], manifest: Manifest) -> dict[str, np.ndarray]:
    sides = [member.resolution for member in manifest.members]
    found = [
        squares(encoded, sides, settings=manifest.resize, megapixels=np.inf) for encoded in photos
    ]
    return {
        pixels_name(index): np.stack([photo[side] for photo in found])
        for index, side in enumerate(sides)
    }
