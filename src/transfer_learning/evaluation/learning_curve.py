"""How accuracy grows with the number of training photos, and what twice as many would bring."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from transfer_learning.features.features import Features
from transfer_learning.features.subsets import sample, stratified_order, take
from transfer_learning.heads import logistic

SHARES = (0.1, 0.2, 0.4, 0.6, 0.8, 1.0)
DRAWS = 3
# Sizes of subsets, for a line and a doubt about it.
FEWEST = 3
# Of draws and test photos together, for the interval of what twice the photos would bring.
RESAMPLES = 2000
SEED = 0
# Training photos, and validation and test photos, that are enough for a curve: its time grows with
# their number, and of 10,000 is minutes a backbone.
MOST, HELD = 4_000, 4_000


@dataclass(frozen=True)
class LearningCurve:
    """``photos`` int [S], and ``correct`` bool [draws, S, N]: which test photos are right."""

    photos: np.ndarray
    correct: np.ndarray

    @property
    def accuracies(self) -> np.ndarray:
        """Test accuracy float64 [draws, S]."""
        return np.asarray(self.correct.mean(axis=2))


@dataclass(frozen=True)
class Doubling:
    """The fitted accuracy of all photos and of twice as many, and the gain with its 95 % interval.

    The error is ``factor`` · photos^−``exponent``.
    """

    factor: float
    exponent: float
    now: float
    twice: float
    gain_95: tuple[float, float]

    @property
    def gain(self) -> float:
        """The accuracy that twice the photos would add."""
        return self.twice - self.now

    @property
    def possible(self) -> bool:
        """Whether it stays among accuracies: of very few photos, a fit may not."""
        low, high = self.gain_95
        return 0 <= self.twice <= 1 and -1 <= low <= high <= 1

    def accuracy(self, photos: np.ndarray) -> np.ndarray:
        """Return the fitted accuracy for these numbers of photos."""
        return np.asarray(1 - self.factor * photos**-self.exponent)


def measure(
    train: Features, valid: Features, test: Features, *, done: Callable[[], object] = lambda: None
) -> LearningCurve | None:
    """Fit logistic heads on nested stratified subsets of the training photos, in several draws.

    The validation photos choose each one's strength.  All photos are the same in each draw; they
    are those of a stratified sample where there are more than ``MOST`` or ``HELD``.

    Returns:
        The curve, of the subsets that have photos of every class; None where they are too few.
    """
    train, valid, test = sample(train, MOST), sample(valid, HELD), sample(test, HELD)
    rngs = [np.random.default_rng(SEED + draw) for draw in range(DRAWS)]
    orders = [stratified_order(train.labels, rng) for rng in rngs]
    counts = sorted({round(share * len(train.labels)) for share in SHARES})
    classes = len(train.classes)
    photos = [
        count
        for count in counts
        if all(len(np.unique(train.labels[order[:count]])) == classes for order in orders)
    ]
    if len(photos) < FEWEST:
        return None
    correct = np.zeros((DRAWS, len(photos), len(test.labels)), bool)
    for draw, order in enumerate(orders):
        for column, count in enumerate(photos):
            if draw and count == len(order):
                correct[draw, column] = correct[0, column]
            else:
                subset = take(train, np.sort(order[:count]))
                logits = logistic.fit(subset, valid).head.logits(test.features)
                correct[draw, column] = logits.argmax(axis=1) == test.labels
            done()
    return LearningCurve(np.array(photos), correct)


def heads() -> int:
    """Return how many steps ``measure`` takes at most."""
    return DRAWS * len(SHARES)


def double(curve: LearningCurve) -> Doubling:
    """Fit a power law and say what twice the photos would bring.

    The error of n photos is a · n^−b (Hestness et al. 2017, arXiv:1712.00409): a line in
    logarithms, fitted by least squares to the mean errors.  The interval is that of the percentile
    bootstrap over draws and test photos together (Efron and Tibshirani 1993, chapter 13).
    """
    rng = np.random.default_rng(SEED)
    draws, _, tests = curve.correct.shape
    most = int(curve.photos[-1])
    errors = 1 - curve.correct.astype(np.float64)
    gains = np.empty(RESAMPLES)
    for number in range(RESAMPLES):
        # How often each is drawn, as a weight.
        weights = rng.multinomial(draws, [1 / draws] * draws) / draws
        counts = rng.multinomial(tests, [1 / tests] * tests) / tests
        factor, exponent = _power_law(
            curve.photos, np.einsum("d,dst,t->s", weights, errors, counts)
        )
        gains[number] = factor * (most**-exponent - (2 * most) ** -exponent)
    factor, exponent = _power_law(curve.photos, errors.mean(axis=(0, 2)))
    low, high = np.quantile(gains, [0.025, 0.975])
    now, twice = (1 - factor * float(n) ** -exponent for n in (most, 2 * most))
    return Doubling(factor, exponent, now, twice, (float(low), float(high)))


def _power_law(photos: np.ndarray, errors: np.ndarray) -> tuple[float, float]:
    """Return a and b of the error a · n^−b; no error at all counts as half of one in 1,000."""
    slope, intercept = np.polyfit(np.log(photos), np.log(np.maximum(errors, 0.0005)), 1)
    return float(np.exp(intercept)), float(-slope)
