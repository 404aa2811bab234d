"""How much of a difference is the split: competitors on many random splits of the same photos."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations
from math import sqrt

import numpy as np

from transfer_learning.features.features import Features
from transfer_learning.features.joining import same_photos
from transfer_learning.features.subsets import joined, stratified_order, take
from transfer_learning.heads.head import Head
from transfer_learning.runtime.errors import UserError

# Learns a head: from a competitor's name, its training photos and its validation photos.
Fit = Callable[[str, Features, Features], Head]


@dataclass(frozen=True)
class Resplits:
    """Test accuracies float64 [splits] by competitor, on splits of these numbers of photos."""

    accuracies: dict[str, np.ndarray]
    train: int
    valid: int
    test: int


@dataclass(frozen=True)
class Difference:
    """Competitor ``b`` against ``a`` over the splits; the mean is ``b``'s accuracy minus ``a``'s.

    ``a_better`` and ``b_better`` are shares of the splits.
    """

    a: str
    b: str
    a_better: float
    b_better: float
    mean: float
    t: float
    p_value: float


def resplit(
    sets: Mapping[str, tuple[Features, Features, Features]],
    fit: Fit,
    *,
    splits: int,
    seed: int,
    done: Callable[[], object] = lambda: None,
) -> Resplits:
    """Split the photos anew, again and again, and measure every competitor on each split.

    The splits are random and stratified, and have as many photos as the ones given.

    Args:
        sets: by competitor its training, validation and test features.
        fit: learns a head.
        splits: how many.
        seed: of the first; each has the next.
        done: called after each head.

    Raises:
        UserError: two competitors have features of different photos.
    """
    pools = {name: joined(parts) for name, parts in sets.items()}
    first, *others = pools
    for name in others:
        if not same_photos(pools[first], pools[name]):
            raise UserError(
                f"data/features/{first} and data/features/{name} are of different photos; "
                "rebuild them: make repro"
            )
    train, valid, test = (len(part.labels) for part in sets[first])
    accuracies = {name: np.zeros(splits) for name in pools}
    for number in range(splits):
        order = stratified_order(pools[first].labels, np.random.default_rng(seed + number))
        rows = np.split(order, [test, test + valid])
        for name, pool in pools.items():
            test_set, valid_set, train_set = (take(pool, part) for part in rows)
            head = fit(name, train_set, valid_set)
            predicted = head.logits(test_set.features).argmax(axis=1)
            accuracies[name][number] = (predicted == test_set.labels).mean()
            done()
    return Resplits(accuracies, train, valid, test)


def differences(result: Resplits) -> list[Difference]:
    """Compare every two competitors by the corrected resampled t-test.

    The splits share their photos, so that their differences vary less than those of new photos
    would: the variance is multiplied by 1/J + n_test/n_train in place of 1/J (Nadeau and Bengio
    2003, "Inference for the Generalization Error", Machine Learning 52, 239–281, section 6).
    """
    # Here because it takes longer to import than all the rest.
    from scipy.special import stdtr

    found = []
    for a, b in combinations(result.accuracies, 2):
        difference = result.accuracies[b] - result.accuracies[a]
        splits, mean = len(difference), float(difference.mean())
        variance = (1 / splits + result.test / result.train) * float(difference.var(ddof=1))
        if variance:
            t = mean / sqrt(variance)
            p_value = 2 * float(stdtr(splits - 1, -abs(t)))
        else:  # The same difference on every split.
            t, p_value = (0.0, 1.0) if mean == 0 else (float(np.copysign(np.inf, mean)), 0.0)
        shares = float((difference < 0).mean()), float((difference > 0).mean())
        found.append(Difference(a, b, *shares, mean, t, p_value))
    return found
