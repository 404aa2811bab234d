"""Features of photos: the file's order, each photo once, images as float32 in [0, 1]."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from transfer_learning import extraction, records
from transfer_learning.features import Features

SIDE = 8
PHOTOS = 70
CLASSES = ("daisy", "rose", "tulip")


class Averaging:
    """A fake network: a photo's features are its mean red, green and blue."""

    def __init__(self) -> None:
        self.images: list[np.ndarray] = []

    def __call__(self, images: object) -> np.ndarray:
        self.images.append(np.asarray(images))
        return self.images[-1].mean(axis=(1, 2))


def pixels(number: int) -> np.ndarray:
    """Return the photo's pixels: no two photos of a file have the same mean."""
    photo = np.zeros((SIDE, SIDE, 3), np.uint8)
    photo[...] = (number, 2 * number, 255 - number)
    return photo


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "test.tfrecord"
    # The ids are out of alphabetical order, so that sorting would show.
    records.write(
        path,
        (
            (f"{-number % PHOTOS}/ö.jpg", number % 3, pixels(number).tobytes())
            for number in range(PHOTOS)
        ),
    )
    return path


def extract(path: Path, extractor: Averaging) -> list[Features]:
    return list(extraction.extract(path, extractor, resolution=SIDE, classes=CLASSES))


def test_every_photo_comes_once_in_the_order_of_the_file(file: Path) -> None:
    features = extraction.joined(extract(file, Averaging()))

    numbers = range(PHOTOS)
    assert features.ids.tolist() == [f"{-number % PHOTOS}/ö.jpg" for number in numbers]
    assert features.labels.tolist() == [number % 3 for number in numbers]
    expected = np.array([pixels(number).mean(axis=(0, 1)) / 255 for number in numbers])
    np.testing.assert_allclose(features.features, expected, atol=1e-6)


def test_the_last_batch_holds_the_rest(file: Path) -> None:
    batches = extract(file, Averaging())

    assert [len(batch.labels) for batch in batches] == [32, 32, 6]


def test_the_network_sees_each_photo_once_as_float32_from_0_to_1(file: Path) -> None:
    extractor = Averaging()

    extract(file, extractor)

    seen = np.concatenate(extractor.images)
    assert seen.dtype == np.float32
    assert seen.shape == (PHOTOS, SIDE, SIDE, 3)
    assert seen.min() == 0.0
    assert seen.max() == 1.0
    np.testing.assert_allclose(seen[51, 0, 0], [51 / 255, 102 / 255, 204 / 255], atol=1e-6)


def test_joined_features_have_the_promised_types_and_classes(file: Path) -> None:
    features = extraction.joined(extract(file, Averaging()))

    assert features.features.dtype == np.float32
    assert features.labels.dtype == np.int64
    assert features.classes.tolist() == list(CLASSES)


def test_features_survive_their_file_and_equal_ones_give_equal_bytes(
    file: Path, tmp_path: Path
) -> None:
    features = extraction.joined(extract(file, Averaging()))
    first, second = tmp_path / "a" / "test.npz", tmp_path / "b" / "test.npz"

    features.write(first)
    extraction.joined(extract(file, Averaging())).write(second)

    read = Features.read(first)
    for name in ("features", "labels", "ids", "classes"):
        np.testing.assert_array_equal(getattr(read, name), getattr(features, name))
    assert first.read_bytes() == second.read_bytes()
