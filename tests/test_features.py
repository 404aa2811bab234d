"""Files of features: joined from parts, and read piece by piece."""

from pathlib import Path

import numpy as np
import pytest

from transfer_learning.features import features
from transfer_learning.features.features import Features
from transfer_learning.runtime.errors import UserError

PHOTOS = 60


def photos(
    start: int = 0, stop: int = PHOTOS, *, classes: tuple[str, ...] = ("a", "b")
) -> Features:
    """Features of photos whose ids grow longer."""
    ids = np.array([f"a/{'é' * number}.jpg" for number in range(start, stop)], np.str_)
    vectors = np.random.default_rng(0).random((PHOTOS, 40), np.float32)[start:stop]
    return Features(vectors, np.arange(start, stop) % 2, ids, np.array(classes))


@pytest.mark.parametrize("ends", [(0, PHOTOS), (0, 7, 7, 50, PHOTOS), (0, 0, PHOTOS)])
def test_parts_make_the_bytes_of_the_whole(tmp_path: Path, ends: tuple[int, ...]) -> None:
    parts = [tmp_path / f"{number}.npz" for number in range(len(ends) - 1)]
    for path, start, stop in zip(parts, ends, ends[1:], strict=False):
        photos(start, stop).write(path)
    photos().write(tmp_path / "whole.npz")

    features.assemble(tmp_path / "joined.npz", parts)

    assert (tmp_path / "joined.npz").read_bytes() == (tmp_path / "whole.npz").read_bytes()


def test_parts_of_other_classes_or_damaged_are_refused(tmp_path: Path) -> None:
    photos(0, 9).write(tmp_path / "a.npz")
    photos(9, 20, classes=("a", "c")).write(tmp_path / "b.npz")
    with pytest.raises(ValueError, match="different classes"):
        features.assemble(tmp_path / "ab.npz", [tmp_path / "a.npz", tmp_path / "b.npz"])
    with pytest.raises(ValueError, match="no parts"):
        features.assemble(tmp_path / "ab.npz", [])
    (tmp_path / "b.npz").write_bytes((tmp_path / "a.npz").read_bytes()[:-40])
    with pytest.raises(UserError, match=r"b\.npz is damaged"):
        features.assemble(tmp_path / "ab.npz", [tmp_path / "a.npz", tmp_path / "b.npz"])
