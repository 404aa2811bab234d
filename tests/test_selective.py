"""How accurate a classifier is on its most confident predictions."""

from __future__ import annotations

import numpy as np
from chart_samples import sure

from transfer_learning.evaluation import selective


def test_accuracy_of_what_is_kept_when_the_least_sure_go() -> None:
    predictions = sure((0.6, False), (0.9, True), (0.7, True), (0.8, False))

    share, accuracy = selective.kept(predictions)

    np.testing.assert_allclose(share, [0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(accuracy, [1, 1 / 2, 2 / 3, 2 / 4])


def test_equally_sure_photos_are_kept_or_go_together() -> None:
    predictions = sure((0.9, True), (0.7, True), (0.7, False), (0.9, True), (0.6, False))

    share, accuracy = selective.kept(predictions)

    np.testing.assert_allclose(share, [0.4, 0.8, 1])
    np.testing.assert_allclose(accuracy, [1, 3 / 4, 3 / 5])


def test_one_photo_is_kept_or_not() -> None:
    share, accuracy = selective.kept(sure((0.9, False)))

    assert (share.tolist(), accuracy.tolist()) == ([1.0], [0.0])
