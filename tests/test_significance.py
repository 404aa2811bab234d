"""Paired tests against published examples and second methods; verdicts in words."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from transfer_learning.evaluation.predictions import Prediction
from transfer_learning.evaluation.significance import (
    LEVEL,
    Pair,
    compare,
    difference_interval,
    holm,
    mcnemar,
)
from transfer_learning.runtime.errors import UserError

# Approval of the prime minister in two surveys of the same 1,600 people: both, first only,
# second only, neither (Agresti, "Categorical Data Analysis", section on matched pairs).
AGRESTI = (794, 150, 86, 570)
# Airway hyper-responsiveness of 21 children before and after a transplantation (Fagerland,
# Lydersen and Laake 2013, "The McNemar test for binary matched-pairs data", table 3).
FAGERLAND = (1, 1, 7, 12)


def predictions(right: str) -> list[Prediction]:
    """Return a prediction for each letter: right for ``+``, wrong for ``-``."""
    return [
        Prediction(f"{number}.jpg", "rose", "rose" if mark == "+" else "daisy", (0.5, 0.5))
        for number, mark in enumerate(right)
    ]


def pair(difference: float, interval: tuple[float, float], p_holm: float) -> Pair:
    return Pair("small", "large", 1, 2, 3, 4, difference, interval, p_holm / 2, p_holm)


def test_mcnemar_of_the_published_examples() -> None:
    # exact2x2's manual gives 3.716e-05 for Agresti's table.
    assert mcnemar(150, 86) == pytest.approx(3.716e-05, rel=1e-4)
    # Fagerland et al., table 5: 0.0703, which is 2 (1 + 8) / 2^8.
    assert mcnemar(1, 7) == 18 / 256


@pytest.mark.parametrize(
    ("only_a", "only_b", "p"),
    [(0, 0, 1.0), (1, 0, 1.0), (3, 3, 1.0), (0, 5, 2 / 32), (6, 0, 1 / 32)],
)
def test_mcnemar_by_hand(only_a: int, only_b: int, p: float) -> None:
    assert mcnemar(only_a, only_b) == p


def test_mcnemar_is_scipys_binomial_test() -> None:
    for only_a in range(0, 40, 3):
        for only_b in range(1, 40, 4):
            expected = stats.binomtest(only_a, only_a + only_b).pvalue
            assert mcnemar(only_a, only_b) == pytest.approx(expected, rel=1e-12)


def test_mcnemar_of_thousands_of_photos_does_not_overflow() -> None:
    assert mcnemar(1000, 1200) == pytest.approx(stats.binomtest(1000, 2200).pvalue, rel=1e-9)


def test_holm_of_published_values() -> None:
    # Wikipedia, "Holm–Bonferroni method": at 5 %, H1 and H4 are rejected, H2 and H3 are not.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_holm_of_one_value_is_the_value() -> None:
    assert holm([0.61]) == [0.61]


def test_holm_stays_at_most_1_and_equals_stay_equal() -> None:
    assert holm([0.6, 0.02, 0.6]) == pytest.approx([1.0, 0.06, 1.0])


def test_the_interval_is_near_the_published_one() -> None:
    low, high = difference_interval(*AGRESTI)

    # Agresti: −0.04 ± 1.96 × 0.0095, for large samples; an exact interval is a little wider.
    assert (low, high) == pytest.approx((-0.04 - 1.96 * 0.0095, -0.04 + 1.96 * 0.0095), abs=2e-3)


@pytest.mark.slow
def test_the_interval_and_the_test_never_contradict_each_other() -> None:
    for discordant in range(25):
        # The other half are these with the two swapped.
        for only_b in range(discordant // 2 + 1):
            table = (40, discordant - only_b, only_b, 3)
            low, high = difference_interval(*table)

            excludes_zero = low > 0 or high < 0
            assert excludes_zero == (mcnemar(*table[1:3]) < LEVEL), table


@pytest.mark.parametrize("table", [AGRESTI, FAGERLAND, (90, 1, 6, 3), (0, 0, 1, 19), (2, 0, 0, 0)])
def test_the_interval_is_that_of_simulated_confidence_distributions(
    table: tuple[int, int, int, int],
) -> None:
    # The paper's own definition, by random numbers instead of integration.
    rng = np.random.default_rng(0)
    photos, discordant, wins = sum(table), table[1] + table[2], table[2]

    def beta(a: int, b: int) -> np.ndarray:
        return rng.beta(a, b, 400_000) if a and b else np.full(400_000, float(a > 0))

    shares = beta(discordant, photos - discordant + 1), beta(discordant + 1, photos - discordant)
    lower, upper = beta(wins, discordant - wins + 1), beta(wins + 1, discordant - wins)
    low = min(np.quantile(share * (2 * lower - 1), 0.025) for share in shares)
    high = max(np.quantile(share * (2 * upper - 1), 0.975) for share in shares)

    assert difference_interval(*table) == pytest.approx((low, high), abs=2e-3)


@pytest.mark.parametrize("table", [(1, 0, 0, 0), (0, 0, 1, 0), (0, 1, 0, 0), (100, 0, 0, 0)])
def test_no_interval_is_a_point(table: tuple[int, int, int, int]) -> None:
    low, high = difference_interval(*table)

    assert high - low > 0.05


def test_swapping_the_two_turns_the_interval_round() -> None:
    low, high = difference_interval(90, 1, 6, 3)

    assert difference_interval(90, 6, 1, 3) == pytest.approx((-high, -low))


def test_photos_are_paired_by_id_and_counted_once_each() -> None:
    a, b = predictions("++++---"), predictions("++-+++-")

    (found,) = compare({"a": a, "b": b[::-1]})

    assert (found.both_right, found.only_a, found.only_b, found.both_wrong) == (3, 1, 2, 1)
    assert (found.a, found.b) == ("a", "b")
    assert found.difference == pytest.approx(1 / 7)
    assert found.p_value == found.p_holm == 1.0


def test_every_two_are_compared_in_the_order_given_and_corrected_together() -> None:
    wrong, half, right = "-" * 16, "-" * 8 + "+" * 8, "+" * 16

    found = compare({"z": predictions(wrong), "b": predictions(half), "a": predictions(right)})

    assert [(item.a, item.b) for item in found] == [("z", "b"), ("z", "a"), ("b", "a")]
    # 8, 16 and 8 discordant photos, all for one side; times 2, 3 and (never below one before) 2.
    assert [item.p_value for item in found] == [2 / 2**8, 2 / 2**16, 2 / 2**8]
    assert [item.p_holm for item in found] == [4 / 2**8, 6 / 2**16, 4 / 2**8]
    assert [item.difference for item in found] == [0.5, 1.0, 0.5]


def test_another_backbone_does_not_change_a_pairs_interval() -> None:
    a, b, c = (predictions(text * 5) for text in ("+-+-", "++--", "---+"))

    (alone,) = compare({"a": a, "b": b})
    first, *_ = compare({"a": a, "b": b, "c": c})

    assert alone.difference_95 == first.difference_95


def test_one_backbone_has_no_pair() -> None:
    assert compare({"a": predictions("+-")}) == []


def test_one_photo_is_no_evidence() -> None:
    (found,) = compare({"a": predictions("-"), "b": predictions("+")})

    low, high = found.difference_95
    assert (found.difference, low < -0.9, high) == (1.0, True, pytest.approx(1.0))
    assert found.verdict == "no evidence of a difference (p = 1.00)"


def test_different_photos_are_refused() -> None:
    with pytest.raises(UserError, match=r"reports/a/.*reports/b/.* 1 are in one only.*'2.jpg'"):
        compare({"a": predictions("++"), "b": predictions("++-")})


def test_a_photo_that_counts_twice_is_refused() -> None:
    with pytest.raises(UserError, match=r"reports/b/predictions.csv has 3 lines for 2 photos"):
        compare({"a": predictions("++"), "b": [*predictions("++"), *predictions("+")]})


def test_the_verdict_without_evidence_gives_the_p_value() -> None:
    assert pair(0.025, (-0.01, 0.06), 0.6072).verdict == "no evidence of a difference (p = 0.61)"


def test_the_verdict_with_evidence_gives_the_difference_in_points() -> None:
    found = pair(0.025, (0.008, 0.043), 0.004)

    assert found.verdict == "large is better by 2.5 points (95 % 0.8 to 4.3)"


def test_the_verdict_counts_from_the_better_one() -> None:
    found = pair(-0.025, (-0.043, -0.008), 0.004)

    assert found.verdict == "small is better by 2.5 points (95 % 0.8 to 4.3)"


@pytest.mark.parametrize(("p", "evidence"), [(0.05, True), (0.0501, False)])
def test_the_corrected_p_value_decides_at_5_percent(p: float, evidence: bool) -> None:
    assert pair(0.1, (0.0, 0.2), p).differs is evidence
