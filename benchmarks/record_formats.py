"""In which form to keep photos of R × R pixels: size, speed of writing and reading, loss.

python -m benchmarks.record_formats [--photos FOLDER] prints a Markdown table.
Writing is encoding and the record file, reading is the record file and decoding, in one thread.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import simplejpeg
from PIL import Image

from benchmarks import measure
from transfer_learning.config.params import Preprocess
from transfer_learning.photos import records
from transfer_learning.photos.preprocessing import shrunk
from transfer_learning.photos.records import Record

RESOLUTION = 224
SETTINGS = Preprocess(method="bilinear", antialias=False)
Encode = Callable[[np.ndarray], bytes]
Decode = Callable[[bytes], np.ndarray]


def with_pillow(pixels: np.ndarray, kind: str, **settings: Any) -> bytes:
    """Encode uint8 [R, R, 3]."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **settings)
    return file.getvalue()


def from_pillow(image: bytes) -> np.ndarray:
    """Decode to uint8 [R, R, 3]."""
    return np.asarray(Image.open(io.BytesIO(image)))


def from_raw(image: bytes) -> np.ndarray:
    """Take the bytes as they are: uint8 [R, R, 3]."""
    return np.frombuffer(image, np.uint8).reshape(RESOLUTION, RESOLUTION, 3)


FORMATS: dict[str, tuple[Encode, Decode]] = {
    "raw uint8": (np.ndarray.tobytes, from_raw),
    "PNG, level 1": (partial(with_pillow, kind="PNG", compress_level=1), from_pillow),
    "PNG, level 6": (partial(with_pillow, kind="PNG"), from_pillow),
    "WebP, lossless": (
        partial(with_pillow, kind="WEBP", lossless=True, method=0, quality=0),
        from_pillow,
    ),
    "WebP, quality 90": (partial(with_pillow, kind="WEBP", quality=90), from_pillow),
    "JPEG, quality 95": (
        partial(simplejpeg.encode_jpeg, quality=95, colorsubsampling="444"),
        simplejpeg.decode_jpeg,
    ),
}


def write(path: Path, photos: list[np.ndarray], encode: Encode) -> None:
    """Encode the photos and write them as records."""
    records.write(path, (Record(f"{i}", 0, encode(photo)) for i, photo in enumerate(photos)))


def read(path: Path, decode: Decode) -> None:
    """Read the records and decode the photos."""
    for record in records.read(path):
        decode(record.image)


def main() -> None:
    """Measure and print."""
    options = measure.options(__doc__, photos=500)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "source.tfrecord"
        encoded = measure.encoded(options.photos, options.count)
        records.write(source, (Record(f"{i}", 0, photo) for i, photo in enumerate(encoded)))
        resized = shrunk(source, resolution=RESOLUTION, settings=SETTINGS)
        photos = [from_raw(record.image) for record in resized]
        paths = {name: Path(folder) / f"{name}.tfrecord" for name in FORMATS}
        written = measure.seconds(
            {name: partial(write, paths[name], photos, FORMATS[name][0]) for name in FORMATS},
            options.repeats,
        )
        read_back = measure.seconds(
            {name: partial(read, paths[name], FORMATS[name][1]) for name in FORMATS},
            options.repeats,
        )
        print(
            f"{len(photos)} photos of {RESOLUTION} × {RESOLUTION} px; one thread; medians of "
            f"{options.repeats}, measured in turn.\n\n"
            "| format | kB a photo | written, photos/s | read, photos/s | mean error, levels |\n"
            "|---|---|---|---|---|"
        )
        for name, (encode, decode) in FORMATS.items():
            error = np.mean([np.abs(decode(encode(p)).astype(int) - p).mean() for p in photos])
            print(
                f"| {name} | {paths[name].stat().st_size / len(photos) / 1000:.0f} "
                f"| {len(photos) / written[name]:.0f} | {len(photos) / read_back[name]:.0f} "
                f"| {f'{error:.2f}' if error else 'none'} |"
            )


if __name__ == "__main__":
    main()
