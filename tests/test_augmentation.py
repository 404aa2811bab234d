"""Augmentation: a function of seed, epoch and photo, the same bytes everywhere; and its figure."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import tunings
from PIL import Image
from tunings import SIDE, TRAIN

from transfer_learning.config.finetuning import Augment
from transfer_learning.finetuning.augmentation import augment
from transfer_learning.finetuning.photos import Photos
from transfer_learning.photos import records
from transfer_learning.reports import augmentation_grid

PLAIN = Augment(crop=1, flip=False, colour=0)
# Red grows to the right, green downwards.
RAMP = np.zeros((64, 64, 3), np.uint8)
RAMP[..., 0], RAMP[..., 1] = 4 * np.arange(64), 4 * np.arange(64)[:, None]


def versions(settings: Augment, count: int = 200) -> np.ndarray:
    return np.array([augment(RAMP, settings, seed=0, epoch=n, id="a") for n in range(count)])


def test_it_depends_on_seed_epoch_and_photo_and_on_nothing_else() -> None:
    asked = [(0, 1, "a"), (1, 1, "a"), (0, 2, "a"), (0, 1, "b")]

    first, again = (
        [augment(RAMP, Augment(), seed=s, epoch=e, id=i).tobytes() for s, e, i in order]
        for order in (asked, asked[::-1])
    )

    assert first == again[::-1]
    assert len(set(first)) == 4


def test_its_bytes_are_known() -> None:
    digest = hashlib.sha256(versions(Augment(), 8).tobytes()).hexdigest()

    assert digest == "89535dcb71c449f8fcfb6b9c8f01f38cb69b11644bcc7382e0710109c96d1083"


def test_without_any_the_photo_is_as_it_was() -> None:
    assert (versions(PLAIN, 5) == RAMP).all()


def test_crops_have_the_areas_and_sides_that_are_allowed() -> None:
    cropped = versions(PLAIN.model_copy(update={"crop": 0.3})).astype(int)

    width, height = (
        (cropped[..., c].max((1, 2)) - cropped[..., c].min((1, 2))) / 252 for c in (0, 1)
    )
    area = width * height
    assert area.min() > 0.25
    assert area.max() > 0.9
    assert 0.5 < np.median(area) < 0.8
    # And they lie anywhere.
    assert cropped[..., 0].min((1, 2)).std() > 10
    assert (width / height).max() <= 16 / 9
    assert (width / height).max() > 1.2


def test_every_second_photo_is_mirrored_and_none_turned() -> None:
    flipped = versions(PLAIN.model_copy(update={"flip": True}))

    mirrored = (flipped == RAMP[:, ::-1]).all((1, 2, 3))
    assert 70 < mirrored.sum() < 130
    assert ((flipped == RAMP).all((1, 2, 3)) | mirrored).all()


@pytest.mark.parametrize("strength", [0.1, 0.5])
def test_colours_change_by_the_strength_at_most(strength: float) -> None:
    grey = np.full((8, 8, 3), 100, np.uint8)

    changed = np.array(
        [
            augment(grey, PLAIN.model_copy(update={"colour": strength}), seed=0, epoch=n, id="a")
            for n in range(100)
        ]
    )

    # Contrast and saturation leave an even grey as it is: what is left is brightness.
    assert changed.min() >= round(100 * (1 - strength)) - 1
    assert changed.max() <= round(100 * (1 + strength)) + 1
    assert changed.max() > 100 * (1 + 0.8 * strength)


def test_an_epoch_has_every_photo_once_in_an_order_of_its_own(tmp_path: Path) -> None:
    folder = tunings.write_photos(tmp_path)
    photos = Photos(records.shards(folder, "train"), SIDE)
    plain = [photos.pixels(number).tobytes() for number in range(TRAIN)]

    def epoch(number: int, threads: int, settings: Augment = PLAIN) -> list[bytes]:
        with ThreadPoolExecutor(threads) as executor:
            batches = list(photos.epoch(executor, settings, batch=4, seed=0, epoch=number))
        assert [batch.count for batch in batches] == [4, 4, 2]
        assert [batch.weights.sum() for batch in batches] == [4, 4, 2]
        assert not batches[-1].pixels[2:].any()
        for batch in batches:
            for row in range(batch.count):
                if settings is PLAIN:
                    number = plain.index(batch.pixels[row].tobytes())
                    assert batch.labels[row] == photos.places[number].label
        return [batch.pixels[row].tobytes() for batch in batches for row in range(batch.count)]

    first, second = epoch(1, 1), epoch(2, 1)
    assert sorted(first) == sorted(second) == sorted(plain)
    assert first != second
    assert epoch(1, 3, Augment()) == epoch(1, 1, Augment())


def test_the_figure_shows_five_photos_in_eight_versions(tmp_path: Path) -> None:
    rows = {f"class {row}: photo": list(versions(Augment(), 8)) for row in range(5)}

    augmentation_grid.draw(tmp_path / "a.png", rows, title="t: training photos")
    augmentation_grid.draw(tmp_path / "b.png", rows, title="t: training photos")

    with Image.open(tmp_path / "a.png") as image:
        assert image.width == 688
        # All of its 40 places have the ramp's colours.
        side, gap = augmentation_grid.SIDE, 8
        bottom = np.asarray(image)[-gap - side : -gap]
        for column in range(8):
            left = gap + column * (side + gap)
            assert (bottom[:, left : left + side, :2].std((0, 1)) > 20).all()
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
