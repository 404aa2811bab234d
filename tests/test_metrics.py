"""metrics.json: its keys, its decimals, and back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from transfer_learning.evaluation.metrics import Metrics

METRICS = Metrics(
    accuracy=2 / 3,
    accuracy_low=0.2,
    accuracy_high=0.9,
    top2_accuracy=1.0,
    macro_precision=0.5,
    macro_recall=0.75,
    macro_f1=1 / 7,
    log_loss=1.23456789,
    ece=0.125,
    temperature=1.5,
    ece_calibrated=0.0625,
    right=2,
    photos=3,
    valid_accuracy=1.0,
    valid_log_loss=0.5,
)


def test_the_file_has_flat_keys_four_decimals_and_whole_counts(tmp_path: Path) -> None:
    METRICS.write(tmp_path / "metrics.json")

    value = json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))
    assert list(value.items()) == [
        ("accuracy", 0.6667),
        ("accuracy_low", 0.2),
        ("accuracy_high", 0.9),
        ("top2_accuracy", 1.0),
        ("macro_precision", 0.5),
        ("macro_recall", 0.75),
        ("macro_f1", 0.1429),
        ("log_loss", 1.2346),
        ("ece", 0.125),
        ("temperature", 1.5),
        ("ece_calibrated", 0.0625),
        ("right", 2),
        ("photos", 3),
        ("valid_accuracy", 1.0),
        ("valid_log_loss", 0.5),
    ]
    assert isinstance(value["right"], int)


def test_metrics_come_back_as_written(tmp_path: Path) -> None:
    METRICS.write(tmp_path / "metrics.json")

    assert Metrics.read(tmp_path / "metrics.json") == replace(
        METRICS, accuracy=0.6667, macro_f1=0.1429, log_loss=1.2346
    )
