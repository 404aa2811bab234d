"""How many photos it takes: nested stratified subsets, a power law, and what it says in words."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from test_logistic import photos

from transfer_learning.evaluation import learning_curve
from transfer_learning.evaluation.learning_curve import LearningCurve, double, measure
from transfer_learning.features.features import Features
from transfer_learning.heads import logistic
from transfer_learning.reports import learning_curve_page
from transfer_learning.reports.charts import photos_needed


def curve_of(error: list[float], *, tests: int = 1000, draws: int = 4) -> LearningCurve:
    """Return a curve with these errors in every draw."""
    counts = (np.array(error) * tests).round().astype(int)
    correct = np.arange(tests) >= counts[:, np.newaxis]
    sizes = 100 * 2 ** np.arange(len(error))
    return LearningCurve(sizes, np.repeat(correct[np.newaxis], draws, axis=0))


def test_subsets_are_nested_stratified_and_end_with_all(monkeypatch: pytest.MonkeyPatch) -> None:
    train, valid, test = photos(60, seed=1), photos(30, seed=2), photos(30, seed=3)
    seen: list[Features] = []
    fit = logistic.fit

    def spied(train_set: Features, valid_set: Features) -> logistic.Fitted:
        seen.append(train_set)
        return fit(train_set, valid_set, strength=1.0)

    monkeypatch.setattr(logistic, "fit", spied)

    curve = measure(train, valid, test)

    assert curve is not None
    assert curve.photos.tolist() == [6, 12, 24, 36, 48, 60]
    assert curve.correct.shape == (learning_curve.DRAWS, 6, 30)
    first = [set(item.ids) for item in seen[:6]]
    assert all(small < large for small, large in pairwise(first))
    assert [len(set(item.labels)) for item in seen] == [3] * len(seen)
    assert seen[0].ids.tolist() != seen[6].ids.tolist()
    assert set(curve.accuracies[:, -1]) == {curve.accuracies[0, -1]}


def test_subsets_without_a_class_are_left_out_and_too_few_make_no_curve() -> None:
    test = photos(9, seed=3)

    assert measure(photos(3, seed=1), test, test) is None
    assert measure(replace(photos(60, seed=1), classes=np.array(list("abcd"))), test, test) is None


def test_a_power_law_is_found_and_followed_to_twice_the_photos() -> None:
    found = double(curve_of([0.4, 0.2, 0.1]))

    assert found.exponent == pytest.approx(1)
    assert found.factor == pytest.approx(40)
    assert (found.now, found.twice) == (pytest.approx(0.9), pytest.approx(0.95))
    low, high = found.gain_95
    assert low < found.gain < high
    assert found.accuracy(np.array([100.0, 400.0])) == pytest.approx([0.6, 0.9])


def test_the_interval_is_wider_with_fewer_test_photos() -> None:
    (few_low, few_high), (low, high) = (
        double(curve_of([0.4, 0.3, 0.2], tests=tests)).gain_95 for tests in (50, 1000)
    )

    assert few_high - few_low > 2 * (high - low)


def test_no_error_at_all_is_no_end_of_the_world() -> None:
    found = double(curve_of([0.0, 0.0, 0.0]))

    assert found.gain == pytest.approx(0)
    assert np.isfinite(found.gain_95).all()


def test_the_page_says_what_twice_the_photos_would_bring() -> None:
    curve = curve_of([0.4, 0.2, 0.1])

    text, of_a_sample = (
        learning_curve_page.page(
            {"net": curve}, {"net": double(curve)}, synthetic=False, training=training
        )
        for training in (400, 9000)
    )

    assert "- net: 800 training photos in place of 400 would bring about +5.0 points (95 %" in text
    assert "a sample" not in text
    assert "Here they are a sample of the 9,000 training photos." in of_a_sample
    assert "| net | 60.0 ± 0.0 | 80.0 ± 0.0 | 90.0 ± 0.0 |" in text
    assert "ynthetic" not in text
    assert "too few" in learning_curve_page.page({}, {}, synthetic=False, training=9)


@pytest.mark.parametrize("competitors", [0, 1, 3])
def test_the_figure_shows_means_and_the_law_up_to_twice_the_photos(
    competitors: int, tmp_path: Path, drawn: list[Figure]
) -> None:
    curve = curve_of([0.4, 0.2, 0.1])
    curves = {f"net{number}": curve for number in range(competitors)}

    photos_needed.draw(
        tmp_path / "curve.png", curves, {name: double(curve) for name in curves}, title="Accuracy"
    )

    assert (tmp_path / "curve.png").is_file()
    if curves:
        (axes,) = drawn[0].axes
        points = axes.containers[0].lines[0]
        assert list(points.get_ydata()) == pytest.approx([0.6, 0.8, 0.9])
        laws = [line for line in axes.lines if len(line.get_xdata()) == 100]
        assert len(laws) == competitors
        assert laws[0].get_xdata()[-1] == pytest.approx(800)


def test_draws_that_all_agree_are_drawn_without_a_range(tmp_path: Path) -> None:
    # The mean of three times 0.2 is more than 0.2, in the last digit.
    curve = curve_of([0.8, 0.4, 0.2], tests=5, draws=3)

    photos_needed.draw(
        tmp_path / "curve.png", {"net": curve}, {"net": double(curve)}, title="Accuracy"
    )

    assert (tmp_path / "curve.png").is_file()


def test_a_fit_beyond_every_accuracy_is_told_of_in_no_number_and_no_line(
    tmp_path: Path, drawn: list[Figure]
) -> None:
    curve = curve_of([0.1, 0.9], tests=10)
    doubling = double(curve)

    photos_needed.draw(tmp_path / "curve.png", {"net": curve}, {"net": doubling}, title="")

    assert doubling.twice < 0 and not doubling.possible
    words = learning_curve_page.sentence("net", curve, doubling)
    assert words == "net: the photos are too few to say what 400 for training would bring."
    assert "-1" not in words
    low, high = drawn[0].axes[0].get_ylim()
    assert -0.1 <= low < high <= 1.1
