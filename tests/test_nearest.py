"""The training photos nearest to each test photo, and the map: of features made for the purpose."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from transfer_learning.evaluation import nearest
from transfer_learning.evaluation.neighbours import STEPS, Neighbours
from transfer_learning.features.features import Features


def features(rows: object, *, split: str) -> Features:
    values = np.array(rows, np.float32)
    ids = np.array([f"{split}/{number}.jpg" for number in range(len(values))])
    return Features(values, np.arange(len(values)) % 2, ids, np.array(["a", "b"]))


def clouds(split: str, count: int, *, seed: int, size: int = 64) -> Features:
    """Two clouds along the first axis, far apart, a class each."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(count, size))
    values[:, 0] += 20 * (np.arange(count) % 2)
    return features(values, split=split)


def named(found: Neighbours) -> list[list[str]]:
    return found.train_ids[found.nearest].tolist()


def test_the_nearest_are_those_of_the_smallest_angle_the_nearest_first() -> None:
    train = features([[1, 0], [9, 9], [0, 2], [4, 1], [3, 3], [-1, 0]], split="train")
    test = features([[2, 0]], split="test")

    found = nearest.find(train, test)

    # Angles of 0, 45, 90, 14, 45 and 180 degrees; equals in the order of the photos.
    assert named(found) == [[f"train/{n}.jpg" for n in (0, 3, 1, 4, 2)]]
    assert found.similarity.tolist() == [[1.0, 0.97, 0.71, 0.71, 0.0]]


def test_few_training_photos_are_all_there_are() -> None:
    found = nearest.find(
        features([[1, 0], [0, 1]], split="train"), features([[1, 1], [0, 1]], split="test")
    )

    assert found.nearest.shape == (2, 2)
    assert found.sample.tolist() == [0, 1]


@pytest.mark.parametrize("size", [1, 2, 3, 300])
def test_any_number_of_features_has_a_map_within_its_steps(size: int) -> None:
    found = nearest.find(
        clouds("train", 40, seed=0, size=size), clouds("test", 10, seed=1, size=size)
    )

    places = np.concatenate([found.test_places, found.sample_places])
    assert places.shape == (50, 2)
    assert places.min() == 0 or size > 1
    assert 0 <= places.min() <= places.max() <= STEPS
    assert places.dtype == np.int64
    assert 0 <= found.explained.sum() <= 1


def test_equal_photos_have_a_map_too() -> None:
    same = features(np.zeros((6, 4)), split="train")

    found = nearest.find(same, replace(same, ids=np.array(["x"] * 6)))

    assert set(found.test_places.ravel()) == {STEPS // 2}
    assert found.explained.tolist() == [0, 0]


def test_what_differs_most_lies_along_the_first_axis() -> None:
    found = nearest.find(clouds("train", 200, seed=0), clouds("test", 50, seed=1))

    first = found.test_places[:, 0]
    assert first[::2].max() < first[1::2].min()
    assert found.explained[0] > 0.5


def test_the_sample_has_the_classes_in_their_proportion() -> None:
    train = clouds("train", 1000, seed=0)
    train = replace(train, labels=(np.arange(1000) % 4 == 0).astype(int))

    found = nearest.find(train, clouds("test", 3, seed=1))

    rows = [int(name[6:-4]) for name in found.train_ids[found.sample]]
    assert len(rows) == nearest.SAMPLE == 300
    assert rows == sorted(rows)
    assert sum(row % 4 == 0 for row in rows) == 75


def test_only_training_photos_that_are_shown_are_named() -> None:
    found = nearest.find(clouds("train", 1000, seed=0), clouds("test", 3, seed=1))

    used = set(found.nearest.ravel()) | set(found.sample)
    assert used == set(range(len(found.train_ids)))


def test_features_that_differ_in_their_last_digits_give_the_same() -> None:
    train, test = clouds("train", 300, seed=0), clouds("test", 100, seed=1)
    expected = nearest.find(train, test)

    rng = np.random.default_rng(2)
    for _ in range(5):
        other = nearest.find(*(_nudged(item, rng) for item in (train, test)))
        np.testing.assert_array_equal(named(other), named(expected))
        np.testing.assert_array_equal(other.similarity, expected.similarity)
        np.testing.assert_array_equal(other.test_places, expected.test_places)


def _nudged(item: Features, rng: np.random.Generator) -> Features:
    noise = 1 + 1e-7 * rng.standard_normal(item.features.shape)
    return replace(item, features=(item.features * noise).astype(np.float32))


def test_it_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    found = nearest.find(clouds("train", 20, seed=0), clouds("test", 4, seed=1))

    found.write(tmp_path / "B" / "places.npz")

    again = Neighbours.read(tmp_path / "B" / "places.npz")
    for name in ("test_ids", "train_ids", "nearest", "similarity", "test_places", "explained"):
        np.testing.assert_array_equal(getattr(again, name), getattr(found, name))


def test_many_training_photos_are_searched_by_a_stratified_sample(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    train, test = clouds("train", 40, seed=0), clouds("test", 4, seed=1)
    every = nearest.find(train, test)
    monkeypatch.setattr(nearest, "AMONG", 10)

    found = nearest.find(train, test)

    sampled = {int(name[6:-4]) for name in found.train_ids}
    assert len(sampled) == len(every.train_ids) // 4 == 10
    assert sum(number % 2 for number in sampled) == 5
    assert (np.diff(found.similarity, axis=1) <= 0).all()
    assert (found.similarity <= every.similarity).all()
