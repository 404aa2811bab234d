"""From which probability on an answer counts as sure: chosen on validation photos."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from transfer_learning.runtime.csv_files import METRIC_DECIMALS, PROBABILITY_DECIMALS

# Of the answers that are called sure, how many should be right.
SURE_ACCURACY = 0.99


@dataclass(frozen=True)
class Threshold:
    """``value``: answers at or above it are sure; ``share`` of the photos that have such answers.

    Where no value reaches the accuracy, ``value`` is above 1 and ``share`` is 0.
    """

    value: float
    share: float


# Where nothing is sure.
NEVER = Threshold(value=1.001, share=0.0)


def choose(
    probabilities: np.ndarray, labels: np.ndarray, *, accuracy: float = SURE_ACCURACY
) -> Threshold:
    """Return the lowest threshold at and above which at least ``accuracy`` of the photos are right.

    Of the coverages that reach a chosen risk it takes the largest, as selective classification
    does (Geifman & El-Yaniv 2017, "Selective Classification for Deep Neural Networks", without
    their confidence bound).

    Args:
        probabilities: calibrated, float64 [N, C], of photos that the classifier has not learnt.
        labels: int64 [N].
        accuracy: what is asked for.
    """
    scores = probabilities.max(axis=1).round(PROBABILITY_DECIMALS)
    right = probabilities.argmax(axis=1) == labels
    for value in np.unique(scores):
        above = scores >= value
        if right[above].mean() >= accuracy:
            return Threshold(float(value), round(float(above.mean()), METRIC_DECIMALS))
    return NEVER
