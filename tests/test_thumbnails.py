"""Thumbnails: whole photos, small files, read back by id, equal bytes for equal photos."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from transfer_learning.photos import thumbnails


def opened(image: Image.Image, kind: str = "PNG") -> Image.Image:
    """The image as a file that is opened, but not decoded yet."""
    file = io.BytesIO()
    image.save(file, kind)
    return Image.open(file)


def thirds(width: int, height: int) -> Image.Image:
    """Red, green and blue, side by side along the longer side."""
    colours = np.zeros((3, 1, 3) if height > width else (1, 3, 3), np.uint8)
    colours.reshape(3, 3)[:] = 200 * np.eye(3)
    return Image.fromarray(colours).resize((width, height), Image.Resampling.NEAREST)


def decoded(file: bytes) -> Image.Image:
    return Image.open(io.BytesIO(file))


def test_each_photo_is_found_under_its_id_in_the_order_given(tmp_path: Path) -> None:
    shades = {f"tulips/ö {number}.jpg": 3 * (number * 7 % 80) for number in range(80)}
    photos = [
        (name, Image.new("RGB", (150, 140), (shade, shade, shade)))
        for name, shade in shades.items()
    ]

    thumbnails.write(tmp_path, photos, side=128)

    found = thumbnails.read(tmp_path)
    assert list(found) == list(shades)
    middles = np.array([decoded(file).getpixel((64, 64))[0] for file in found.values()])
    assert np.abs(middles - list(shades.values())).max() <= 3


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "WEBP"])
@pytest.mark.parametrize(("width", "height"), [(900, 300), (300, 900), (30, 10)])
def test_a_thumbnail_is_the_whole_photo_in_its_shape_and_never_enlarged(
    width: int, height: int, kind: str, tmp_path: Path
) -> None:
    photo = opened(thirds(width, height), kind)

    thumbnails.write(tmp_path, [("a/1.jpg", photo)], side=120)

    picture = decoded(thumbnails.read(tmp_path)["a/1.jpg"])
    scale = min(1, 120 / max(width, height))
    assert (picture.format, picture.mode) == ("WEBP", "RGB")
    assert picture.size == (width * scale, height * scale)
    # The middles of the thirds; at their rims colours run over.
    places = [(picture.width * (2 * i + 1) // 6, picture.height // 2) for i in range(3)]
    if height > width:
        places = [(picture.width // 2, picture.height * (2 * i + 1) // 6) for i in range(3)]
    seen = np.array([picture.getpixel(place) for place in places]).astype(int)
    assert np.abs(seen - 200 * np.eye(3)).max() <= 60


def test_of_more_photos_the_thumbnails_are_smaller() -> None:
    assert [thumbnails.side(photos) for photos in (0, 400, 401, 2000, 2001, 10**6)] == [
        *(224, 224, 128, 128, 96, 96)
    ]


def test_a_photo_that_was_given_is_left_as_it_was(tmp_path: Path) -> None:
    photo = Image.new("RGB", (300, 200))

    thumbnails.write(tmp_path, [("a/1.jpg", photo)], side=96)

    assert photo.size == (300, 200)


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_jpegs_of_other_colours_become_rgb(mode: str, tmp_path: Path) -> None:
    grey = Image.new("RGB", (300, 200), (90, 90, 90)).convert(mode)

    thumbnails.write(tmp_path, [("a/1.jpg", opened(grey, "JPEG"))], side=128)

    picture = decoded(thumbnails.read(tmp_path)["a/1.jpg"])
    assert picture.mode == "RGB"
    assert np.abs(np.asarray(picture).astype(int) - 90).max() <= 4


def test_a_thumbnail_takes_a_few_kilobytes(tmp_path: Path) -> None:
    noise = Image.effect_noise((400, 300), 40).convert("RGB")

    thumbnails.write(tmp_path, [("a/1.jpg", noise)], side=128)

    assert len(thumbnails.read(tmp_path)["a/1.jpg"]) < 12_000


def test_equal_photos_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        thumbnails.write(
            tmp_path / name,
            [(f"a/{i}.jpg", opened(thirds(200 + i, 100), "JPEG")) for i in range(40)],
            side=128,
        )

    first, second = (tmp_path / name / "thumbnails.npz" for name in ("first", "second"))
    assert first.read_bytes() == second.read_bytes()


def test_no_photos_are_read_back_as_none(tmp_path: Path) -> None:
    thumbnails.write(tmp_path, [], side=128)

    assert thumbnails.read(tmp_path) == {}
