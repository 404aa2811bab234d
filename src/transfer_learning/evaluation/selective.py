"""How accurate a classifier is on its most confident predictions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from transfer_learning.evaluation.predictions import Prediction


def kept(predictions: Sequence[Prediction]) -> tuple[np.ndarray, np.ndarray]:
    """Return float64 [K] shares of the photos kept, most confident first, and the accuracy there.

    Confidence is the largest probability. Photos of equal confidence are kept together, so there
    are K different ones. 1 − accuracy against the share is the risk–coverage curve of El-Yaniv &
    Wiener (2010), "On the Foundations of Noise-free Selective Classification".
    """
    confidence = np.array([max(item.probabilities) for item in predictions])
    order = np.argsort(-confidence, kind="stable")
    correct = np.array([item.correct for item in predictions])[order].cumsum()
    count = np.arange(1, len(order) + 1)
    last = np.append(np.diff(confidence[order]) != 0, True)
    return (count / len(order))[last], (correct / count)[last]
