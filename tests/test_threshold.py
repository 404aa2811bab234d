"""From which probability on answers count as sure."""

from __future__ import annotations

import numpy as np

from transfer_learning.evaluation import threshold


def two_classes(*scores: float) -> np.ndarray:
    """Photos whose answer is the first class, with these probabilities."""
    return np.array([[score, 1 - score] for score in scores])


def test_the_lowest_threshold_above_which_enough_are_right_is_taken() -> None:
    probabilities = two_classes(0.6, 0.7, 0.8, 0.9)
    labels = np.array([0, 1, 0, 0])

    found = threshold.choose(probabilities, labels, accuracy=1.0)
    laxer = threshold.choose(probabilities, labels, accuracy=0.75)

    assert (found.value, found.share) == (0.8, 0.5)
    assert (laxer.value, laxer.share) == (0.6, 1.0)


def test_photos_of_equal_probability_are_sure_together_or_not_at_all() -> None:
    found = threshold.choose(two_classes(0.9, 0.9, 0.95), np.array([0, 1, 0]), accuracy=0.9)

    assert (found.value, found.share) == (0.95, 0.3333)


def test_where_the_surest_are_wrong_nothing_is_sure() -> None:
    found = threshold.choose(two_classes(0.7, 1.0), np.array([0, 1]), accuracy=0.99)

    assert found.value > 1
    assert found.share == 0
