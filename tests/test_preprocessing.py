"""Resizing against its formula, and files of encoded photos as R × R pixels."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from transfer_learning.config.params import Preprocess
from transfer_learning.photos import records
from transfer_learning.photos.preprocessing import Shrinker, shrunk
from transfer_learning.photos.records import Record
from transfer_learning.photos.resizing import resize
from transfer_learning.runtime.errors import UserError
from transfer_learning.work.units import PhotoError, Unit

BILINEAR = Preprocess(method="bilinear", antialias=False)
WIDTH, HEIGHT = 21, 14


def pixels(width: int = WIDTH, height: int = HEIGHT, seed: int = 0) -> np.ndarray:
    """Smooth gradients with a coarse pattern, so that chroma subsampling and the DCT matter."""
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height)))


def encoded(image: Image.Image, kind: str) -> bytes:
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


def preprocess(paths: list[Path], *, resolution: int, settings: Preprocess) -> Iterator[Record]:
    return shrunk(paths, resolution=resolution, settings=settings)


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

    found = resize(image, resolution=side, settings=BILINEAR)

    assert found.shape == (side, side, 3)
    assert found.dtype == np.uint8
    assert np.abs(found.astype(int) - bilinear(image, side)).max() <= 1


def test_resizing_rounds_to_the_closest_level() -> None:
    image = np.zeros((1, 2, 3), np.uint8)
    image[0, 1] = 255

    found = resize(image, resolution=4, settings=BILINEAR)

    # A quarter of 255 is 63.75, three quarters are 191.25.
    assert found[0, :, 0].tolist() == [0, 64, 191, 255]


@pytest.mark.parametrize("method", ["bilinear", "nearest", "bicubic", "area", "lanczos3"])
def test_every_method_gives_bytes_within_the_levels(method: str) -> None:
    image = np.zeros((16, 16, 3), np.uint8)
    image[4:12, 4:12] = 255

    settings = Preprocess(method=method, antialias=False)
    found = resize(image, resolution=32, settings=settings)

    assert found.dtype == np.uint8
    # Bicubic and Lanczos overshoot; without clipping the flat parts would wrap around.
    assert found[:5].max() <= 40
    assert found[14:18, 14:18].min() >= 215


def test_antialias_changes_a_shrunk_photo() -> None:
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::4] = 255

    plain = resize(stripes, resolution=8, settings=BILINEAR)
    smooth = resize(stripes, resolution=8, settings=Preprocess(method="bilinear", antialias=True))

    assert set(np.unique(plain)) <= {0, 128, 255}
    assert np.abs(smooth.astype(int) - 64).max() <= 8


def test_a_photo_is_decoded_then_resized_to_the_last_bit(tmp_path: Path) -> None:
    kinds = ["JPEG", "PNG", "GIF", "WEBP", "BMP"]
    photos = [
        encoded(Image.fromarray(pixels(40 + 3 * i, 70 - 2 * i, seed=i)), kinds[i % len(kinds)])
        for i in range(20)
    ]
    path = tmp_path / "train.tfrecord"
    records.write(
        path,
        (Record(f"a/{i}.jpg", 0, photo) for i, photo in enumerate(photos)),
    )

    found = list(preprocess([path], resolution=32, settings=BILINEAR))

    for photo, record in zip(photos, found, strict=True):
        whole = np.asarray(Image.open(io.BytesIO(photo)).convert("RGB"))
        expected = resize(whole, resolution=32, settings=BILINEAR)
        assert record.image == expected.tobytes()


def test_records_keep_their_order_ids_and_labels(tmp_path: Path) -> None:
    path = tmp_path / "train.tfrecord"
    # More than two batches; the ids are not in alphabetical order, so that sorting would show.
    numbers = range(70)
    written = [
        Record(
            f"a/{-i % 70}ö.jpg",
            i % 5,
            encoded(Image.new("RGB", (9 + i, 90 - i), (3 * i,) * 3), "PNG"),
        )
        for i in numbers
    ]
    records.write(path, written)

    found = list(preprocess([path], resolution=8, settings=BILINEAR))

    assert [(r.id, r.label) for r in found] == [(r.id, r.label) for r in written]
    assert [r.image for r in found] == [bytes([3 * i]) * (8 * 8 * 3) for i in numbers]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_is_upright_before_it_is_resized(orientation: int, tmp_path: Path) -> None:
    tags = Image.Exif()
    tags[0x0112] = orientation
    file = io.BytesIO()
    Image.fromarray(pixels(40, 70)).save(file, "JPEG", exif=tags)
    path = tmp_path / "train.tfrecord"
    records.write(path, [Record("a/1.jpg", 0, file.getvalue())])

    (found,) = preprocess([path], resolution=32, settings=BILINEAR)

    upright = np.asarray(ImageOps.exif_transpose(Image.open(file)))
    assert found.image == resize(upright, resolution=32, settings=BILINEAR).tobytes()


def test_photos_are_read_as_they_are_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "train.tfrecord"
    photo = encoded(Image.fromarray(pixels()), "PNG")
    count = 2000
    records.write(path, [Record("a/1.jpg", 0, photo)] * count)
    # The last record is damaged; whoever stops before it never learns of that.
    path.write_bytes(path.read_bytes()[:-1])

    found = preprocess([path], resolution=8, settings=BILINEAR)

    assert next(found).id == "a/1.jpg"
    with pytest.raises(UserError):
        assert len(list(found)) < count


@pytest.mark.parametrize("damage", [lambda raw: raw[:-5], lambda raw: raw[:-40] + b"x" + raw[-39:]])
def test_a_damaged_file_is_named(damage: Callable[[bytes], bytes], tmp_path: Path) -> None:
    path = tmp_path / "train.tfrecord"
    records.write(path, [Record("a/1.jpg", 0, encoded(Image.fromarray(pixels()), "PNG"))])
    path.write_bytes(damage(path.read_bytes()))

    with pytest.raises(UserError, match=r"train\.tfrecord is damaged"):
        list(preprocess([path], resolution=8, settings=BILINEAR))


def test_files_come_one_after_the_other_and_the_damaged_one_is_named(tmp_path: Path) -> None:
    photo = encoded(Image.fromarray(pixels()), "PNG")
    paths = [tmp_path / f"{name}.tfrecord" for name in ("b", "a", "c")]
    for path, count in zip(paths, (40, 3, 50), strict=True):
        records.write(path, (Record(f"{path.stem}/{i}", 0, photo) for i in range(count)))

    found = [record.id for record in preprocess(paths, resolution=8, settings=BILINEAR)]
    paths[1].write_bytes(paths[1].read_bytes()[:-1])

    assert found == [
        f"{name}/{i}" for name, count in (("b", 40), ("a", 3), ("c", 50)) for i in range(count)
    ]
    with pytest.raises(UserError, match=r"a\.tfrecord is damaged"):
        list(preprocess(paths, resolution=8, settings=BILINEAR))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.tfrecord is missing"):
        list(preprocess([tmp_path / "none.tfrecord"], resolution=8, settings=BILINEAR))


def test_a_unit_is_a_file_and_counts_its_photos(tmp_path: Path) -> None:
    source, target = tmp_path / "train.tfrecord", tmp_path / "small.tfrecord"
    photo = encoded(Image.fromarray(pixels()), "PNG")
    records.write(source, (Record(f"a/{i}", i, photo) for i in range(5)))
    worker = Shrinker(1, resolution=8, settings=BILINEAR)
    done: list[int] = []

    worker(Unit("train", 5, (source,)), target, done.append)

    assert [record.id for record in records.read(target)] == [f"a/{i}" for i in range(5)]
    assert sum(done) == 5
    with pytest.raises(ValueError, match="holds 5 photos, not 6"):
        worker(Unit("train", 6, (source,)), target, done.append)


def test_a_photo_that_cannot_be_decoded_is_named(tmp_path: Path) -> None:
    path = tmp_path / "train.tfrecord"
    photos = [encoded(Image.fromarray(pixels()), "PNG"), b"no photo"]
    records.write(path, (Record(f"a/{i}", 0, photo) for i, photo in enumerate(photos)))

    with pytest.raises(PhotoError, match=r"^a/1$") as caught:
        list(preprocess([path], resolution=8, settings=BILINEAR))

    assert "not one of JPEG" in str(caught.value.__cause__)
