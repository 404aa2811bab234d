"""``data/dataset``: what ``fetch`` wrote, readable without TensorFlow.

``dataset.json`` is the data summary and the index of the photos; it says at which byte of its
split's TFRecord file each photo's encoded bytes begin, so one photo is read with one seek.
"""

from __future__ import annotations

import dataclasses
import io
import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from transfer_learning.stage import write_json

FOLDER = Path("data/dataset")
SPLITS = ("train", "valid", "test")
# What is decoded later is what Pillow recognised here, whatever the file's suffix says.
FORMATS = ("JPEG", "PNG", "BMP", "GIF", "WEBP")


@dataclass(frozen=True)
class PhotoEntry:
    """A photo of the index: sizes in pixels; ``offset`` and ``bytes`` in the split's file."""

    id: str
    label: int
    split: str
    width: int
    height: int
    offset: int
    bytes: int


@dataclass(frozen=True)
class Rejected:
    """A photo that cannot be decoded, and why."""

    id: str
    reason: str


@dataclass(frozen=True)
class SplitSummary:
    """A split as declared and as counted from its records."""

    slice: str
    declared: int
    counted: int
    per_class: tuple[int, ...]


@dataclass(frozen=True)
class DatasetInfo:
    """All of ``dataset.json``; ``about`` and ``credits`` as in ``sources.Source``."""

    source: str
    synthetic: bool
    classes: tuple[str, ...]
    found: int
    splits: dict[str, SplitSummary]
    rejected: tuple[Rejected, ...]
    photos: tuple[PhotoEntry, ...]
    about: dict[str, str] = field(default_factory=dict)
    credits: dict[str, str] = field(default_factory=dict)

    def write(self, folder: Path = FOLDER) -> None:
        """Write ``dataset.json``."""
        write_json(folder / "dataset.json", dataclasses.asdict(self))

    @classmethod
    def read(cls, folder: Path = FOLDER) -> DatasetInfo:
        """Read ``dataset.json``."""
        raw: dict[str, Any] = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
        return cls(
            source=raw["source"],
            synthetic=raw["synthetic"],
            classes=tuple(raw["classes"]),
            found=raw["found"],
            splits={
                name: SplitSummary(**(split | {"per_class": tuple(split["per_class"])}))
                for name, split in raw["splits"].items()
            },
            rejected=tuple(Rejected(**item) for item in raw["rejected"]),
            photos=tuple(PhotoEntry(**item) for item in raw["photos"]),
            about=raw["about"],
            credits=raw["credits"],
        )


def inspect(encoded: bytes) -> tuple[int, int]:
    """Decode a photo wholly and return its width and height in pixels.

    Raises:
        ValueError: it cannot be decoded; the message says why.
    """
    try:
        with Image.open(io.BytesIO(encoded), formats=FORMATS) as image:
            image.load()
            # Pillow would cut it to 8 bits at white instead of scaling it.
            if image.mode.startswith("I"):
                raise ValueError("it has more than 8 bits a channel; save it with 8")
            return image.size
    except UnidentifiedImageError:
        kind = "an empty file" if not encoded else f"not one of {', '.join(FORMATS)}"
        raise ValueError(kind) from None
    # Pillow's decoders raise OSError for a cut file, SyntaxError or ValueError for a broken one.
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError(str(error)) from None


def read_photo(entry: PhotoEntry, folder: Path = FOLDER) -> Image.Image:
    """Return the photo as an RGB image of its own size."""
    with (folder / f"{entry.split}.tfrecord").open("rb") as file:
        file.seek(entry.offset)
        return Image.open(io.BytesIO(file.read(entry.bytes))).convert("RGB")


def split_counts(labels: list[int], classes: int) -> tuple[int, ...]:
    """Return how many of the labels fall in each class."""
    counts = Counter(labels)
    return tuple(counts[label] for label in range(classes))


def size_summary(photos: tuple[PhotoEntry, ...]) -> dict[str, tuple[int, int, int]]:
    """Return (smallest, median, largest) width and height in pixels."""
    summary = {}
    for side in ("width", "height"):
        sizes = np.array([getattr(photo, side) for photo in photos])
        summary[side] = (int(sizes.min()), int(np.median(sizes)), int(sizes.max()))
    return summary
