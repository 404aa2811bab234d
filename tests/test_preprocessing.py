"""Decoding and resizing: every admitted format becomes uint8 pixels, equal to known ones."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from transfer_learning.params import Preprocess
from transfer_learning.preprocessing import decode, preprocess, resize
from transfer_learning.tensorflow_quiet import tf

BILINEAR = Preprocess(method="bilinear", antialias=False)
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
        (Image.fromarray(pixels(4), "RGBA"), "PNG"),
        (RGB.convert("L"), "PNG"),
        (RGB.convert("LA"), "PNG"),
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
    # CMYK leaves room for rounding; all else is exact.
    assert np.abs(found.astype(int) - with_pillow(data)).max() <= (image.mode == "CMYK")


@pytest.mark.parametrize("kind", ["PNG", "BMP"])
def test_a_lossless_photo_keeps_its_pixels(kind: str) -> None:
    assert np.array_equal(decode(encoded(RGB, kind)).numpy(), pixels())


def test_alpha_is_dropped_and_not_blended() -> None:
    image = pixels(4)
    image[..., 3] = 0

    found = decode(encoded(Image.fromarray(image, "RGBA"), "PNG")).numpy()

    assert np.array_equal(found, image[..., :3])


def test_a_grey_photo_has_three_equal_channels() -> None:
    found = decode(encoded(RGB.convert("L"), "JPEG")).numpy()

    assert np.array_equal(found[..., 0], found[..., 1])
    assert np.array_equal(found[..., 0], found[..., 2])


def bilinear(image: np.ndarray, side: int) -> np.ndarray:
    """Resize as tf.image.resize's bilinear does: half-pixel centres, edges held, no antialias."""
    out = image.astype(np.float64)
    for axis in (0, 1):
        length = out.shape[axis]
        at = (np.arange(side) + 0.5) * length / side - 0.5
        low = np.floor(at).astype(int)
        shape = [1, 1, 1]
        shape[axis] = side
        part = (at - low).reshape(shape)
        below = np.take(out, np.clip(low, 0, length - 1), axis)
        above = np.take(out, np.clip(low + 1, 0, length - 1), axis)
        out = below * (1 - part) + above * part
    return np.rint(out)


@pytest.mark.parametrize(("width", "height"), [(WIDTH, HEIGHT), (5, 3), (64, 96), (32, 32), (1, 1)])
@pytest.mark.parametrize("side", [32, 7])
def test_bilinear_resizing_follows_the_half_pixel_formula(
    width: int, height: int, side: int
) -> None:
    image = pixels(width=width, height=height)

    found = resize(image, resolution=side, settings=BILINEAR).numpy()

    assert found.shape == (side, side, 3)
    assert found.dtype == np.uint8
    assert np.abs(found.astype(int) - bilinear(image, side)).max() <= 1


def test_resizing_rounds_to_the_closest_level() -> None:
    image = np.zeros((1, 2, 3), np.uint8)
    image[0, 1] = 255

    found = resize(image, resolution=4, settings=BILINEAR).numpy()

    # A quarter of 255 is 63.75, three quarters are 191.25.
    assert found[0, :, 0].tolist() == [0, 64, 191, 255]


@pytest.mark.parametrize("method", ["bilinear", "nearest", "bicubic", "area", "lanczos3"])
def test_every_method_gives_bytes_within_the_levels(method: str) -> None:
    image = np.zeros((16, 16, 3), np.uint8)
    image[4:12, 4:12] = 255

    settings = Preprocess(method=method, antialias=False)
    found = resize(image, resolution=32, settings=settings).numpy()

    assert found.dtype == np.uint8
    # Bicubic and Lanczos overshoot; without clipping the flat parts would wrap around.
    assert found[:5].max() <= 40
    assert found[14:18, 14:18].min() >= 215


def test_antialias_changes_a_shrunk_photo() -> None:
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::4] = 255

    plain = resize(stripes, resolution=8, settings=BILINEAR).numpy()
    smooth = resize(
        stripes, resolution=8, settings=Preprocess(method="bilinear", antialias=True)
    ).numpy()

    assert set(np.unique(plain)) <= {0, 128, 255}
    assert np.abs(smooth.astype(int) - 64).max() <= 8


def test_records_keep_their_order_ids_and_labels() -> None:
    kinds = ["JPEG", "PNG", "GIF", "WEBP", "BMP"]
    shades = [10 * i for i in range(20)]
    data = [
        encoded(Image.new("RGB", (9 + i, 30 - i), (shade, shade, shade)), kinds[i % len(kinds)])
        for i, shade in enumerate(shades)
    ]
    ids = [f"a/{i}.jpg" for i in range(20)]
    dataset = tf.data.Dataset.from_tensor_slices(
        {"id": ids, "label": list(range(20)), "image": data}
    )

    found = list(preprocess(dataset, resolution=8, settings=BILINEAR).as_numpy_iterator())

    assert [record["id"].decode() for record in found] == ids
    assert [int(record["label"]) for record in found] == list(range(20))
    assert {record["image"].shape for record in found} == {(8, 8, 3)}
    means = np.array([record["image"].mean() for record in found])
    assert np.abs(means - shades).max() <= 3


def test_the_dataset_declares_the_shape_of_its_pixels() -> None:
    dataset = tf.data.Dataset.from_tensors({"image": encoded(RGB, "JPEG")})

    image = preprocess(dataset, resolution=8, settings=BILINEAR).element_spec["image"]

    assert image.shape.as_list() == [8, 8, 3]
    assert image.dtype == tf.uint8
