"""Whether a classifier is right as often as it says: reliability, its error, its temperature.

Definitions: Guo, Pleiss, Sun & Weinberger (2017), "On Calibration of Modern Neural Networks",
arXiv:1706.04599.  Confidence is the probability of the predicted class.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from transfer_learning.heads.head import log_loss, softmax

BINS = 15
# No temperature is sought outside: beyond, probabilities are all but 0 and 1, or all but equal.
LOWEST, HIGHEST = 0.1, 10.0
# Of the temperature's logarithm.
PRECISION = 1e-12


@dataclass(frozen=True)
class Bin:
    """Photos with low < confidence <= high: their number, mean confidence, and share right."""

    low: float
    high: float
    photos: int
    confidence: float
    accuracy: float


def reliability_bins(confidence: np.ndarray, correct: np.ndarray, bins: int = BINS) -> list[Bin]:
    """Sort photos into bins of equal width by confidence (Guo et al., section 2).

    Args:
        confidence: float [N], in [0, 1]; 0 falls in the first bin.
        correct: bool [N], whether the prediction is the true class.
        bins: how many bins [0, 1] is cut into.

    Returns:
        The bins that hold photos, lowest first.
    """
    edges = np.arange(bins + 1) / bins
    index = np.digitize(confidence, edges[1:-1], right=True)
    return [
        Bin(
            low=float(edges[number]),
            high=float(edges[number + 1]),
            photos=int(inside.sum()),
            confidence=float(confidence[inside].mean()),
            accuracy=float(correct[inside].mean()),
        )
        for number in range(bins)
        if (inside := index == number).any()
    ]


def expected_calibration_error(
    confidence: np.ndarray, correct: np.ndarray, bins: int = BINS
) -> float:
    """Return the mean over photos of their bin's |accuracy − confidence| (Guo et al., eq. 3)."""
    return sum(
        item.photos / len(confidence) * abs(item.accuracy - item.confidence)
        for item in reliability_bins(confidence, correct, bins)
    )


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """Return the T > 0 that minimises the log loss of softmax(logits / T) (Guo et al., 4.2).

    The loss is convex in 1/T, so there is one minimum.  Where every photo is right it lies at
    T = 0, and where logits mislead at infinity: then T is ``LOWEST`` or ``HIGHEST``.  Where T
    changes nothing, it is 1.

    Args:
        logits: float [N, C], of photos that the classifier was not trained on.
        labels: int [N].
    """
    logits = logits.astype(np.float64)
    rows = np.arange(len(labels))

    def loss(temperature: float) -> float:
        return log_loss(logits / temperature, labels)

    def rises(log_temperature: float) -> bool:
        """Whether the loss rises with the temperature: its derivative by 1/T is below 0."""
        mean = (softmax(logits / np.exp(log_temperature)) * logits).sum(axis=1)
        return bool((mean - logits[rows, labels]).mean() < 0)

    low, high = np.log([LOWEST, HIGHEST])
    while high - low > PRECISION:
        middle = (low + high) / 2
        low, high = (low, middle) if rises(middle) else (middle, high)
    # The first of equals wins.
    return min((1.0, LOWEST, HIGHEST, float(np.exp((low + high) / 2))), key=loss)


def temperature_text(temperature: float) -> str:
    """Return a temperature for people, who should know where none was found within the bounds."""
    if LOWEST < temperature < HIGHEST:
        return f"{temperature:.2f}"
    return f"{temperature:g} ({'lowest' if temperature <= LOWEST else 'highest'} tried)"


def apply_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Return float64 [N, C], softmax(logits / T), from the probabilities softmax(logits)."""
    powers = (probabilities / probabilities.max(axis=1, keepdims=True)) ** (1 / temperature)
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))
