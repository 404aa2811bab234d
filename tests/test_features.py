"""Files of features: joined from parts, and read piece by piece."""

from pathlib import Path

import numpy as np
import pytest

from transfer_learning.features import features, joining
from transfer_learning.features.features import Features
from transfer_learning.features.subsets import joined, sample, take
from transfer_learning.runtime.errors import UserError
from transfer_learning.runtime.rows import Rows

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


def test_features_that_stay_in_their_file_are_chosen_joined_and_written_like_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, rows = photos(), np.array([50, 3, 3, 59, 0])
    whole.write(tmp_path / "a.npz")
    photos(9, 30).write(tmp_path / "b.npz")
    monkeypatch.setattr(features, "RESIDENT", 0)
    first, second = (Features.read(tmp_path / name) for name in ("a.npz", "b.npz"))
    assert isinstance(first.features, Rows)

    both = joined([first, second])
    chosen = take(both, np.append(rows, 60 + 2))
    beside = joining.features({"a": first, "b": whole})
    beside.write(tmp_path / "beside.npz")

    expected = np.concatenate([whole.features, whole.features[9:30]])
    np.testing.assert_array_equal(both.features[:], expected)
    np.testing.assert_array_equal(both.features[40:70], expected[40:70])
    np.testing.assert_array_equal(chosen.features[:], expected[[*rows, 62]])
    assert chosen.ids[:].tolist() == whole.ids[[*rows, 11]].tolist()
    assert len(sample(both, 11).labels) == len(sample(both, 11).features) == 11
    np.testing.assert_array_equal(
        np.load(tmp_path / "beside.npz")["features"], np.hstack([whole.features] * 2)
    )


def test_a_feature_that_is_not_finite_is_found_in_a_file_that_is_not_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = photos()
    broken.features[42, 7] = np.nan
    broken.write(tmp_path / "a.npz")
    monkeypatch.setattr(features, "RESIDENT", 0)

    with pytest.raises(UserError, match=f"of 1 of 60 photos: {broken.ids[42]};"):
        Features.read(tmp_path / "a.npz")
