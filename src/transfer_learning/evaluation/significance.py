"""Two classifiers on the same photos: how their accuracies differ, and how sure that is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from transfer_learning.evaluation.predictions import Prediction
from transfer_learning.evaluation.wording import hundredths, interval, p_text
from transfer_learning.runtime.errors import UserError

LEVEL = 0.05
# Of the numerical integration, and the width to which its limits are found.
NODES, PRECISION = 100, 1e-7


@dataclass(frozen=True)
class Pair:
    """Backbones ``a`` and ``b``: the photos that both, one or neither get right, and what follows.

    difference: the accuracy of ``b`` minus that of ``a``, with its 95 % interval.
    p_value: the exact McNemar test's; p_holm: the same corrected for the number of pairs.
    """

    a: str
    b: str
    both_right: int
    only_a: int
    only_b: int
    both_wrong: int
    difference: float
    difference_95: tuple[float, float]
    p_value: float
    p_holm: float

    def has(self, name: str) -> bool:
        """Whether the backbone is one of the two."""
        return name in (self.a, self.b)

    def other(self, name: str) -> str:
        """The backbone of the two that is not ``name``."""
        return self.b if name == self.a else self.a

    @property
    def differs(self) -> bool:
        """Whether there is evidence of a difference, at the level of 5 % over all pairs."""
        return self.p_holm <= LEVEL

    @property
    def verdict(self) -> str:
        """Which one is better and by how much, in words."""
        if not self.differs:
            return f"no evidence of a difference (p = {p_text(self.p_holm)})"
        better = self.b if self.difference > 0 else self.a
        return f"{better} is better by {self.margin}"

    @property
    def margin(self) -> str:
        """The difference in percentage points and its interval, of the better over the other."""
        low, high = self.difference_95
        if self.difference < 0:
            low, high = -high, -low
        return f"{hundredths(abs(self.difference))} points (95 % {interval((low, high))})"


def compare(predictions: Mapping[str, Sequence[Prediction]]) -> list[Pair]:
    """Compare every two backbones, in the order given.

    Args:
        predictions: each backbone's, of the same photos.

    Raises:
        UserError: backbones were evaluated on different photos, or on one more than once.
    """
    correct = {name: _correct_by_id(name, items) for name, items in predictions.items()}
    named = list(combinations(predictions, 2))
    tables = [_table(a, b, correct[a], correct[b]) for a, b in named]
    p_values = [mcnemar(only_a, only_b) for _, only_a, only_b, _ in tables]
    return [
        Pair(
            a,
            b,
            *table,
            difference=(table[2] - table[1]) / sum(table),
            difference_95=difference_interval(*table),
            p_value=p_value,
            p_holm=p_holm,
        )
        for (a, b), table, p_value, p_holm in zip(
            named, tables, p_values, holm(p_values), strict=True
        )
    ]


def mcnemar(only_a: int, only_b: int) -> float:
    """Return the two-sided p-value of the exact test that ``a`` and ``b`` are equally often right.

    Given their sum, ``only_a`` is then binomial with probability 1/2 (McNemar 1947; exact as in
    Agresti 2013, "Categorical Data Analysis", 11.1).  Not scipy's ``binomtest``: its import takes
    longer than all of the comparison.
    """
    discordant = only_a + only_b
    tail = term = 1
    for count in range(min(only_a, only_b)):
        # The binomial coefficient of count + 1 from that of count: of many photos, far faster.
        term = term * (discordant - count) // (count + 1)
        tail += term
    return min(1.0, 2 * tail / 2**discordant)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p-values corrected for their number, in the order given.

    The smallest of m is multiplied by m, the next by m − 1, and so on; none ends below a smaller
    one or above 1 (Holm 1979, "A simple sequentially rejective multiple test procedure").
    """
    order = np.argsort(p_values)
    steps = np.arange(len(p_values), 0, -1)
    corrected = np.empty(len(p_values))
    corrected[order] = np.maximum.accumulate(np.asarray(p_values)[order] * steps).clip(max=1)
    return corrected.tolist()


