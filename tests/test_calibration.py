"""Calibration by hand: bins and their edges, the expected error, and known temperatures."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import log_loss

from transfer_learning.evaluation.calibration import (
    HIGHEST,
    LOWEST,
    Bin,
    apply_temperature,
    expected_calibration_error,
    fit_temperature,
    reliability_bins,
    temperature_text,
)
from transfer_learning.heads.head import softmax

# Four photos alike, three of them of class 0: exactly right is a probability of 3/4.
THREE_OF_FOUR = np.array([0, 0, 0, 1])


def alike(odds: float, classes: int = 2) -> np.ndarray:
    """Return logits of four photos that give class 0 ``odds`` times class 1, the rest nothing."""
    logits = np.full((4, classes), -1e4)
    logits[:, :2] = math.log(odds), 0
    return logits


def test_a_bin_holds_its_photos_mean_confidence_and_share_right() -> None:
    confidence = np.array([0.95, 0.97, 0.55, 1.0])
    right = np.array([True, False, False, True])

    bins = reliability_bins(confidence, right)

    assert bins == [
        Bin(8 / 15, 9 / 15, 1, 0.55, 0.0),
        Bin(14 / 15, 1.0, 3, pytest.approx(2.92 / 3), pytest.approx(2 / 3)),
    ]


@pytest.mark.parametrize(
    ("confidence", "low", "high"),
    [
        (3 / 15, 2 / 15, 3 / 15),
        (0.2, 2 / 15, 3 / 15),
        (0.6, 8 / 15, 9 / 15),
        (np.nextafter(0.6, 1), 9 / 15, 10 / 15),
        (1.0, 14 / 15, 1.0),
        (0.0, 0.0, 1 / 15),
    ],
)
def test_an_edge_belongs_to_the_bin_below_it(confidence: float, low: float, high: float) -> None:
    (found,) = reliability_bins(np.array([confidence]), np.array([True]))

    assert (found.low, found.high) == (low, high)


def test_every_photo_is_in_one_bin() -> None:
    confidence = np.random.default_rng(0).random(1000)
    confidence[:16] = np.arange(16) / 15

    bins = reliability_bins(confidence, confidence > 0.5)

    assert sum(item.photos for item in bins) == 1000
    assert len(bins) == 15


def test_the_expected_error_weighs_bins_by_their_photos() -> None:
    # 0.9 sure and right 1 of 2, 0.6 sure and right 1 of 1, 0.3 sure and right 0 of 1.
    confidence = np.array([0.9, 0.9, 0.6, 0.3])
    right = np.array([True, False, True, False])

    error = expected_calibration_error(confidence, right)

    assert error == pytest.approx(2 / 4 * 0.4 + 1 / 4 * 0.4 + 1 / 4 * 0.3)


def test_opposite_errors_in_one_bin_cancel() -> None:
    # Both in (14/15, 1]: mean confidence 0.97, but share right 1/2.
    error = expected_calibration_error(np.array([0.96, 0.98]), np.array([False, True]))

    assert error == pytest.approx(0.47)


@pytest.mark.parametrize(("sure", "right", "error"), [(1.0, True, 0.0), (1.0, False, 1.0)])
def test_the_expected_error_of_one_sure_photo(sure: float, right: bool, error: float) -> None:
    assert expected_calibration_error(np.array([sure]), np.array([right])) == error


def test_a_constant_classifier_as_sure_as_its_share_right_has_no_error() -> None:
    confidence, right = np.full(20, 1 / 20), np.arange(20) == 7

    assert expected_calibration_error(confidence, right) == pytest.approx(0.0)


@pytest.mark.parametrize("classes", [2, 20])
@pytest.mark.parametrize("scale", [0.2, 1.0, 1.7, 8.0])
def test_logits_of_true_probabilities_scaled_by_k_have_temperature_k(
    scale: float, classes: int
) -> None:
    logits = scale * alike(odds=3, classes=classes)

    assert fit_temperature(logits, THREE_OF_FOUR) == pytest.approx(scale, rel=1e-6)


def test_no_temperature_of_a_fine_grid_has_a_lower_loss() -> None:
    random = np.random.default_rng(0)
    labels = random.integers(5, size=200)
    logits = (random.normal(size=(200, 5)) + 1.5 * np.eye(5)[labels]).astype(np.float32) * 4

    def loss(temperature: float) -> float:
        return float(log_loss(labels, softmax(logits / temperature)))

    grid = np.geomspace(LOWEST, HIGHEST, 201)
    best = grid[np.argmin([loss(temperature) for temperature in grid])]
    fitted = fit_temperature(logits, labels)

    assert fitted == pytest.approx(best, rel=0.024)
    assert loss(fitted) <= loss(best)
    assert 1.5 < fitted < 9


def test_without_a_mistake_the_temperature_is_the_lowest() -> None:
    assert fit_temperature(np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([0, 1])) == LOWEST


def test_of_one_photo_that_is_right_the_temperature_is_the_lowest() -> None:
    assert fit_temperature(np.array([[0.5, 0.0, 0.1]]), np.array([0])) == LOWEST


def test_where_logits_mislead_the_temperature_is_the_highest() -> None:
    assert fit_temperature(np.array([[5.0, 0.0], [0.0, 5.0]]), np.array([1, 0])) == HIGHEST


def test_where_it_changes_nothing_the_temperature_is_1() -> None:
    assert fit_temperature(np.zeros((4, 3)), np.array([0, 1, 2, 0])) == 1


def test_a_temperature_on_probabilities_divides_their_logits() -> None:
    logits = np.array([[2.0, 0.0, -1.0], [30.0, -30.0, 0.0]])

    tempered = apply_temperature(softmax(logits), 2.5)

    np.testing.assert_allclose(tempered, softmax(logits / 2.5), rtol=1e-12)


def test_a_temperature_by_hand() -> None:
    # Square roots of 0.64 and 0.36 are 0.8 and 0.6.
    tempered = apply_temperature(np.array([[0.64, 0.36], [1.0, 0.0]]), 2.0)

    np.testing.assert_allclose(tempered, [[0.8 / 1.4, 0.6 / 1.4], [1, 0]])


def test_the_lowest_temperature_keeps_the_order_of_the_unlikeliest() -> None:
    tempered = apply_temperature(np.array([[1e-300, 2e-300, 1.0]]), LOWEST)

    assert np.isfinite(tempered).all()
    assert tempered.argmax() == 2


@pytest.mark.parametrize(
    ("temperature", "text"),
    [(1.234, "1.23"), (LOWEST, "0.1 (lowest tried)"), (10.0, "10 (highest tried)")],
)
def test_a_temperature_at_its_bound_is_not_shown_as_fitted(temperature: float, text: str) -> None:
    assert temperature_text(temperature) == text
