"""The backbones side by side: how good each is, how sure that is, and what each costs."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from transfer_learning.extraction import ExtractionInfo
from transfer_learning.metrics import Metrics
from transfer_learning.packages import BackboneInfo
from transfer_learning.paired import Pair, p_text
from transfer_learning.tables import ClassScore, markdown

FLOAT32_BYTES = 4
FIGURES = {
    "comparison.png": "Accuracy of the backbones with its 95 % interval, and their cost",
    "per_class.png": "F1 of each backbone for each class",
    "disagreements.png": "Test photos that the backbones predict differently",
    "abstain.png": "Accuracy on the photos kept when the least sure predictions are set aside",
}


@dataclass(frozen=True)
class Row:
    """One backbone: what it is, how its features were computed, and how it did."""

    name: str
    backbone: BackboneInfo
    extraction: ExtractionInfo
    metrics: Metrics
    per_class: list[ClassScore]

    @property
    def feature_bytes(self) -> int:
        """The size of one photo's features in bytes."""
        return FLOAT32_BYTES * self.backbone.features


@dataclass(frozen=True)
class Comparison:
    """All backbones on the same test photos, and every two of them compared photo by photo."""

    rows: list[Row]
    pairs: list[Pair]
    synthetic: bool

    @property
    def ranked(self) -> list[Row]:
        """The backbones, the most accurate first, equals by name."""
        return sorted(self.rows, key=lambda row: (-row.metrics.right, row.name))

    def verdict(self) -> str:
        """Return in words which backbone is best, by how much, and how sure that is."""
        best, *others = self.ranked
        photos = "synthetic test photos" if self.synthetic else "test photos"
        accuracy = (
            f"{_percent(best.metrics.accuracy)} % (95 % {_interval(best.metrics)}; "
            f"{best.metrics.right} of {best.metrics.photos} {photos})"
        )
        if not others:
            return f"{best.name} has an accuracy of {accuracy}; there is no other to compare."
        first = [row.name for row in self.ranked if row.metrics.right == best.metrics.right]
        sentences = [
            f"{' and '.join(first)} {'have' if first[1:] else 'has'} the highest accuracy, "
            f"{accuracy}."
        ]
        versus = {pair.other(best.name): pair for pair in self.pairs if pair.has(best.name)}
        worse = [f"{name} by {pair.margin}" for name, pair in versus.items() if pair.differs]
        unsure = [
            f"{name} (p = {p_text(pair.p_holm)})"
            for name, pair in versus.items()
            if not pair.differs
        ]
        if worse:
            sentences.append(f"{best.name} is better than {', '.join(worse)}.")
        if unsure:
            sentences.append(
                f"There is no evidence of a difference between {best.name} and {', '.join(unsure)}."
            )
        return " ".join(sentences)

    def as_json(self) -> dict[str, Any]:
        """Return what ``comparison.json`` holds, floats rounded to six decimals."""
        return _rounded(
            {
                "synthetic": self.synthetic,
                "photos": self.rows[0].metrics.photos,
                "verdict": self.verdict(),
                "backbones": {row.name: _backbone(row) for row in self.rows},
                "pairs": [
                    dataclasses.asdict(pair) | {"verdict": pair.verdict} for pair in self.pairs
                ],
            }
        )

    def headline_metrics(self) -> dict[str, dict[str, float]]:
        """Return what ``backbones.json`` holds: the few metrics to see side by side in DVC."""
        return {
            row.name: {key: row.metrics.as_dict()[key] for key in ("accuracy", "log_loss")}
            for row in self.rows
        }

    def as_markdown(self) -> str:
        """Return ``comparison.md``: verdict, accuracies, pairs, classes, costs and figures."""
        note = "The photos are synthetic: drawn by this project, not photographed."
        figures = [line for name, alt in FIGURES.items() for line in (f"![{alt}]({name})", "")]
        lines = [
            "# Backbones side by side",
            "",
            *([note, ""] if self.synthetic else []),
            f"**{self.verdict()}**",
            "",
            "## How good",
            "",
            *self._accuracies(),
            "",
            "The interval is Wilson's. ECE is the expected calibration error in 15 bins; the last "
            "column has it after division of the logits by the temperature fitted on the "
            "validation photos.",
            "",
            *(["## Photo by photo", "", *self._pairs(), ""] if self.pairs else []),
            "## Class by class",
            "",
            *self._classes(),
            "",
            "## What each costs",
            "",
            *self._costs(),
            "",
            *figures,
        ]
        return "\n".join(lines)

    def _accuracies(self) -> list[str]:
        header = ["backbone", "test accuracy, %", "95 % interval", "right", "top-2 accuracy, %"]
        header += ["validation accuracy, %", "macro-F1", "log loss", "ECE", "temperature"]
        header += ["ECE after it"]
        return markdown(
            header,
            [
                [
                    row.name,
                    _percent(row.metrics.accuracy),
                    _interval(row.metrics),
                    f"{row.metrics.right} of {row.metrics.photos}",
                    _percent(row.metrics.top2_accuracy),
                    _percent(row.metrics.valid_accuracy),
                    f"{row.metrics.macro_f1:.3f}",
                    f"{row.metrics.log_loss:.3f}",
                    f"{row.metrics.ece:.3f}",
                    f"{row.metrics.temperature:.2f}",
                    f"{row.metrics.ece_calibrated:.3f}",
                ]
                for row in self.ranked
            ],
        )

    def _pairs(self) -> list[str]:
        corrected = len(self.pairs) > 1
        header = ["a", "b", "both right", "only a", "only b", "both wrong", "b − a, points"]
        header += ["95 % interval", "p", *(["p, Holm"] if corrected else []), "in words"]
        rows = [
            [
                pair.a,
                pair.b,
                *map(str, (pair.both_right, pair.only_a, pair.only_b, pair.both_wrong)),
                f"{100 * pair.difference:+.1f}",
                " to ".join(f"{100 * end:+.1f}" for end in pair.difference_95),
                p_text(pair.p_value),
                *([p_text(pair.p_holm)] if corrected else []),
                pair.verdict,
            ]
            for pair in self.pairs
        ]
        text = (
            "The p-value is the exact McNemar test's; the interval is a bootstrap over the photos"
        )
        text += ", not corrected; Holm corrects p for the number of pairs." if corrected else "."
        return [*markdown(header, rows), "", text]

    def _classes(self) -> list[str]:
        per_class = zip(*(row.per_class for row in self.rows), strict=True)
        return markdown(
            ["class", "photos", *(f"F1 of {row.name}" for row in self.rows)],
            [
                [scores[0].name, str(scores[0].photos), *(f"{score.f1:.3f}" for score in scores)]
                for scores in per_class
            ],
        )

    def _costs(self) -> list[str]:
        header = ["backbone", "input", "parameters", "multiply-adds per photo", "weights file"]
        header += ["features per photo", "computed with", "handle", "licence"]
        return markdown(
            header,
            [
                [
                    row.name,
                    f"{row.backbone.resolution} px",
                    f"{row.backbone.parameters / 1e6:.2f} M",
                    f"{row.backbone.multiply_adds / 1e6:,.0f} M",
                    f"{row.backbone.file_bytes / 1e6:.1f} MB",
                    f"{row.backbone.features:,} ({row.feature_bytes:,} bytes)",
                    f"{row.extraction.engine}, {row.extraction.precision}",
                    row.backbone.handle,
                    row.backbone.licence,
                ]
                for row in self.ranked
            ],
        )


def _backbone(row: Row) -> dict[str, Any]:
    return {
        "handle": row.backbone.handle,
        "resolution": row.backbone.resolution,
        "parameters": row.backbone.parameters,
        "features": row.backbone.features,
        "multiply_adds": row.backbone.multiply_adds,
        "file_bytes": row.backbone.file_bytes,
        "feature_bytes": row.feature_bytes,
        "engine": row.extraction.engine,
        "precision": row.extraction.precision,
        "licence": row.backbone.licence,
        "metrics": row.metrics.as_dict(),
        "accuracy_95": [row.metrics.accuracy_low, row.metrics.accuracy_high],
        "per_class": [
            {
                "class": score.name,
                "photos": score.photos,
                "precision": score.precision,
                "recall": score.recall,
                "f1": score.f1,
            }
            for score in row.per_class
        ],
    }


def _rounded(value: Any) -> Any:
    match value:
        case float():
            return round(value, 6)
        case dict():
            return {key: _rounded(item) for key, item in value.items()}
        case list() | tuple():
            return [_rounded(item) for item in value]
    return value


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _interval(metrics: Metrics) -> str:
    return f"{_percent(metrics.accuracy_low)} to {_percent(metrics.accuracy_high)}"
