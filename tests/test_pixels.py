"""The one rule for pixels: upright, on white, three channels of 8 bits."""

from __future__ import annotations

import io
import struct
import threading
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps, UnidentifiedImageError

from transfer_learning.photos import pixels

# So that Pillow writes HEIC, too.
assert "HEIF" in pixels.formats()

ORIENTATION = 0x0112
MODES = {
    "JPEG": ("RGB", "L", "CMYK"),
    "PNG": ("RGB", "RGBA", "L", "LA", "P", "PA", "1"),
    "WEBP": ("RGB", "RGBA"),
    "GIF": ("RGB", "RGBA", "P", "L"),
    "TIFF": ("RGB", "RGBA", "L", "CMYK", "1"),
    "AVIF": ("RGB", "RGBA"),
    "JPEG2000": ("RGB", "RGBA", "L"),
    "BMP": ("RGB", "L"),
    "PPM": ("RGB", "L"),
}
# Of HEIC the orientation is a property of the file, which Pillow's plug-in writes and applies.
TAGGED = ("JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF")


def picture(mode: str, *, seed: int, size: tuple[int, int]) -> Image.Image:
    channels = np.random.default_rng(seed).integers(0, 256, (*size[::-1], 4), np.uint8)
    return Image.fromarray(channels, "RGBA").convert("LA" if mode == "PA" else mode)


def encoded(image: Image.Image, kind: str, *, orientation: int = 1, **options: Any) -> bytes:
    if kind in TAGGED:
        tags = Image.Exif()
        tags[ORIENTATION] = orientation
        options["exif"] = tags.tobytes() if kind == "HEIF" else tags
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def with_pillow(data: bytes) -> np.ndarray:
    """Pillow's own ways: exif_transpose, alpha_composite, convert."""
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        upright = ImageOps.exif_transpose(image)
        if upright.has_transparency_data:
            colours = upright.convert("RGBA")
            upright = Image.alpha_composite(Image.new("RGBA", colours.size, "white"), colours)
        return np.asarray(upright.convert("RGB"))


@settings(max_examples=150, deadline=None, database=None)
@given(data=st.data())
def test_pixels_are_those_of_pillows_own_ways_bit_for_bit(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(sorted(MODES)))
    mode = data.draw(st.sampled_from(MODES[kind]))
    size = data.draw(st.tuples(st.integers(1, 20), st.integers(1, 20)))
    image = picture(mode, seed=data.draw(st.integers(0, 99)), size=size)
    options = {"transparency": 3} if mode in ("P", "L", "RGB") and kind == "PNG" else {}
    if mode == "RGB" and options:
        options = {"transparency": image.getpixel((0, 0))}
    photo = encoded(image, kind, orientation=data.draw(st.integers(0, 9)), **options)

    found = pixels.rgb(pixels.open_photo(photo))

    assert found.mode == "RGB"
    assert np.array_equal(np.asarray(found), with_pillow(photo))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_all_eight_orientations_become_upright(kind: str, orientation: int) -> None:
    upright = np.zeros((32, 48, 3), np.uint8)
    upright[:16, :16], upright[16:, 32:] = (230, 20, 20), (20, 20, 230)
    # What the camera stored: the turn that its tag asks for, undone.
    undo = {5: 5, 6: 8, 7: 7, 8: 6}.get(orientation, orientation)
    image = Image.fromarray(upright)
    stored = image.transpose(pixels.TURNS[undo]) if undo > 1 else image
    options = {"quality": 95, "subsampling": 0} if kind == "JPEG" else {}
    options |= {"lossless": True} if kind == "WEBP" else {}

    found = np.asarray(
        pixels.rgb(pixels.open_photo(encoded(stored, kind, orientation=orientation, **options)))
    )

    assert found.shape == upright.shape
    assert np.abs(found.astype(int) - upright).max() <= {"JPEG": 12, "HEIF": 12}.get(kind, 0)


def test_an_array_holds_the_same_pixels_in_all_its_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pixels, "BAND", 4)
    photo = encoded(picture("RGBA", seed=1, size=(7, 10)), "PNG", orientation=6)

    found = pixels.array(pixels.open_photo(photo))

    assert np.array_equal(found, with_pillow(photo))


def test_transparent_parts_are_white_and_not_their_hidden_colour() -> None:
    image = Image.new("RGBA", (4, 3), (10, 200, 30, 0))

    found = pixels.rgb(pixels.open_photo(encoded(image, "PNG")))

    assert found.getcolors() == [(12, (255, 255, 255))]


def png_of_16_bits(colour_type: int, channels: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", 3, 2, 16, colour_type, 0, 0, 0)
    rows = b"".join(b"\0" + bytes(3 * channels * 2) for _ in range(2))
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


DEEP = {
    "grey": png_of_16_bits(0, 1),
    "rgb": png_of_16_bits(2, 3),
    "grey, alpha": png_of_16_bits(4, 2),
    "rgb, alpha": png_of_16_bits(6, 4),
    "tiff": encoded(Image.fromarray(np.zeros((3, 3), np.uint16)), "TIFF"),
    "float": encoded(Image.fromarray(np.zeros((3, 3), np.float32)), "TIFF"),
    "jpeg 2000": encoded(Image.fromarray(np.zeros((3, 3), np.uint16)), "JPEG2000"),
}


@pytest.mark.parametrize("photo", DEEP.values(), ids=DEEP)
def test_more_than_8_bits_a_channel_are_refused_in_every_colour(photo: bytes) -> None:
    with pytest.raises(ValueError, match="more than 8 bits a channel"):
        pixels.open_photo(photo)


def test_too_many_megapixels_are_refused_before_they_are_decoded() -> None:
    photo = encoded(Image.new("1", (20_000, 10_000)), "PNG")

    with pytest.raises(ValueError, match=r"200 megapixels, .* 100"):
        pixels.open_photo(photo, megapixels=100)


def test_damaged_tags_leave_a_photo_as_it_is() -> None:
    photo = encoded(Image.new("RGB", (9, 5)), "JPEG", orientation=6)
    damaged = photo.replace(b"Exif\0\0II", b"Exif\0\0XX").replace(b"Exif\0\0MM", b"Exif\0\0XX")
    assert damaged != photo

    assert pixels.rgb(pixels.open_photo(damaged)).size == (9, 5)


@pytest.mark.parametrize(
    "data", [b"", b"text", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"]
)
def test_what_is_no_photo_is_not_opened(data: bytes) -> None:
    with pytest.raises(UnidentifiedImageError):
        pixels.open_photo(data)


def test_photos_wait_for_room_by_their_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pixels, "ROOM", 100)
    monkeypatch.setattr(pixels, "ROOM_PER_CORE", 0)
    monkeypatch.setattr(pixels, "_ROOM", pixels._Room())
    small, whole, larger = ((side, 10) for side in (3, 10, 50))
    order = []

    def wait(size: tuple[int, int], name: str) -> threading.Thread:
        def work() -> None:
            with pixels.room(size):
                order.append(name)

        thread = threading.Thread(target=work)
        thread.start()
        return thread

    with pixels.room(small), pixels.room(small):
        waiting = [wait(whole, "whole")]
        wait(small, "small").join(10)
        waiting.append(wait(larger, "larger"))
        assert order == ["small"]
    for thread in waiting:
        thread.join(10)
    assert sorted(order) == ["larger", "small", "whole"]
