"""Which competitor is selected: the one named, or the best on validation, and never by test."""

from __future__ import annotations

from dataclasses import replace

import pytest
from competitors import competitor
from test_metrics import METRICS

from transfer_learning.evaluation.choice import choose
from transfer_learning.evaluation.comparison import Comparison, Competitor, compare


def row(accuracy: float, loss: float, cost: int, *, right: int = 1) -> Competitor:
    metrics = replace(METRICS, valid_accuracy=accuracy, valid_log_loss=loss, right=right)
    return replace(competitor("net", metrics, []), multiply_adds=cost)


def compared(**rows: Competitor) -> Comparison:
    return compare(rows, [], synthetic=False)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        pytest.param((0.8, 0.1, 1), (0.9, 0.7, 9), id="validation accuracy"),
        pytest.param((0.9, 0.5, 1), (0.9, 0.4, 9), id="then validation log loss"),
        pytest.param((0.9, 0.4, 9), (0.9, 0.4, 1), id="then cost"),
    ],
)
def test_the_best_on_validation_is_chosen_and_test_plays_no_part(a, b) -> None:
    chosen = choose("best", compared(a=row(*a, right=3), b=row(*b, right=0)))

    assert chosen.name == "b"
    assert "best of 2 by accuracy on the validation photos, 90.0 % (of equals" in chosen.reason
    assert chosen.reason.endswith("The test photos played no part in the choice.")


def test_equals_in_all_are_chosen_by_name() -> None:
    equal = row(0.9, 0.4, 1)

    assert choose("best", compared(b=equal, a=equal)).name == "a"


def test_a_name_is_taken_at_its_word() -> None:
    chosen = choose("a", compared(a=row(0.1, 9.0, 9), b=row(0.9, 0.1, 1)))

    assert (chosen.name, chosen.reason) == ("a", "Named in params.yaml.")


def test_a_refitted_head_was_measured_before_it_saw_the_validation_photos() -> None:
    refitted = replace(row(0.9, 0.4, 1), head="logistic, refitted")

    assert (
        "90.0 %, measured before its refit on them (of"
        in choose("best", compared(a=refitted)).reason
    )
