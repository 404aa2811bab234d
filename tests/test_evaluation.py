"""Metrics computed by hand."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import precision_recall_fscore_support

from transfer_learning.evaluation.evaluate import Evaluation, evaluate, wilson_interval
from transfer_learning.evaluation.metrics import Metrics
from transfer_learning.evaluation.predictions import ClassScore, write_predictions
from transfer_learning.features.features import Features
from transfer_learning.heads.head import Head
from transfer_learning.runtime.errors import UserError


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


def evaluated(labels: list[int], logits: list[list[float]]) -> Evaluation:
    test = photos(labels, logits)
    return evaluate(passing(len(logits[0])), test, test)


def measured(labels: list[int], logits: list[list[float]]) -> Metrics:
    return evaluated(labels, logits).metrics


def test_a_perfect_classifier() -> None:
    metrics = measured([0, 1, 1], sure([0, 1, 1], 2, odds=3))

    assert metrics.accuracy == metrics.top2_accuracy == metrics.valid_accuracy == 1.0
    assert metrics.macro_precision == metrics.macro_recall == metrics.macro_f1 == 1.0
    # Each true class has probability 3 / (3 + 1).
    assert metrics.log_loss == pytest.approx(-math.log(3 / 4), abs=1e-6)
    assert metrics.ece == pytest.approx(1 / 4)
    # The lowest temperature: 3^10 against 1.
    assert metrics.temperature == 0.1
    assert metrics.ece_calibrated == pytest.approx(1 / (1 + 3**10))
    assert (metrics.right, metrics.photos) == (3, 3)


def test_a_constant_classifier_of_two_classes() -> None:
    metrics = measured([0, 0, 0, 1], sure([0, 0, 0, 0], 2, odds=3))

    assert metrics.accuracy == 0.75
    assert metrics.top2_accuracy == 1.0
    # Class 0: precision 3/4, recall 1, F1 6/7.  Class 1: never predicted, all 0.
    assert metrics.macro_precision == pytest.approx(3 / 8)
    assert metrics.macro_recall == pytest.approx(1 / 2)
    assert metrics.macro_f1 == pytest.approx(3 / 7)
    assert metrics.log_loss == pytest.approx(-(3 * math.log(3 / 4) + math.log(1 / 4)) / 4, abs=1e-6)
    # It says 3/4 and is right on 3 of 4.
    assert metrics.ece == pytest.approx(0, abs=1e-7)
    assert metrics.temperature == pytest.approx(1)
    assert metrics.ece_calibrated == pytest.approx(0, abs=1e-7)


def test_a_constant_classifier_of_twenty_classes() -> None:
    metrics = measured(list(range(20)), sure([7] * 20, 20, odds=1 + 1e-3))

    assert (metrics.right, metrics.accuracy) == (1, 0.05)
    # Class 7 is first for each photo; among the equal rest the first, class 0, is second.
    assert metrics.top2_accuracy == 0.1
    # Class 7: precision 1/20, recall 1, F1 2/21; nineteen classes have 0.
    assert metrics.macro_precision == pytest.approx(1 / 20 / 20)
    assert metrics.macro_recall == pytest.approx(1 / 20)
    assert metrics.macro_f1 == pytest.approx(2 / 21 / 20)
    assert metrics.log_loss == pytest.approx(math.log(20), abs=1e-4)
    assert metrics.ece == pytest.approx(0, abs=1e-4)


def test_the_log_loss_is_the_mean_of_minus_ln_p_however_small_p_is() -> None:
    # ln p(true class) is −100 to 43 digits; a clipped p would cost 36.
    assert measured([1], [[100.0, 0.0]]).log_loss == pytest.approx(100.0)


def test_ties_go_to_the_class_listed_first() -> None:
    result = evaluated([0, 1, 1, 3], np.zeros((4, 4)).tolist())

    assert [item.predicted for item in result.predictions] == ["class 0"] * 4
    assert result.metrics.accuracy == 0.25
    assert result.metrics.top2_accuracy == 0.75
    # The logits say nothing, so no temperature changes them.
    assert result.metrics.temperature == 1.0
    assert result.metrics.ece == result.metrics.ece_calibrated == 0.0


def test_top_2_accuracy_counts_the_second_guess() -> None:
    logits = [[3.0, 2.0, 1.0]] * 3

    metrics = measured([0, 1, 2], logits)

    assert metrics.accuracy == pytest.approx(1 / 3)
    assert metrics.top2_accuracy == pytest.approx(2 / 3)


@pytest.mark.parametrize(("predicted", "right"), [(2, 1), (0, 0)])
def test_one_photo(predicted: int, right: int) -> None:
    metrics = measured([2], sure([predicted], 3, odds=2))

    assert metrics.accuracy == right
    # The other classes have no photo, so only this one counts.
    assert metrics.macro_precision == metrics.macro_recall == metrics.macro_f1 == right
    assert metrics.log_loss == pytest.approx(math.log(2 if right else 4), abs=1e-6)
    assert metrics.ece == pytest.approx(1 / 2)
    # Wilson of one photo: z² / (1 + z²) is the width on the open side.
    width = 1.959964**2 / (1 + 1.959964**2)
    expected = (1 - width, 1.0) if right else (0.0, width)
    assert (metrics.accuracy_low, metrics.accuracy_high) == pytest.approx(expected, abs=1e-6)


def test_a_class_without_test_photos_is_left_out_of_the_macro_means() -> None:
    result = evaluated([0, 1, 1], sure([0, 1, 2], 3, odds=2))

    assert result.per_class == [
        ClassScore("class 0", 1, 1.0, 1.0, 1.0),
        ClassScore("class 1", 2, 1.0, 0.5, pytest.approx(2 / 3)),
        ClassScore("class 2", 0, None, None, None),
    ]
    assert result.metrics.macro_precision == pytest.approx((1 + 1) / 2)
    assert result.metrics.macro_recall == pytest.approx((1 + 1 / 2) / 2)
    assert result.metrics.macro_f1 == pytest.approx((1 + 2 / 3) / 2)
    assert result.metrics.log_loss == pytest.approx(
        -(2 * math.log(2 / 4) + math.log(1 / 4)) / 3, abs=1e-6
    )


# Newcombe (1998), "Two-sided confidence intervals for the single proportion", table I, method 3.
@pytest.mark.parametrize(
    ("right", "count", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (20, 20, 1 - 0.1611, 1.0),
    ],
)
def test_the_interval_of_the_accuracy_is_the_published_one(
    right: int, count: int, low: float, high: float
) -> None:
    metrics = measured([1] * count, sure([1] * right + [0] * (count - right), 2, odds=3))

    assert (metrics.right, metrics.photos) == (right, count)
    assert (metrics.accuracy_low, metrics.accuracy_high) == pytest.approx((low, high), abs=5e-5)


def test_validation_numbers_of_a_refitted_head_are_those_of_the_head_before() -> None:
    test = photos([0, 1], sure([0, 1], 2, odds=3))
    valid = photos([0, 1, 1, 1], sure([0, 1, 1, 0], 2, odds=3))
    refitted = Head(3 * np.eye(2, dtype=np.float32), np.zeros(2, np.float32), names(2))

    metrics = evaluate(refitted, test, valid, validated=passing(2)).metrics

    before = evaluate(passing(2), test, valid).metrics
    assert metrics.valid_accuracy == 0.75
    assert metrics.valid_log_loss == pytest.approx(
        -(3 * math.log(3 / 4) + math.log(1 / 4)) / 4, abs=1e-6
    )
    assert metrics.temperature == before.temperature == pytest.approx(1)
    # 3³ against 1.
    assert metrics.log_loss == pytest.approx(-math.log(27 / 28), abs=1e-6)


def test_temperature_and_validation_accuracy_are_of_the_validation_photos() -> None:
    test = photos([0, 1], sure([0, 1], 2, odds=9))
    # 1 against 9 said, 1 against 3 true: the logits are twice too large.
    valid = photos([0, 1, 1, 1], sure([1, 1, 1, 1], 2, odds=9))

    metrics = evaluate(passing(2), test, valid).metrics

    assert (metrics.accuracy, metrics.valid_accuracy) == (1.0, 0.75)
    assert metrics.temperature == pytest.approx(2.0)
    assert metrics.ece == pytest.approx(1 - 9 / 10)
    assert metrics.ece_calibrated == pytest.approx(1 - 3 / 4)


@pytest.mark.parametrize("seed", range(5))
def test_the_last_digits_of_features_do_not_show_in_the_files(seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    classes, kernel = names(5), rng.normal(0, 0.1, (200, 5)).astype(np.float32)
    head = Head(kernel, np.zeros(5, np.float32), classes)
    ids, labels = np.arange(20).astype(str), rng.integers(0, 5, 20)
    exact = rng.random((20, 200), np.float32)
    noisy = (exact * (1 + 1e-6 * rng.standard_normal(exact.shape))).astype(np.float32)
    written = []

    for features in (exact, noisy):
        test = Features(features, labels, ids, classes)
        result = evaluate(head, test, test)
        result.metrics.write(tmp_path / "metrics.json")
        write_predictions(tmp_path / "predictions.csv", result.predictions, classes.tolist())
        files = ("metrics.json", "predictions.csv")
        written.append([(tmp_path / file).read_bytes() for file in files])

    assert not np.array_equal(exact, noisy)
    assert written[0] == written[1]


def test_huge_logits_keep_probabilities_and_metrics_finite() -> None:
    result = evaluated([0, 1], [[3e4, -3e4], [0.0, math.log(3)]])

    np.testing.assert_allclose(
        [item.probabilities for item in result.predictions], [[1, 0], [1 / 4, 3 / 4]], atol=1e-7
    )
    assert all(math.isfinite(value) for value in result.metrics.as_dict().values())


def test_the_kernel_and_bias_make_the_logits() -> None:
    head = Head(
        np.array([[1, 0], [0, 2]], np.float32), np.array([0, math.log(3)], np.float32), names(2)
    )
    test = photos([0], [[math.log(2), 0.0]])

    (prediction,) = evaluate(head, test, test).predictions

    assert prediction.probabilities == pytest.approx((2 / 5, 3 / 5), abs=1e-6)


def test_every_photo_has_one_prediction() -> None:
    result = evaluated([1, 0, 0], sure([1, 1, 0], 2, odds=3))

    assert [(item.id, item.true, item.predicted) for item in result.predictions] == [
        ("0.jpg", "class 1", "class 1"),
        ("1.jpg", "class 0", "class 1"),
        ("2.jpg", "class 0", "class 0"),
    ]
    assert result.predictions[1].probabilities == pytest.approx((1 / 4, 3 / 4))
    assert (result.metrics.right, result.metrics.photos) == (2, 3)


def test_a_test_photo_that_is_there_twice_is_refused() -> None:
    test = photos([0, 1], sure([0, 1], 2, odds=3))
    twice = Features(test.features, test.labels, np.array(["a.jpg", "a.jpg"]), test.classes)

    with pytest.raises(UserError, match=r"same id \(1 ids, first 'a.jpg'\)"):
        evaluate(passing(2), twice, test)


def test_scores_of_classes_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    # Class 4 is never right, class 5 never predicted, class 6 has no photo, class 7 neither.
    labels, predicted = rng.choice([0, 1, 2, 3, 4, 5], 200), rng.choice([0, 1, 2, 3, 4, 6], 200)
    predicted[(labels == 4) & (predicted == 4)] = 0

    result = evaluated(labels.tolist(), sure(predicted.tolist(), 8, odds=9))

    precision, recall, f1, photos = precision_recall_fscore_support(
        labels, predicted, labels=np.arange(8), zero_division=0
    )
    # A class without test photos has no scores.
    expected = [
        (count, *(scores if count else (None, None, None)))
        for count, *scores in zip(photos, precision, recall, f1, strict=True)
    ]
    assert [(item.photos, item.precision, item.recall, item.f1) for item in result.per_class] == [
        pytest.approx(scores, abs=1e-15) for scores in expected
    ]


@pytest.mark.parametrize(
    ("right", "count"), [(0, 1), (1, 1), (0, 30), (17, 30), (30, 30), (9, 999)]
)
def test_the_interval_of_the_accuracy_is_wilsons(right: int, count: int) -> None:
    expected = binomtest(right, count).proportion_ci(0.95, method="wilson")

    assert wilson_interval(right, count) == pytest.approx((expected.low, expected.high), abs=1e-14)
