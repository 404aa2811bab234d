"""The backbones side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from scipy.stats import binomtest

from transfer_learning.evaluation import Metrics
from transfer_learning.packages import BackboneInfo


@dataclass(frozen=True)
class Row:
    """One backbone: what it is and how it did."""

    name: str
    backbone: BackboneInfo
    metrics: Metrics

    def accuracy_interval(self) -> tuple[float, float]:
        """Return the 95 % interval of the test accuracy (Wilson 1927, through scipy)."""
        result = binomtest(self.metrics.right, self.metrics.photos)
        interval = result.proportion_ci(confidence_level=0.95, method="wilson")
        return float(interval.low), float(interval.high)


def as_json(rows: list[Row], *, synthetic: bool) -> dict[str, Any]:
    """Return what ``comparison.json`` holds: per backbone its description and metrics."""
    backbones = {}
    for row in rows:
        low, high = row.accuracy_interval()
        backbones[row.name] = {
            "handle": row.backbone.handle,
            "resolution": row.backbone.resolution,
            "parameters": row.backbone.parameters,
            "features": row.backbone.features,
            "metrics": row.metrics.as_dict(),
            "accuracy_95": [round(low, 6), round(high, 6)],
        }
    return {"synthetic": synthetic, "backbones": backbones}


def as_markdown(rows: list[Row], *, synthetic: bool) -> str:
    """Return ``comparison.md``: a table with one line per backbone, best accuracy first."""
    lines = [
        "# Backbones side by side",
        "",
        *(["The photos are synthetic: drawn by this project, not photographed.", ""] * synthetic),
        "| backbone | test accuracy | 95 % interval | right / photos | macro-F1 "
        "| validation accuracy | input | parameters | features |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in sorted(rows, key=lambda row: (-row.metrics.accuracy, row.name)):
        metrics, backbone = row.metrics, row.backbone
        low, high = row.accuracy_interval()
        lines.append(
            f"| {row.name} | {metrics.accuracy:.3f} | {low:.3f} to {high:.3f} "
            f"| {metrics.right} / {metrics.photos} | {metrics.macro_f1:.3f} "
            f"| {metrics.valid_accuracy:.3f} | {backbone.resolution} px "
            f"| {backbone.parameters:,} | {backbone.features:,} |"
        )
    lines += [
        "",
        "The interval is Wilson's, for the accuracy on photos like these. Backbones whose "
        "intervals overlap widely are not told apart by it.",
        "",
    ]
    return "\n".join(lines)
