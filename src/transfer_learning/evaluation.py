"""A trained head on held-out features: predictions and metrics."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.metrics import f1_score, log_loss

from transfer_learning.features import Features
from transfer_learning.head import Head, softmax
from transfer_learning.tables import Prediction


@dataclass(frozen=True)
class Metrics:
    """What ``reports/B/metrics.json`` holds; every photo of the split counts once.

    ``accuracy`` is ``right / photos`` on the test split; ``macro_f1`` the mean over all classes
    of F1, 0 for a class that was neither there nor predicted; ``log_loss`` the mean of
    −ln p(true class);
    ``valid_accuracy`` the accuracy on the validation split.
    """

    accuracy: float
    macro_f1: float
    log_loss: float
    right: int
    photos: int
    valid_accuracy: float

    def as_dict(self) -> dict[str, float]:
        """Return the metrics by name, floats rounded to six decimals."""
        return {
            key: round(value, 6) if isinstance(value, float) else value
            for key, value in dataclasses.asdict(self).items()
        }


def probabilities(head: Head, features: Features) -> np.ndarray:
    """Return float64 [N, C], the softmax of the head's logits."""
    return softmax(head.logits(features.features))


def measure(head: Head, test: Features, valid: Features) -> Metrics:
    """Measure the head on the test features, and its accuracy on the validation features."""
    probability = probabilities(head, test)
    predicted = probability.argmax(axis=1)
    right = int((predicted == test.labels).sum())
    every_class = np.arange(len(head.classes))
    valid_predicted = head.logits(valid.features).argmax(axis=1)
    return Metrics(
        accuracy=right / len(test.labels),
        macro_f1=float(
            f1_score(test.labels, predicted, labels=every_class, average="macro", zero_division=0)
        ),
        log_loss=float(log_loss(test.labels, probability, labels=every_class)),
        right=right,
        photos=len(test.labels),
        valid_accuracy=float((valid_predicted == valid.labels).mean()),
    )


@dataclass(frozen=True)
class Evaluation:
    """A backbone's metrics, its prediction for every test photo, and the class names."""

    metrics: Metrics
    predictions: list[Prediction]
    classes: list[str]


def evaluate(name: str, data: Path = Path("data")) -> Evaluation:
    """Evaluate the head in ``data/models/NAME`` on the features in ``data/features/NAME``."""
    head = Head.read(data / "models" / name)
    test, valid = (
        Features.read(data / "features" / name / f"{split}.npz") for split in ("test", "valid")
    )
    probability = probabilities(head, test)
    classes = [str(item) for item in head.classes]
    predictions = [
        Prediction(str(photo), classes[label], classes[row.argmax()], tuple(map(float, row)))
        for photo, label, row in zip(test.ids, test.labels, probability, strict=True)
    ]
    return Evaluation(measure(head, test, valid), predictions, classes)
