"""A trained head on held-out features: predictions and metrics."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np

from transfer_learning.evaluation import calibration
from transfer_learning.evaluation.metrics import Metrics
from transfer_learning.evaluation.predictions import ClassScore, Prediction
from transfer_learning.features.features import Features
from transfer_learning.heads.head import Head, log_loss, softmax
from transfer_learning.runtime.csv_files import PROBABILITY_DECIMALS
from transfer_learning.runtime.errors import UserError

# The 97.5 % quantile of the normal distribution.
Z_95 = 1.959963984540054


@dataclass(frozen=True)
class Evaluation:
    """A backbone's metrics, its scores per class, and its prediction for every test photo."""

    metrics: Metrics
    per_class: list[ClassScore]
    predictions: list[Prediction]


def evaluate(
    head: Head, test: Features, valid: Features, *, validated: Head | None = None
) -> Evaluation:
    """Measure the head on the test features; the validation features give the temperature.

    Args:
        head: to measure.
        test: features that it has not seen.
        valid: features that ``validated`` has not seen.
        validated: the head before its refit; ``head`` itself where there was none.

    Raises:
        UserError: a test photo's id is there twice.
    """
    ids = test.ids[:].tolist()
    twice = sorted(photo for photo, count in Counter(ids).items() if count > 1)
    if twice:
        raise UserError(
            f"the test split has photos with the same id ({len(twice)} ids, first {twice[0]!r}); "
            "every photo must count once: give each its own id"
        )
    classes = [str(name) for name in head.classes]
    valid_logits = (validated or head).logits(valid.features)
    test_logits = head.logits(test.features)
    probability = softmax(test_logits)
    predicted = probability.argmax(axis=1)
    correct = predicted == test.labels
    photos, precision, recall, f1 = _class_scores(test.labels, predicted, len(classes))
    tested = photos > 0
    low, high = wilson_interval(int(correct.sum()), len(correct))
    temperature = calibration.fit_temperature(valid_logits, valid.labels)
    # What predictions.csv keeps, so that these are the errors of the bins that are drawn from it.
    kept = probability.round(PROBABILITY_DECIMALS)
    calibrated = calibration.apply_temperature(kept, temperature)
    metrics = Metrics(
        accuracy=float(correct.mean()),
        accuracy_low=low,
        accuracy_high=high,
        top2_accuracy=_top2_accuracy(probability, test.labels),
        macro_precision=float(precision[tested].mean()),
        macro_recall=float(recall[tested].mean()),
        macro_f1=float(f1[tested].mean()),
        log_loss=log_loss(test_logits, test.labels),
        ece=calibration.expected_calibration_error(kept.max(axis=1), correct),
        temperature=temperature,
        ece_calibrated=calibration.expected_calibration_error(calibrated.max(axis=1), correct),
        right=int(correct.sum()),
        photos=len(correct),
        valid_accuracy=float((valid_logits.argmax(axis=1) == valid.labels).mean()),
        valid_log_loss=log_loss(valid_logits, valid.labels),
    )
    per_class = [
        ClassScore(name, int(count), *(float(score) if count else None for score in scores))
        for name, count, *scores in zip(classes, photos, precision, recall, f1, strict=True)
    ]
    predictions = [
        Prediction(photo, classes[label], classes[guess], tuple(row.tolist()))
        for photo, label, guess, row in zip(ids, test.labels, predicted, probability, strict=True)
    ]
    return Evaluation(metrics, per_class, predictions)


def wilson_interval(right: int, photos: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927, "Probable inference", JASA 22, 209–212)."""
    # Not scipy's binomtest: its import takes longer than all else that is measured here.
    square = Z_95**2 / photos
    middle = (right / photos + square / 2) / (1 + square)
    share = right / photos
    half = Z_95 * sqrt(share * (1 - share) / photos + square / (4 * photos)) / (1 + square)
    return max(0.0, middle - half), min(1.0, middle + half)


def _class_scores(labels: np.ndarray, predicted: np.ndarray, classes: int) -> Any:
    """Return each class's photos, precision, recall and F1, [C] each; 0 where nothing is counted.

    Not scikit-learn's, for the same reason.
    """
    photos, guesses, right = (
        np.bincount(items, minlength=classes)
        for items in (labels, predicted, labels[labels == predicted])
    )
    # Where the divisor is 0, so is what is divided.
    precision, recall, f1 = (
        part / np.maximum(whole, 1)
        for part, whole in ((right, guesses), (right, photos), (2 * right, guesses + photos))
    )
    return photos, precision, recall, f1


def _top2_accuracy(probability: np.ndarray, labels: np.ndarray) -> float:
    # Not scikit-learn's top_k_accuracy_score: it gives ties to the class listed last, argmax to
    # the first, and it takes no two classes.
    best = np.argsort(-probability, axis=1, kind="stable")[:, :2]
    return float((best == labels[:, np.newaxis]).any(axis=1).mean())
