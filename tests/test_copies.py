"""Which photos show the same: planted copies of each kind, and none among different photos."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from transfer_learning.photos import copies, looks
from transfer_learning.photos.looks import Looks

SIZE = (180, 120)


def photo(seed: int) -> Image.Image:
    """A picture of its own: large coloured patches, as photos have, and some noise."""
    rng = np.random.default_rng(seed)
    patches = rng.integers(0, 200, (6, 9, 3), dtype=np.uint8)
    image = Image.fromarray(patches).resize(SIZE, Image.Resampling.BICUBIC)
    noise = rng.integers(0, 30, (SIZE[1], SIZE[0], 3), dtype=np.uint8)
    return Image.fromarray(np.asarray(image) + noise)


def jpeg(image: Image.Image, quality: int = 90) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return file.getvalue()


def table(files: list[bytes]) -> Looks:
    return Looks.of(
        (f"{number}.jpg", looks.look(file, looks.reduced(file)))
        for number, file in enumerate(files)
    )


CHANGES = {
    "re-encoded": lambda image: jpeg(image, 50),
    "resized": lambda image: jpeg(image.resize((126, 84))),
    "cropped": lambda image: jpeg(image.crop((9, 6, *SIZE))),
    "brightened": lambda image: jpeg(ImageEnhance.Brightness(image).enhance(1.2)),
    "mirrored": lambda image: jpeg(ImageOps.mirror(image)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_is_found_and_nothing_else(change: str) -> None:
    originals = [photo(seed) for seed in range(30)]

    found = copies.find(table([*map(jpeg, originals), CHANGES[change](originals[7])]))

    assert [(item.first, item.second) for item in found] == [(7, 30)]
    assert found[0].mirrored == (change == "mirrored")
    assert not found[0].same_bytes


def test_equal_files_are_copies_of_the_first(tmp_path: Path) -> None:
    files = [jpeg(photo(seed)) for seed in (0, 1, 0, 2, 0)]

    found = copies.find(table(files))

    assert [(item.first, item.second, item.same_bytes) for item in found] == [
        (0, 2, True),
        (0, 4, True),
    ]


def test_different_photos_have_no_copies() -> None:
    assert copies.find(table([jpeg(photo(seed)) for seed in range(60)])) == []


def test_plain_pictures_are_not_compared() -> None:
    plain = [jpeg(Image.new("RGB", SIZE, (shade, 90, 40))) for shade in range(0, 250, 25)]

    assert copies.find(table(plain)) == []


def test_many_copies_of_one_picture_give_few_pairs_and_one_group() -> None:
    files = [jpeg(photo(0), quality) for quality in range(30, 95)]

    found = copies.find(table(files))

    assert len(found) <= 2 * copies.NEAREST * 7 * len(files)
    linked = copies.groups(len(files), [(item.first, item.second) for item in found])
    assert set(linked.tolist()) == {0}


def test_groups_join_what_is_linked() -> None:
    assert copies.groups(6, [(4, 2), (1, 4)]).tolist() == [0, 1, 1, 3, 1, 5]


def test_looks_are_the_same_bytes_each_time_and_as_large_as_said(tmp_path: Path) -> None:
    found = table([jpeg(photo(seed)) for seed in range(3)])

    for name in ("a", "b"):
        found.write(tmp_path / name)
    again = Looks.read(tmp_path / "a")

    first, second = ((tmp_path / name / looks.FILE).read_bytes() for name in ("a", "b"))
    assert first == second
    assert again.grey.shape == (3, looks.SIDE, looks.SIDE)
    assert again.of_photos(["2.jpg", "0.jpg"]).light.tolist() == found.light[[2, 0]].tolist()


@pytest.mark.parametrize(
    ("image", "measure", "low", "high"),
    [
        (Image.new("RGB", SIZE, (3, 3, 3)), "light", 2, 4),
        (Image.new("RGB", SIZE, (90, 90, 90)), "colour", 0, 1),
        (Image.new("RGB", SIZE, (200, 30, 30)), "colour", 165, 175),
        (Image.new("RGB", SIZE, (200, 30, 30)), "variety", 0, 1),
        (photo(0), "variety", 20, 128),
        (photo(0), "sharpness", 5, 40),
        (photo(0).resize((18, 12)).resize(SIZE, Image.Resampling.BICUBIC), "sharpness", 0, 2),
    ],
)
def test_what_is_measured(image: Image.Image, measure: str, low: float, high: float) -> None:
    assert low <= getattr(looks.look(b"", image), measure) <= high
