"""The drawn flower photos: determinism, format, and errors."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from transfer_learning.sources.synthetic.render import CLASSES, LONGEST_SIDE, SHORTEST_SIDE, render


def test_same_arguments_give_the_same_bytes() -> None:
    assert render(seed=1, label=2, index=3) == render(seed=1, label=2, index=3)


def test_seed_label_and_index_each_change_the_picture() -> None:
    pictures = {
        render(seed=1, label=2, index=3),
        render(seed=9, label=2, index=3),
        render(seed=1, label=4, index=3),
        render(seed=1, label=2, index=8),
    }
    assert len(pictures) == 4


@pytest.mark.parametrize("label", range(len(CLASSES)))
def test_pictures_are_rgb_jpegs_of_the_promised_size(label: int) -> None:
    for index in range(6):
        with Image.open(io.BytesIO(render(seed=5, label=label, index=index))) as picture:
            picture.load()
            assert picture.format == "JPEG"
            assert picture.mode == "RGB"
            assert min(picture.size) >= SHORTEST_SIDE
            assert max(picture.size) <= LONGEST_SIDE


def test_more_pictures_change_no_earlier_one() -> None:
    few = [render(seed=4, label=0, index=index) for index in range(3)]
    many = [render(seed=4, label=0, index=index) for index in reversed(range(6))]
    assert few == many[::-1][:3]


def test_a_picture_shows_something() -> None:
    with Image.open(io.BytesIO(render(seed=0, label=1, index=0))) as picture:
        assert np.asarray(picture).std() > 10


@pytest.mark.parametrize("label", [-1, len(CLASSES)])
def test_an_unknown_label_is_named(label: int) -> None:
    with pytest.raises(ValueError, match=f"label {label} "):
        render(seed=0, label=label, index=0)
