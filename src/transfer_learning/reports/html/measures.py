"""The table of measures: a line each, a column for every backbone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from transfer_learning.evaluation.calibration import temperature_text
from transfer_learning.evaluation.comparison import Competitor
from transfer_learning.evaluation.wording import interval, large, percent


@dataclass(frozen=True)
class Measure:
    """A line of the table: its name, what it means, and its text for a backbone."""

    name: str
    meaning: str
    text: Callable[[Competitor], str]


@dataclass(frozen=True)
class Row:
    """A line of the table with a text for every backbone."""

    name: str
    meaning: str
    texts: list[str]


@dataclass(frozen=True)
class RowGroup:
    """Lines of the table under one title."""

    title: str
    rows: list[Row]


MACRO = "mean over the classes with test photos"
QUALITY = (
    Measure(
        "Accuracy",
        "share of the test photos that are right",
        lambda item: percent(item.metrics.accuracy),
    ),
    Measure(
        "95 % interval",
        "of the accuracy on photos like these (Wilson)",
        lambda item: f"{interval(item.accuracy_95)} %",
    ),
    Measure("Right", "test photos", lambda item: f"{item.metrics.right} of {item.metrics.photos}"),
    Measure(
        "Top-2 accuracy",
        "the true class is among the two most probable",
        lambda item: percent(item.metrics.top2_accuracy),
    ),
    Measure(
        "Macro precision",
        MACRO,
        lambda item: f"{item.metrics.macro_precision:.3f}",
    ),
    Measure(
        "Macro recall",
        MACRO,
        lambda item: f"{item.metrics.macro_recall:.3f}",
    ),
    Measure(
        "Macro F1",
        MACRO,
        lambda item: f"{item.metrics.macro_f1:.3f}",
    ),
    Measure(
        "Validation accuracy",
        "on the validation photos",
        lambda item: percent(item.metrics.valid_accuracy),
    ),
    Measure(
        "Head",
        "what learns from the features; a refitted one has then learnt from the validation photos "
        "too: its validation accuracy and temperature are from before",
        lambda item: item.head,
    ),
)
CONFIDENCE = (
    Measure(
        "Log loss",
        "mean of −ln p(true class); lower is better",
        lambda item: f"{item.metrics.log_loss:.3f}",
    ),
    Measure(
        "Expected calibration error",
        "mean gap between confidence and accuracy, 15 bins; lower is better",
        lambda item: f"{item.metrics.ece:.3f}",
    ),
    Measure(
        "Temperature",
        "fitted on the validation photos; above 1: too confident",
        lambda item: temperature_text(item.metrics.temperature),
    ),
    Measure(
        "Calibration error after it",
        "on the test photos, with that temperature",
        lambda item: f"{item.metrics.ece_calibrated:.3f}",
    ),
)
COST = (
    Measure(
        "Input",
        "size of a photo as the network gets it",
        lambda item: f"{item.resolution} × {item.resolution} px",
    ),
    Measure("Parameters", "of the frozen network", lambda item: f"{item.parameters:,}"),
    Measure(
        "Multiply-adds",
        "for one photo",
        lambda item: large(item.multiply_adds),
    ),
    Measure("Weights", "file size", lambda item: f"{item.file_bytes / 1e6:,.1f} MB"),
    Measure(
        "Features",
        "numbers for one photo",
        lambda item: f"{item.features:,} ({item.feature_bytes / 1e3:.1f} kB)",
    ),
    Measure(
        "Engine",
        "that computed the features",
        lambda item: f"{item.engine}, {item.precision}",
    ),
    Measure("Licence", "of the weights", lambda item: item.licence),
)
GROUPS = {
    "How often it is right": QUALITY,
    "How far its confidence can be trusted": CONFIDENCE,
    "What it costs": COST,
}


def table(backbones: Iterable[Competitor]) -> list[RowGroup]:
    """Return the lines of the table, a text for each of the backbones in their order."""
    columns = list(backbones)
    return [
        RowGroup(
            title,
            [Row(item.name, item.meaning, [item.text(one) for one in columns]) for item in lines],
        )
        for title, lines in GROUPS.items()
    ]