def difference_interval(
    both_right: int, only_a: int, only_b: int, both_wrong: int
) -> tuple[float, float]:
    """Return the 95 % interval of ``b``'s accuracy minus ``a``'s that belongs to the test.

    It leaves out 0 where, and only where, ``mcnemar`` gives less than 5 %.  The exact intervals of
    two proportions are melded: of the photos on which the backbones differ, and of those among
    them on which ``b`` is right (Fay and Lumbard 2021, "Confidence intervals for difference in
    proportions for matched pairs compatible with exact McNemar's or sign tests", Statistics in
    Medicine 40(5), 1147–1159).  It is never a point, however few the photos.
    """
    photos, discordant = both_right + only_a + only_b + both_wrong, only_a + only_b
    low = _lower_limit(only_b, discordant, photos)
    high = -_lower_limit(only_a, discordant, photos)
    return low, high


def _lower_limit(wins: int, discordant: int, photos: int) -> float:
    """Return the 2.5 % quantile of T · (2B − 1), the smaller over both choices of T.

    B is the lower confidence distribution of wins / discordant, Beta(wins, discordant − wins + 1);
    T the lower or upper one of discordant / photos, Beta(d, n − d + 1) or Beta(d + 1, n − d).
    A beta distribution whose first parameter is 0 lies at 0, one whose second is 0 at 1.
    """
    # Here because it takes longer to import than all the rest of a comparison of two.
    from scipy.special import betainc, betaincinv

    def cumulative(a: int, b: int, x: np.ndarray) -> np.ndarray:
        inside = np.clip(x, 0, 1)
        if a == 0 or b == 0:
            return np.asarray(x >= (a != 0), float)
        return np.asarray(betainc(a, b, inside))

    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    losses = float(betainc(wins, discordant - wins + 1, 0.5)) if wins else 1.0
    # B's quantiles below and above 1/2 apart, so that T · (2B − 1) falls below 0 with exactly the
    # probability that the test computes.
    levels = np.concatenate([losses * (nodes + 1) / 2, losses + (1 - losses) * (nodes + 1) / 2])
    masses = np.concatenate([losses * weights / 2, (1 - losses) * weights / 2])
    share = betaincinv(wins, discordant - wins + 1, levels) if wins else np.zeros(2 * NODES)
    factor = 2 * share - 1

    def below(value: float, a: int, b: int) -> float:
        """Return the probability that T · (2B − 1) ≤ value."""
        with np.errstate(divide="ignore", invalid="ignore"):
            left = cumulative(a, b, value / factor)
        return float(np.where(factor > 0, left, 1 - left) @ masses)

    limits = []
    for a, b in ((discordant, photos - discordant + 1), (discordant + 1, photos - discordant)):
        low, high = -1.0, 1.0
        while high - low > PRECISION:
            middle = (low + high) / 2
            low, high = (middle, high) if below(middle, a, b) < LEVEL / 2 else (low, middle)
        limits.append((low + high) / 2)
    return min(limits)


def _correct_by_id(name: str, predictions: Sequence[Prediction]) -> dict[str, bool]:
    correct = {item.id: item.correct for item in predictions}
    if len(correct) < len(predictions):
        raise UserError(
            f"reports/{name}/predictions.csv has {len(predictions)} lines for {len(correct)} "
            f"photos; rebuild it with dvc repro -f evaluate@{name}"
        )
    return correct


def _table(
    a: str, b: str, correct_a: Mapping[str, bool], correct_b: Mapping[str, bool]
) -> tuple[int, int, int, int]:
    """Return on how many photos both, only a, only b, and neither are right."""
    if unshared := sorted(correct_a.keys() ^ correct_b.keys()):
        raise UserError(
            f"reports/{a}/predictions.csv and reports/{b}/predictions.csv are of different photos: "
            f"{len(unshared)} are in one only, first {unshared[0]!r}; rebuild both with "
            f"dvc repro -f evaluate@{a} evaluate@{b}"
        )
    counts = Counter((correct_a[photo], correct_b[photo]) for photo in correct_a)
    return counts[True, True], counts[True, False], counts[False, True], counts[False, False]
