"""One picture as a file of every kind of photo that people have."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image


def picture(width: int = 61, height: int = 47, seed: int = 0) -> Image.Image:
    """Smooth colours with a coarse pattern, so that chroma subsampling and the DCT matter."""
    coarse = np.random.default_rng(seed).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height))


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def turned(orientation: int) -> bytes:
    tags = Image.Exif()
    tags[0x0112] = orientation
    return encoded(picture(), "JPEG", exif=tags)


def transparent(mode: str) -> Image.Image:
    ramp = np.linspace(0, 255, 61 * 47).reshape(47, 61).astype(np.uint8)
    image = picture().convert("RGBA")
    image.putalpha(Image.fromarray(ramp))
    return image.convert(mode)


def keyed() -> bytes:
    """A palette with one transparent entry."""
    return encoded(picture().quantize(16), "PNG", transparency=3)


KINDS: dict[str, bytes] = {
    "baseline JPEG": encoded(picture(), "JPEG", quality=90),
    "progressive JPEG": encoded(picture(), "JPEG", progressive=True),
    "JPEG without subsampling": encoded(picture(), "JPEG", subsampling=0),
    "CMYK JPEG": encoded(picture().convert("CMYK"), "JPEG"),
    "grey JPEG": encoded(picture().convert("L"), "JPEG"),
    "turned JPEG": turned(6),
    "JPEG with bytes after its end": encoded(picture(), "JPEG") + b"more",
    "PNG": encoded(picture(), "PNG"),
    "palette PNG": encoded(picture().quantize(16), "PNG"),
    "palette PNG with a transparent colour": keyed(),
    "PNG with alpha": encoded(transparent("RGBA"), "PNG"),
    "grey PNG": encoded(picture().convert("L"), "PNG"),
    "grey PNG with alpha": encoded(transparent("LA"), "PNG"),
    "black and white PNG": encoded(picture().convert("1"), "PNG"),
    "WebP": encoded(picture(), "WEBP"),
    "WebP with alpha": encoded(transparent("RGBA"), "WEBP", lossless=True),
    "GIF": encoded(picture(), "GIF"),
    "BMP": encoded(picture(), "BMP"),
}
# Of 16 bits a channel, which no part of the project cuts to 8 behind the user's back.
DEEP = encoded(Image.fromarray(np.full((9, 9), 40_000, np.uint16)), "PNG")
