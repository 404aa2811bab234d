"""Decoding: every admitted format becomes uint8 pixels, equal to known ones."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from transfer_learning.photos import decoding
from transfer_learning.photos.decoding import check_jpeg
from transfer_learning.photos.pixels import needs_pillow, open_photo, rgb
from transfer_learning.runtime.tensorflow_quiet import tf

WIDTH, HEIGHT = 21, 14


def pixels(channels: int = 3, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """Smooth gradients with a coarse pattern, so that chroma subsampling and the DCT matter."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (4, 4, channels), dtype=np.uint8)
    return np.stack(
        [
            np.asarray(Image.fromarray(coarse[..., c]).resize((width, height)))
            for c in range(channels)
        ],
        axis=-1,
    )


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def with_pillow(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


def decode(data: bytes) -> Any:
    """Decode as ``preprocess`` does, without resizing."""
    by_pillow = needs_pillow(open_photo(data))
    return decoding.decode(data, by_pillow, lambda image: image, shape=(None, None, 3))


RGB = Image.fromarray(pixels())


@pytest.mark.parametrize(
    ("width", "height"), [(WIDTH, HEIGHT), (64, 48), (33, 97)], ids=lambda side: str(side)
)
@pytest.mark.parametrize(
    "options",
    [
        {"quality": 75},
        {"quality": 95, "subsampling": 0},
        {"quality": 40, "subsampling": 2, "progressive": True},
    ],
    ids=["usual", "full-chroma", "progressive"],
)
def test_a_jpeg_decodes_as_pillow_does_bit_for_bit(
    width: int, height: int, options: dict[str, Any]
) -> None:
    data = encoded(Image.fromarray(pixels(width=width, height=height)), "JPEG", **options)

    assert np.array_equal(decode(data).numpy(), with_pillow(data))


@pytest.mark.parametrize(
    ("image", "kind"),
    [
        (RGB, "JPEG"),
        (RGB.convert("L"), "JPEG"),
        (RGB.convert("CMYK"), "JPEG"),
        (RGB, "PNG"),
        (RGB.convert("L"), "PNG"),
        (RGB.convert("1"), "PNG"),
        (RGB.convert("P"), "GIF"),
        (RGB, "WEBP"),
        (RGB, "BMP"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.mode,
)
def test_every_format_and_mode_becomes_three_channels_of_bytes(
    image: Image.Image, kind: str
) -> None:
    data = encoded(image, kind)

    found = decode(data).numpy()

    assert found.dtype == np.uint8
    assert found.shape == (HEIGHT, WIDTH, 3)
    assert np.array_equal(found, with_pillow(data))


@pytest.mark.parametrize("kind", ["PNG", "BMP"])
def test_a_lossless_photo_keeps_its_pixels(kind: str) -> None:
    assert np.array_equal(decode(encoded(RGB, kind)).numpy(), pixels())


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("turn", range(1, 9))
def test_the_pixels_are_those_of_the_rule_for_all_formats(kind: str, turn: int) -> None:
    tags = Image.Exif()
    tags[0x0112] = turn
    data = encoded(RGB, kind, exif=tags)

    assert np.array_equal(decode(data).numpy(), np.asarray(rgb(open_photo(data))))


@pytest.mark.parametrize("by_pillow", [False, True])
def test_a_photo_is_shrunk_to_the_same_bits_by_either_way(by_pillow: bool) -> None:
    data = encoded(RGB, "JPEG")

    def halved(image: Any) -> Any:
        return tf.cast(tf.image.resize(image, [7, 10]), tf.uint8)

    found = decoding.decode(data, by_pillow, halved, shape=(7, 10, 3)).numpy()

    assert np.array_equal(found, halved(with_pillow(data)).numpy())


def test_a_grey_photo_has_three_equal_channels() -> None:
    found = decode(encoded(RGB.convert("L"), "JPEG")).numpy()

    assert np.array_equal(found[..., 0], found[..., 1])
    assert np.array_equal(found[..., 0], found[..., 2])


def test_a_jpeg_that_tensorflow_decodes_passes() -> None:
    check_jpeg(encoded(RGB, "JPEG"))


def test_a_jpeg_cut_short_does_not_pass() -> None:
    with pytest.raises(ValueError, match="Invalid JPEG data"):
        check_jpeg(encoded(RGB, "JPEG")[:-20])


def test_what_is_no_jpeg_passes_unseen() -> None:
    check_jpeg(encoded(RGB, "PNG")[:-20])
