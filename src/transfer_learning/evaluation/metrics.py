"""``reports/B/metrics.json``: what was measured of a backbone, readable without scikit-learn."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from transfer_learning.runtime.csv_files import METRIC_DECIMALS
from transfer_learning.runtime.files import read_json, write_json


@dataclass(frozen=True)
class Metrics:
    """A backbone's metrics; every test photo counts once.

    accuracy: ``right / photos``; a tie of probabilities is a prediction of the class listed first.
    accuracy_low, accuracy_high: its 95 % interval (Wilson 1927).
    top2_accuracy: the share of photos whose true class is among the two most probable.
    macro_precision, macro_recall, macro_f1: means over the classes that have test photos; a
        precision is 0 where the class is never predicted.
    log_loss: the mean of −ln p(true class).
    ece: the expected calibration error in 15 bins (``evaluation.calibration``).
    temperature: fitted on the validation split, of the head as fitted on the training split alone.
    ece_calibrated: the ``ece`` with logits divided by the temperature.
    valid_accuracy, valid_log_loss: on the validation split, of that same head.
    """

    accuracy: float
    accuracy_low: float
    accuracy_high: float
    top2_accuracy: float
    macro_precision: float
    macro_recall: float
    macro_f1: float
    log_loss: float
    ece: float
    temperature: float
    ece_calibrated: float
    right: int
    photos: int
    valid_accuracy: float
    valid_log_loss: float

    def as_dict(self) -> dict[str, float]:
        """Return the metrics by name, floats rounded to four decimals."""
        return {
            key: round(value, METRIC_DECIMALS) if isinstance(value, float) else value
            for key, value in dataclasses.asdict(self).items()
        }

    def write(self, path: Path) -> None:
        """Write ``metrics.json``, floats rounded to four decimals."""
        write_json(path, self.as_dict())

    @classmethod
    def read(cls, path: Path) -> Metrics:
        """Read what ``write`` wrote."""
        return read_json(path, cls)
