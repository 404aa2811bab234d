"""Encoded photos as R × R pixels without TensorFlow: those of ``preprocess``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from photo_kinds import DEEP, KINDS, encoded, picture

from transfer_learning.config.params import Preprocess
from transfer_learning.photos import records
from transfer_learning.photos.pixels import needs_pillow, open_photo
from transfer_learning.photos.preprocessing import preprocess
from transfer_learning.photos.records import Record
from transfer_learning.photos.squares import squares

BILINEAR = Preprocess(method="bilinear", antialias=False)


def refusal(photo: bytes, megapixels: float = 100) -> str:
    with pytest.raises(ValueError) as caught:
        squares(photo, [32], settings=BILINEAR, megapixels=megapixels)
    return str(caught.value)


def test_every_kind_of_photo_has_the_pixels_that_preprocess_gives_it(tmp_path: Path) -> None:
    path = tmp_path / "test.tfrecord"
    records.write(
        path,
        (
            Record(name, 0, photo, by_pillow=needs_pillow(open_photo(photo)))
            for name, photo in KINDS.items()
        ),
    )

    for record in preprocess(path, resolution=40, settings=BILINEAR):
        found = squares(KINDS[record.id], [32, 40], settings=BILINEAR, megapixels=100)

        assert list(found) == [32, 40]
        expected = np.frombuffer(record.image, np.uint8).reshape(40, 40, 3)
        np.testing.assert_array_equal(found[40], expected, record.id)


def test_what_is_no_good_photo_is_refused_with_the_reason() -> None:
    whole = encoded(picture(400, 300), "JPEG")

    assert "not one of JPEG, PNG" in refusal(b"text")
    assert refusal(b"") == "an empty file"
    assert "truncated" in refusal(whole[: len(whole) // 2])
    assert "more than 8 bits" in refusal(DEEP)
    assert refusal(whole, megapixels=0.1) == "it has 0.12 megapixels, and 0.1 are allowed"
