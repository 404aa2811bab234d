"""Whether a classifier is right as often as it says: reliability, its error, its temperature.

Definitions: Guo, Pleiss, Sun & Weinberger (2017), "On Calibration of Modern Neural Networks",
arXiv:1706.04599.  Confidence is the probability of the predicted class.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BINS = 15
# No temperature is sought outside: beyond, probabilities are all but 0 and 1, or all but equal.
LOWEST, HIGHEST = 0.1, 10.0


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
    # Here because the figures need the rest of this module, but not 0.7 s of scipy.
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    logits = logits.astype(np.float64)

    def loss(temperature: float) -> float:
        log_probability = log_softmax(logits / temperature, axis=1)
        return float(-log_probability[np.arange(len(labels)), labels].mean())

    inside = minimize_scalar(
        lambda log_temperature: loss(np.exp(log_temperature)),
        bounds=np.log([LOWEST, HIGHEST]),
        method="bounded",
        options={"xatol": 1e-9},
    ).x
    # The search never tries its bounds; the first of equals wins.
    return min((1.0, LOWEST, HIGHEST, float(np.exp(inside))), key=loss)


def temperature_text(temperature: float) -> str:
    """Return a temperature for people, who should know where none was found within the bounds."""
    if LOWEST < temperature < HIGHEST:
        return f"{temperature:.2f}"
    return f"{temperature:g} ({'lowest' if temperature <= LOWEST else 'highest'} tried)"


def apply_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Return float64 [N, C], softmax(logits / T), from the probabilities softmax(logits)."""
    powers = (probabilities / probabilities.max(axis=1, keepdims=True)) ** (1 / temperature)
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))
