"""Joined backbones: features side by side, costs added up, nothing mixed up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from competitors import EXTRACTION, backbone_info

from transfer_learning.features import joining
from transfer_learning.features.features import Features
from transfer_learning.runtime.errors import UserError


def photos(first: float, *, width: int = 2) -> Features:
    features = np.arange(3 * width, dtype=np.float32).reshape(3, width) + np.float32(first)
    return Features(
        features, np.array([0, 1, 0]), np.array(["a", "b", "c"]), np.array(["daisy", "rose"])
    )


def test_features_stand_side_by_side_in_the_order_given() -> None:
    joined = joining.features({"b": photos(10, width=1), "a": photos(0)})

    assert joined.features[:].tolist() == [[10, 0, 1], [11, 2, 3], [12, 4, 5]]
    assert joined.features.dtype == np.float32
    assert joined.ids.tolist() == ["a", "b", "c"]


@pytest.mark.parametrize(
    "change",
    [{"ids": np.array(["b", "a", "c"])}, {"labels": np.array([0, 0, 0])}],
    ids=["ids", "labels"],
)
def test_features_of_other_photos_are_refused(change: dict[str, np.ndarray]) -> None:
    with pytest.raises(UserError, match=r"data/features/a and data/features/b are of different"):
        joining.features({"a": photos(0), "b": replace(photos(0), **change)})


def test_costs_are_added_up_and_the_input_is_the_largest() -> None:
    small = replace(backbone_info("small"), resolution=224, licence="MIT")
    large = replace(backbone_info("large"), resolution=260, licence="Apache-2.0")

    both = joining.backbone([small, large])

    for key in ("features", "parameters", "multiply_adds", "file_bytes"):
        assert getattr(both, key) == 2 * getattr(small, key)
    assert both.resolution == 260
    assert (both.handle, both.licence) == ("pypi:small==1.0 + pypi:large==1.0", "MIT + Apache-2.0")


def test_costs_that_one_member_does_not_know_are_not_known_of_both() -> None:
    unknown = replace(backbone_info("small"), multiply_adds=0)

    assert joining.backbone([unknown, backbone_info("large")]).multiply_adds == 0


def test_engines_are_named_once_and_all_that_differ() -> None:
    coarse = replace(EXTRACTION, precision="bfloat16")

    assert joining.extraction([EXTRACTION, EXTRACTION]) == EXTRACTION
    assert joining.extraction([EXTRACTION, coarse]).precision == "float32 + bfloat16"
