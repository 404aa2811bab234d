"""Random splits from cached features: stratified, compared by the corrected test, told in words."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from scipy.stats import t as student

from transfer_learning.evaluation.resplits import Resplits, differences, resplit
from transfer_learning.features.features import Features
from transfer_learning.features.subsets import joined, stratified_order, take
from transfer_learning.heads.head import Head
from transfer_learning.reports import resplit_page
from transfer_learning.runtime.errors import UserError

CLASSES = np.array(["daisy", "rose", "tulip"])


def photos(start: int, stop: int) -> Features:
    """Return photos whose one-hot class is their features."""
    labels = np.arange(start, stop) % 3
    ids = np.array([f"{number}.jpg" for number in range(start, stop)])
    return Features(np.eye(3, dtype=np.float32)[labels], labels, ids, CLASSES)


SETS = (photos(0, 24), photos(24, 30), photos(30, 36))


def result(**accuracies: list[float]) -> Resplits:
    values = {name: np.array(items) for name, items in accuracies.items()}
    return Resplits(values, train=80, valid=10, test=20)


def test_every_stretch_of_a_stratified_order_has_all_classes_in_proportion() -> None:
    labels = np.repeat([0, 1, 2], [60, 30, 10])

    order = stratified_order(labels, np.random.default_rng(0))

    assert sorted(order) == list(range(100))
    for start in range(0, 100, 10):
        assert np.bincount(labels[order[start : start + 10]], minlength=3) == pytest.approx(
            [6, 3, 1], abs=1
        )
    assert not np.array_equal(order, stratified_order(labels, np.random.default_rng(1)))


def test_splits_share_no_photo_and_have_the_sizes_and_classes_of_the_given_one() -> None:
    seen: list[tuple[Features, Features]] = []

    def fit(_: str, train: Features, valid: Features) -> Head:
        seen.append((train, valid))
        return Head(np.eye(3, dtype=np.float32), np.zeros(3, np.float32), CLASSES)

    found = resplit({"net": SETS}, fit, splits=3, seed=5)

    assert found.accuracies["net"].tolist() == [1, 1, 1]
    assert (found.train, found.valid, found.test) == (24, 6, 6)
    for train, valid in seen:
        assert np.bincount(train.labels).tolist() == [8, 8, 8]
        assert np.bincount(valid.labels).tolist() == [2, 2, 2]
        assert not set(train.ids) & set(valid.ids)
    assert len({tuple(train.ids) for train, _ in seen}) == 3


def test_competitors_are_measured_on_the_same_splits() -> None:
    seen: dict[str, list[list[str]]] = {"a": [], "b": []}

    def fit(name: str, train: Features, _: Features) -> Head:
        seen[name].append(train.ids.tolist())
        return Head(np.eye(3, dtype=np.float32), np.zeros(3, np.float32), CLASSES)

    resplit({"a": SETS, "b": SETS}, fit, splits=2, seed=0)

    assert seen["a"] == seen["b"]


def test_features_of_different_photos_are_refused() -> None:
    other = (photos(0, 24), photos(24, 30), photos(60, 66))

    with pytest.raises(UserError, match="data/features/a and data/features/b"):
        resplit({"a": SETS, "b": other}, lambda *_: None, splits=2, seed=0)


def test_the_variance_of_a_difference_counts_the_photos_that_splits_share() -> None:
    (found,) = differences(result(a=[0.8, 0.7, 0.8, 0.7], b=[0.9, 0.9, 0.7, 0.9]))

    difference = np.array([0.1, 0.2, -0.1, 0.2])
    expected = 0.1 / sqrt((1 / 4 + 20 / 80) * difference.var(ddof=1))
    assert (found.a_better, found.b_better) == (0.25, 0.75)
    assert found.mean == pytest.approx(0.1)
    assert found.t == pytest.approx(expected)
    assert found.p_value == pytest.approx(2 * student.sf(expected, df=3))


def test_equal_competitors_do_not_differ_and_a_constant_lead_is_sure() -> None:
    equal, lead, _ = differences(result(a=[0.5, 0.75], b=[0.5, 0.75], c=[0.75, 1.0]))

    assert (equal.p_value, lead.p_value) == (1.0, 0.0)


def test_the_page_has_means_spreads_and_words() -> None:
    found = result(a=[0.8, 0.7, 0.8, 0.7], b=[0.9, 0.9, 0.9, 0.9])
    heads = {"a": "dense", "b": "logistic"}

    text = resplit_page.page(found, differences(found), heads, synthetic=True)

    assert "| a | dense | 75.0 | 2.9 | 5.8 | 70.0 to 80.0 |" in text
    assert "| a | b | +15.0 | 0 % | 100 % | 0.035 | b is better by 15.0 points |" in text
    assert "4 random stratified splits of all photos into 80 for training, 10" in text
    assert "Synthetic data" in text


def test_rows_are_taken_and_sets_joined_in_order() -> None:
    both = joined([photos(0, 2), photos(2, 4)])

    assert both.ids.tolist() == ["0.jpg", "1.jpg", "2.jpg", "3.jpg"]
    assert take(both, np.array([3, 0])).ids.tolist() == ["3.jpg", "0.jpg"]
