"""Photos with duplicates planted among them, as a folder that ``dataset.source`` reads."""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageEnhance, ImageOps

# JPEG quality of what is saved again: of the re-encoded kind, and of all others.
LOW, USUAL = 50, 90
SHARE_KEPT, SHARE_CROPPED, BRIGHTER = 0.7, 0.05, 1.2
# In the name of a planted photo, before the kind.
MARK = "-planted-"


@dataclass(frozen=True)
class Planted:
    """A planted photo: its kind, its own id and the original's."""

    kind: str
    id: str
    original: str


def _resized(image: Image.Image, _: random.Random) -> Image.Image:
    size = tuple(max(1, round(SHARE_KEPT * side)) for side in image.size)
    return image.resize(size, Image.Resampling.LANCZOS)


def _cropped(image: Image.Image, rng: random.Random) -> Image.Image:
    """Cut from a corner at random, the hardest place: nothing stays where it was."""
    width, height = image.size
    away = round(SHARE_CROPPED * width), round(SHARE_CROPPED * height)
    left, top = rng.choice((0, away[0])), rng.choice((0, away[1]))
    return image.crop((left, top, left + width - away[0], top + height - away[1]))


KINDS: dict[str, Callable[[Image.Image, random.Random], Image.Image]] = {
    "re-encoded": lambda image, _: image,
    "resized": _resized,
    "cropped": _cropped,
    "brightened": lambda image, _: ImageEnhance.Brightness(image).enhance(BRIGHTER),
    "mirrored": lambda image, _: ImageOps.mirror(image),
}


def plant(
    photos: Sequence[tuple[str, bytes]], folder: Path, *, each: int, seed: int
) -> list[Planted]:
    """Write the photos and, of ``each`` others for every kind, a changed copy.

    Args:
        photos: id (CLASS/FILE) and encoded bytes.
        folder: where CLASS/FILE is written; a copy lies in its original's class.
        each: copies of each kind; no photo is copied twice.
        seed: which photos are copied, and where they are cut.
    """
    rng = random.Random(seed)
    chosen = iter(rng.sample(photos, each * len(KINDS)))
    for photo_id, encoded in photos:
        (folder / photo_id).parent.mkdir(parents=True, exist_ok=True)
        (folder / photo_id).write_bytes(encoded)
    planted = []
    for kind, change in KINDS.items():
        for _ in range(each):
            original, encoded = next(chosen)
            copy = f"{original.removesuffix('.jpg')}{MARK}{kind}.jpg"
            changed = io.BytesIO()
            with Image.open(io.BytesIO(encoded)) as image:
                quality = LOW if kind == "re-encoded" else USUAL
                change(image.convert("RGB"), rng).save(changed, "JPEG", quality=quality)
            (folder / copy).write_bytes(changed.getvalue())
            planted.append(Planted(kind, copy, original))
    return planted
