"""Two classifiers on the same photos: how their accuracies differ, and how sure that is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np

from transfer_learning.evaluation.predictions import Prediction
from transfer_learning.evaluation.wording import hundredths, interval, p_text
from transfer_learning.runtime.errors import UserError

LEVEL = 0.05
RESAMPLES, SEED = 100_000, 0


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
            difference_95=bootstrap(*table),
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
    tail = sum(comb(discordant, count) for count in range(min(only_a, only_b) + 1))
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


def bootstrap(both_right: int, only_a: int, only_b: int, both_wrong: int) -> tuple[float, float]:
    """Return the 95 % percentile interval of the difference of accuracies, photos resampled.

    Photos drawn with replacement fill the four cells as a multinomial does (Efron and Tibshirani
    1993, "An Introduction to the Bootstrap"), so the cells are drawn, from a fixed seed.  Where
    the backbones differ on no photo the interval is 0 to 0, however few the photos.
    """
    cells = np.array([both_right, only_a, only_b, both_wrong])
    photos = cells.sum()
    drawn = np.random.default_rng(SEED).multinomial(photos, cells / photos, size=RESAMPLES)
    low, high = np.quantile((drawn[:, 2] - drawn[:, 1]) / photos, [0.025, 0.975])
    return float(low), float(high)


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
