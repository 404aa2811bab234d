"""Which competitor is selected, and by what: ``selected`` in ``params.yaml``."""

from __future__ import annotations

from dataclasses import dataclass

from transfer_learning.config.params import BEST
from transfer_learning.evaluation.comparison import Comparison
from transfer_learning.evaluation.verdict import best
from transfer_learning.evaluation.wording import percent


@dataclass(frozen=True)
class Choice:
    """A competitor's name, and why it is the one, in a sentence."""

    name: str
    reason: str


def choose(selected: str, comparison: Comparison) -> Choice:
    """Return the competitor that ``selected`` names, or the best on validation.

    Which that is, ``verdict.best`` says.
    """
    if selected != BEST:
        return Choice(selected, "Named in params.yaml.")
    name = best(comparison.backbones)
    chosen = comparison.backbones[name]
    metrics = chosen.metrics
    before = ", measured before its refit on them" * ("refitted" in chosen.head)
    return Choice(
        name,
        f"The best of {len(comparison.backbones)} by accuracy on the validation photos, "
        f"{percent(metrics.valid_accuracy)}{before} (of equals, the lowest validation log loss: "
        f"{metrics.valid_log_loss:.3f}; then the fewest multiply-adds). The test photos played no "
        "part in the choice.",
    )
