"""Which competitor is selected, and by what: ``selected`` in ``params.yaml``."""

from __future__ import annotations

from dataclasses import dataclass

from transfer_learning.config.params import BEST
from transfer_learning.evaluation.comparison import Comparison, Competitor
from transfer_learning.evaluation.wording import percent


@dataclass(frozen=True)
class Choice:
    """A competitor's name, and why it is the one, in a sentence."""

    name: str
    reason: str


def choose(selected: str, comparison: Comparison) -> Choice:
    """Return the competitor that ``selected`` names, or the best on validation.

    The highest validation accuracy is best; of equals the lowest validation log loss, then the
    fewest multiply-adds, then the first name.  Test photos play no part.
    """
    if selected != BEST:
        return Choice(selected, "Named in params.yaml.")
    name = min(comparison.backbones, key=lambda name: (_key(comparison.backbones[name]), name))
    metrics = comparison.backbones[name].metrics
    return Choice(
        name,
        f"The best of {len(comparison.backbones)} by validation accuracy, "
        f"{percent(metrics.valid_accuracy)} (of equals, the lowest validation log loss: "
        f"{metrics.valid_log_loss:.3f}; then the fewest multiply-adds). The test photos played no "
        "part in the choice.",
    )


def _key(item: Competitor) -> tuple[float, float, int]:
    metrics = item.metrics
    return -metrics.valid_accuracy, metrics.valid_log_loss, item.multiply_adds
