"""The verdict in words."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from test_metrics import METRICS

from transfer_learning.evaluation.metrics import Metrics
from transfer_learning.evaluation.significance import Pair
from transfer_learning.evaluation.verdict import best, verdict
from transfer_learning.evaluation.wording import listed


@dataclass(frozen=True)
class Candidate:
    metrics: Metrics
    multiply_adds: int


def candidate(right: int, valid: float = 0.9, loss: float = 0.3, cost: int = 100) -> Candidate:
    """Return one with metrics on 100 photos, and an interval of 4 points to either side."""
    accuracy = right / 100
    metrics = replace(
        METRICS,
        accuracy=accuracy,
        accuracy_low=accuracy - 0.04,
        accuracy_high=accuracy + 0.04,
        right=right,
        photos=100,
        valid_accuracy=valid,
        valid_log_loss=loss,
    )
    return Candidate(metrics, cost)


def pair(a: str, b: str, difference: float, p: float) -> Pair:
    """Return a pair with an interval of 4 points to either side."""
    interval = (difference - 0.04, difference + 0.04)
    return Pair(a, b, 80, 4, 10, 6, difference, interval, p / 2, p)


def test_one_backbone_is_compared_with_nothing() -> None:
    assert verdict({"net": candidate(91)}, [], synthetic=False) == (
        "Use net. Right on 91.0 % of 100 test photos (likely 87.0–95.0 %). "
        "There is no other to compare."
    )


def test_a_costlier_one_that_is_not_told_apart_is_no_better() -> None:
    both = {"small": candidate(91, valid=0.95), "large": candidate(93, valid=0.94, cost=290)}

    assert verdict(both, [pair("small", "large", 0.02, 0.1797)], synthetic=True) == (
        "Use small. Right on 91.0 % of 100 synthetic test photos (likely 87.0–95.0 %). "
        "large is no better (93.0 %, p = 0.18) and needs 2.9 times the computation. "
        "small was chosen by its accuracy on the validation photos."
    )


def test_a_cheaper_one_that_is_not_told_apart_is_not_called_worse() -> None:
    both = {"small": candidate(91, valid=0.94), "large": candidate(96, valid=0.95, cost=290)}

    words = verdict(both, [pair("small", "large", 0.05, 0.18)], synthetic=False)

    assert words.startswith("Use large.")
    assert (
        "small needs about a third of the computation and is not shown to be worse "
        "(91.0 %, p = 0.18)." in words
    )


@pytest.mark.parametrize(("right", "word"), [(80, "worse"), (99, "better")])
def test_one_that_differs_is_called_so_by_how_much(right: int, word: str) -> None:
    both = {"chosen": candidate(90, valid=0.95), "other": candidate(right)}

    words = verdict(both, [pair("chosen", "other", (right - 90) / 100, 0.01)], synthetic=False)

    points = abs(right - 90)
    assert f"other is {word} on the test photos by {points}.0 points (95 % {points - 4}.0" in words


def test_every_other_is_compared_with_the_chosen_one_and_only_with_it() -> None:
    three = {"a": candidate(50), "b": candidate(90, valid=0.95), "c": candidate(88)}
    pairs = [pair("a", "b", 0.4, 0.01), pair("a", "c", 0.38, 0.02), pair("b", "c", -0.02, 0.7)]

    words = verdict(three, pairs, synthetic=False)

    assert words.index("c is no better (88.0 %, p = 0.70)") < words.index("a is worse")
    assert "0.02" not in words


def test_a_cheaper_one_that_is_worse_says_its_cost_first() -> None:
    both = {"small": candidate(80, valid=0.9), "large": candidate(96, valid=0.95, cost=200)}

    words = verdict(both, [pair("small", "large", 0.16, 0.01)], synthetic=False)

    assert "small needs about half the computation and is worse on the test photos by 16.0" in words


def test_of_few_test_photos_the_advice_is_for_now() -> None:
    one = candidate(0)
    few = replace(one, metrics=replace(one.metrics, photos=1))

    words = verdict({"net": few}, [], synthetic=False)

    assert words.startswith("Use net for now: the test photos are too few to tell. Right on 0.0 %")
    assert "of 1 test photo (" in words


def test_where_the_costs_are_not_known_none_is_told() -> None:
    both = {"a": candidate(90, valid=0.95, cost=0), "b": candidate(89)}

    assert "computation" not in verdict(both, [pair("a", "b", -0.01, 0.9)], synthetic=False)


def test_of_equal_validation_accuracies_the_lower_loss_is_best_then_the_cheaper() -> None:
    assert best({"a": candidate(90), "b": candidate(10, loss=0.2)}) == "b"
    assert best({"a": candidate(90), "b": candidate(10, cost=99)}) == "b"
    assert best({"b": candidate(90), "a": candidate(10)}) == "a"


@pytest.mark.parametrize(
    ("names", "text"), [(["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_names_are_listed_as_people_list_them(names: list[str], text: str) -> None:
    assert listed(names) == text
