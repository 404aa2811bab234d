"""The verdict in words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from test_metrics import METRICS

from transfer_learning.evaluation.metrics import Metrics
from transfer_learning.evaluation.significance import Pair
from transfer_learning.evaluation.verdict import selection_bias, verdict
from transfer_learning.evaluation.wording import listed


def metrics(right: int, valid: float = 0.9) -> Metrics:
    """Return metrics on 100 photos, with an interval of 4 points to either side."""
    accuracy = right / 100
    return replace(
        METRICS,
        accuracy=accuracy,
        accuracy_low=accuracy - 0.04,
        accuracy_high=accuracy + 0.04,
        right=right,
        photos=100,
        valid_accuracy=valid,
    )


def pair(a: str, b: str, difference: float, p: float) -> Pair:
    """Return a pair with an interval of 4 points to either side."""
    interval = (difference - 0.04, difference + 0.04)
    return Pair(a, b, 80, 4, 10, 6, difference, interval, p / 2, p)


def test_one_backbone_is_compared_with_nothing() -> None:
    assert verdict({"net": metrics(91)}, [], synthetic=False) == (
        "net has an accuracy of 91.0 % (95 % 87.0 to 95.0; 91 of 100 test photos); "
        "there is no other to compare."
    )


def test_the_best_may_be_so_by_chance_and_validation_decides() -> None:
    both = {"small": metrics(91, valid=0.94), "large": metrics(96, valid=0.95)}

    assert verdict(both, [pair("small", "large", 0.05, 0.1797)], synthetic=True) == (
        "large has the highest test accuracy, 96.0 % (95 % 92.0 to 100.0; 96 of 100 synthetic test "
        "photos). There is no evidence of a difference between large and small (p = 0.18). "
        "The highest of 2 accuracies on the same photos is too high on average, by up to about "
        "1.2 points where they are equally good: choose by validation accuracy, in which large "
        "leads with 95.0 %."
    )


def test_a_better_one_is_called_better_by_how_much() -> None:
    both = {"small": metrics(96), "large": metrics(91)}

    words = verdict(both, [pair("small", "large", -0.05, 0.02)], synthetic=False)

    assert "small is better than large by 5.0 points (95 % 1.0 to 9.0)." in words


def test_the_best_of_three_is_compared_with_each() -> None:
    three = {"a": metrics(50), "b": metrics(90), "c": metrics(88)}
    pairs = [pair("a", "b", 0.4, 0.01), pair("a", "c", 0.38, 0.01), pair("b", "c", -0.02, 0.7)]

    words = verdict(three, pairs, synthetic=False)

    assert "b is better than a by 40.0 points (95 % 36.0 to 44.0)." in words
    assert "There is no evidence of a difference between b and c (p = 0.70)." in words
    assert "a and c" not in words


def test_every_tied_leader_is_compared_whatever_their_names() -> None:
    def words(first: str, second: str) -> str:
        """The verdict where ``first`` is told apart from the third and ``second`` is not."""
        three = {first: metrics(90), second: metrics(90), "third": metrics(80)}
        pairs = [
            pair(first, second, 0.0, 1.0),
            pair(first, "third", -0.1, 0.01),
            pair(second, "third", -0.1, 0.06),
        ]
        return verdict(three, pairs, synthetic=False)

    assert words("a", "z").startswith("a and z have the highest test accuracy")
    assert "a is better than third by 10.0 points" in words("a", "z")
    assert "between z and third (p = 0.060)" in words("a", "z")
    assert "z is better than third" in words("z", "a")
    assert "between a and third (p = 0.060)" in words("z", "a")


def test_the_bias_of_the_best_of_equals_is_that_of_a_simulation() -> None:
    drawn = np.random.default_rng(0).binomial(100, 0.93, size=(200_000, 3)) / 100

    bias = drawn.max(axis=1).mean() - 0.93

    assert selection_bias(0.93, 100, 3) == pytest.approx(bias, rel=0.1)
    assert bias == pytest.approx(0.021, abs=0.001)


@pytest.mark.parametrize(
    ("names", "text"), [(["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_names_are_listed_as_people_list_them(names: list[str], text: str) -> None:
    assert listed(names) == text
