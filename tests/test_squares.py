"""Encoded photos as R × R pixels, against Pillow's decoder and TensorFlow's resizing."""

from __future__ import annotations

import numpy as np
import pytest
from photo_kinds import DEEP, KINDS, encoded, picture

from transfer_learning.config.params import Preprocess
from transfer_learning.photos import pixels, tf_resizing
from transfer_learning.photos.squares import squares

BILINEAR = Preprocess(method="bilinear", antialias=False)


def refusal(photo: bytes, megapixels: float = 100) -> str:
    with pytest.raises(ValueError) as caught:
        squares(photo, [32], settings=BILINEAR, megapixels=megapixels)
    return str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_photo_has_the_pixels_that_pillow_and_tensorflow_give_it(kind: str) -> None:
    found = squares(KINDS[kind], [32, 40], settings=BILINEAR, megapixels=100)

    assert list(found) == [32, 40]
    whole = pixels.array(pixels.open_photo(KINDS[kind]))
    expected = tf_resizing.resize(whole, resolution=40, settings=BILINEAR).numpy()
    np.testing.assert_array_equal(found[40], expected)


def test_what_is_no_good_photo_is_refused_with_the_reason() -> None:
    whole = encoded(picture(400, 300), "JPEG")

    assert "not one of JPEG, PNG" in refusal(b"text")
    assert refusal(b"") == "an empty file"
    assert "truncated" in refusal(whole[: len(whole) // 2])
    assert "more than 8 bits" in refusal(DEEP)
    assert refusal(whole, megapixels=0.1) == "it has 0.12 megapixels, and 0.1 are allowed"
