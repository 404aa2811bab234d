"""Metrics computed by hand, and the evaluation of a head that lies in a data folder."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from transfer_learning.evaluation import Metrics, evaluate, measure, probabilities
from transfer_learning.features import Features
from transfer_learning.head import Head


def names(count: int) -> np.ndarray:
    return np.array([f"class {number}" for number in range(count)])


def photos(labels: list[int], logits: list[list[float]]) -> Features:
    """Return photos whose features are already the logits."""
    ids = np.array([f"{number}.jpg" for number in range(len(labels))])
    return Features(np.array(logits, np.float32), np.array(labels), ids, names(len(logits[0])))


def passing(classes: int) -> Head:
    """Return a head that hands its features on as logits."""
    return Head(np.eye(classes, dtype=np.float32), np.zeros(classes, np.float32), names(classes))


def sure(predicted: list[int], classes: int, *, odds: float) -> list[list[float]]:
    """Return logits by which each predicted class is ``odds`` times as likely as any other."""
    return (np.eye(classes)[predicted] * math.log(odds)).tolist()


def test_a_perfect_classifier() -> None:
    test = photos([0, 1, 1], sure([0, 1, 1], 2, odds=3))

    metrics = measure(passing(2), test, test)

    assert metrics.accuracy == 1.0
    assert metrics.macro_f1 == 1.0
    # Each true class has probability 3 / (3 + 1).
    assert metrics.log_loss == pytest.approx(-math.log(3 / 4), abs=1e-6)
    assert (metrics.right, metrics.photos, metrics.valid_accuracy) == (3, 3, 1.0)


def test_a_constant_classifier_of_two_classes() -> None:
    test = photos([0, 0, 0, 1], sure([0, 0, 0, 0], 2, odds=3))

    metrics = measure(passing(2), test, test)

    assert metrics.accuracy == 0.75
    # Class 0: precision 3/4, recall 1, F1 6/7.  Class 1: F1 0.
    assert metrics.macro_f1 == pytest.approx(3 / 7)
    assert metrics.log_loss == pytest.approx(-(3 * math.log(3 / 4) + math.log(1 / 4)) / 4, abs=1e-6)


def test_a_constant_classifier_of_twenty_classes() -> None:
    labels = list(range(20))
    test = photos(labels, sure([7] * 20, 20, odds=1 + 1e-3))

    metrics = measure(passing(20), test, test)

    assert (metrics.right, metrics.accuracy) == (1, 0.05)
    # Class 7: precision 1/20, recall 1, F1 2/21; nineteen classes have F1 0.
    assert metrics.macro_f1 == pytest.approx(2 / 21 / 20)
    assert metrics.log_loss == pytest.approx(math.log(20), abs=1e-4)


@pytest.mark.parametrize(("predicted", "right"), [(2, 1), (0, 0)])
def test_one_photo(predicted: int, right: int) -> None:
    test = photos([2], sure([predicted], 3, odds=2))

    metrics = measure(passing(3), test, test)

    assert metrics.accuracy == right
    # The two other classes were neither there nor predicted, or predicted wrongly: F1 0.
    assert metrics.macro_f1 == pytest.approx(right / 3)
    assert metrics.log_loss == pytest.approx(math.log(2 if right else 4), abs=1e-6)


def test_a_class_without_test_photos_counts_as_0_in_macro_f1() -> None:
    test = photos([0, 1, 1], sure([0, 1, 2], 3, odds=2))

    metrics = measure(passing(3), test, test)

    assert metrics.accuracy == pytest.approx(2 / 3)
    # Class 0: 1.  Class 1: precision 1, recall 1/2, F1 2/3.  Class 2: predicted once, never true.
    assert metrics.macro_f1 == pytest.approx((1 + 2 / 3 + 0) / 3)
    assert metrics.log_loss == pytest.approx(-(2 * math.log(2 / 4) + math.log(1 / 4)) / 3, abs=1e-6)


def test_the_validation_accuracy_is_of_the_validation_photos() -> None:
    test = photos([0, 1], sure([0, 1], 2, odds=2))
    valid = photos([0, 0, 0, 1], sure([1, 1, 1, 1], 2, odds=2))

    metrics = measure(passing(2), test, valid)

    assert (metrics.accuracy, metrics.valid_accuracy) == (1.0, 0.25)


def test_the_metrics_file_has_six_decimals_and_whole_counts() -> None:
    metrics = Metrics(2 / 3, 1 / 7, 1.23456789, 2, 3, 1.0)

    assert metrics.as_dict() == {
        "accuracy": 0.666667,
        "macro_f1": 0.142857,
        "log_loss": 1.234568,
        "right": 2,
        "photos": 3,
        "valid_accuracy": 1.0,
    }
    assert isinstance(metrics.as_dict()["right"], int)


def test_probabilities_sum_to_1_even_for_huge_logits() -> None:
    test = photos([0, 1], [[3e4, -3e4], [0.0, math.log(3)]])

    probability = probabilities(passing(2), test)

    np.testing.assert_allclose(probability, [[1, 0], [1 / 4, 3 / 4]], atol=1e-7)
    assert probability.dtype == np.float64


def test_the_kernel_and_bias_make_the_logits() -> None:
    head = Head(
        np.array([[1, 0], [0, 2]], np.float32), np.array([0, math.log(3)], np.float32), names(2)
    )

    probability = probabilities(head, photos([0], [[math.log(2), 0.0]]))

    np.testing.assert_allclose(probability, [[2 / 5, 3 / 5]], atol=1e-6)


def test_evaluate_reads_the_head_and_features_of_its_backbone(tmp_path: Path) -> None:
    test = photos([1, 0, 0], sure([1, 1, 0], 2, odds=3))
    valid = photos([1, 0], sure([1, 1], 2, odds=3))
    for name, split in (("test", test), ("valid", valid)):
        split.write(tmp_path / "features" / "net" / f"{name}.npz")
    passing(2).write(tmp_path / "models" / "net")

    result = evaluate("net", tmp_path)

    assert result.classes == ["class 0", "class 1"]
    assert (result.metrics.right, result.metrics.photos) == (2, 3)
    assert result.metrics.valid_accuracy == 0.5
    assert [(item.id, item.true, item.predicted) for item in result.predictions] == [
        ("0.jpg", "class 1", "class 1"),
        ("1.jpg", "class 0", "class 1"),
        ("2.jpg", "class 0", "class 0"),
    ]
    assert result.predictions[1].probabilities == pytest.approx((1 / 4, 3 / 4))
