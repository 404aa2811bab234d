"""``reports/comparison.md``: the backbones side by side, for reading where git is."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from transfer_learning.evaluation.calibration import temperature_text
from transfer_learning.evaluation.comparison import Comparison
from transfer_learning.evaluation.wording import hundredths, interval, p_text, points
from transfer_learning.reports import tuned_page
from transfer_learning.reports.classes import WORST, many, score_text, worst_first
from transfer_learning.reports.markdown import markdown

FIGURES = {
    "comparison.png": "Accuracy of the backbones with its 95 % interval, and their cost",
    "per_class.png": "F1 of each backbone for each class",
    "disagreements.png": "Test photos that the backbones predict differently",
    "abstain.png": "Accuracy on the photos kept when the least confident predictions are set aside",
}

REFITTED = (
    "A refitted head has learnt from the validation photos too: its validation accuracy and its "
    "temperature are those of the same head before, fitted on the training photos alone."
)


def page(comparison: Comparison, tuned_from: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return the page as Markdown: verdict, accuracies, pairs, classes, costs and figures.

    ``tuned_from`` has the tuned backbones, each with the frozen one's name that it was tuned from.
    """
    note = "The photos are synthetic: drawn by this project, not photographed."
    figures = [line for name, alt in FIGURES.items() for line in (f"![{alt}]({name})", "")]
    backbones = comparison.backbones.values()
    lines = [
        "# Backbones side by side",
        "",
        *([note, ""] if comparison.synthetic else []),
        comparison.emphasised_verdict,
        "",
        "## How good",
        "",
        *_accuracies(comparison),
        "",
        "The interval is Wilson's. ECE is the expected calibration error in 15 bins; the last "
        "column has it after division of the logits by the temperature fitted on the "
        "validation photos.",
        *([REFITTED] if any("refitted" in item.head for item in backbones) else []),
        "",
        *(["## Photo by photo", "", *_pairs(comparison), ""] if comparison.pairs else []),
        *(tuned_page.section(comparison, tuned_from) if tuned_from else []),
        "## Class by class",
        "",
        *_classes(comparison),
        "",
        "## What each costs",
        "",
        *_costs(comparison),
        "",
        *figures,
    ]
    return "\n".join(lines)


def _accuracies(comparison: Comparison) -> list[str]:
    header = ["backbone", "test accuracy, %", "95 % interval", "right", "top-2 accuracy, %"]
    header += ["validation accuracy, %", "macro-F1", "log loss", "ECE", "temperature"]
    header += ["ECE after it", "head"]
    return markdown(
        header,
        [
            [
                name,
                hundredths(item.metrics.accuracy),
                interval(item.accuracy_95),
                f"{item.metrics.right} of {item.metrics.photos}",
                hundredths(item.metrics.top2_accuracy),
                hundredths(item.metrics.valid_accuracy),
                f"{item.metrics.macro_f1:.3f}",
                f"{item.metrics.log_loss:.3f}",
                f"{item.metrics.ece:.3f}",
                temperature_text(item.metrics.temperature),
                f"{item.metrics.ece_calibrated:.3f}",
                item.head,
            ]
            for name, item in comparison.ranked.items()
        ],
    )


def _pairs(comparison: Comparison) -> list[str]:
    corrected = len(comparison.pairs) > 1
    header = ["a", "b", "both right", "only a", "only b", "both wrong", "b − a, points"]
    header += ["95 % interval", "p", *(["p, Holm"] if corrected else []), "in words"]
    rows = [
        [
            pair.a,
            pair.b,
            *map(str, (pair.both_right, pair.only_a, pair.only_b, pair.both_wrong)),
            points(pair.difference),
            " to ".join(map(points, pair.difference_95)),
            p_text(pair.p_value),
            *([p_text(pair.p_holm)] if corrected else []),
            pair.verdict,
        ]
        for pair in comparison.pairs
    ]
    text = (
        "p is the exact McNemar test's, and the interval is the one that belongs to it "
        "(Fay and Lumbard 2021): it leaves out 0 where p is below 0.05."
    )
    text += " Holm corrects p for the number of pairs; the words follow it." if corrected else ""
    return [*markdown(header, rows), "", text]


def _classes(comparison: Comparison) -> list[str]:
    per_class = [item.per_class for item in comparison.backbones.values()]
    numbers, note = list(range(len(per_class[0]))), []
    if many(numbers):
        left_out = f"{len(numbers) - WORST:,}"
        numbers = worst_first(per_class)[:WORST]
        note = [
            f"The {WORST} classes with the lowest F1, as the mean over the backbones; {left_out} "
            "are left out here: each backbone's `per_class.csv` has all.",
            "",
        ]
    table = markdown(
        ["class", "photos", *(f"F1 of {name}" for name in comparison.backbones)],
        [
            [scores[0].name, str(scores[0].photos), *(score_text(one.f1) for one in scores)]
            for scores in ([each[number] for each in per_class] for number in numbers)
        ],
    )
    return [*note, *table]


def _costs(comparison: Comparison) -> list[str]:
    header = ["backbone", "input", "parameters", "multiply-adds per photo", "weights file"]
    header += ["features per photo", "computed with", "handle", "licence"]
    return markdown(
        header,
        [
            [
                name,
                f"{item.resolution} px",
                f"{item.parameters / 1e6:.2f} M",
                f"{item.multiply_adds / 1e6:,.0f} M",
                f"{item.file_bytes / 1e6:.1f} MB",
                f"{item.features:,} ({item.feature_bytes:,} bytes)",
                f"{item.engine}, {item.precision}",
                item.handle,
                item.licence,
            ]
            for name, item in comparison.ranked.items()
        ],
    )
