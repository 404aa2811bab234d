"""The section of ``reports/comparison.md`` that puts tuned and frozen backbones side by side."""

from __future__ import annotations

from collections.abc import Mapping

from transfer_learning.evaluation.comparison import Comparison
from transfer_learning.evaluation.verdict import worth
from transfer_learning.evaluation.wording import hundredths, p_text, points
from transfer_learning.reports.markdown import markdown

NOTES = (
    "The same test photos, one by one; the difference and its interval are of test accuracy, and p "
    "is Holm's. Validation photos are not quite held out for a tuned backbone: their loss said "
    "after which epoch to stop. The test photos played no part. Each took the minutes that "
    "`reports/timings.md` has, on the machine where it ran (`finetune@…`, no result)."
)


def section(comparison: Comparison, tuned_from: Mapping[str, str]) -> list[str]:
    """Return the section's lines, for the tuned ones and the frozen ones they were tuned from."""
    rows = []
    for tuned, frozen in tuned_from.items():
        items = [comparison.backbones[name] for name in (frozen, tuned)]
        pair = next(pair for pair in comparison.pairs if pair.has(tuned) and pair.has(frozen))
        sign = 1 if pair.b == tuned else -1
        low, high = sorted(sign * end for end in pair.difference_95)
        rows.append(
            [
                tuned,
                frozen,
                *(hundredths(item.metrics.valid_accuracy) for item in items),
                *(hundredths(item.metrics.accuracy) for item in items),
                points(sign * pair.difference),
                f"{points(low)} to {points(high)}",
                p_text(pair.p_holm),
                f"[curves]({tuned}/tuning.png), [photos]({tuned}/augmentation.png)",
            ]
        )
    header = ["tuned", "from", "validation, %: frozen", "tuned", "test, %: frozen", "tuned"]
    header += ["tuned − frozen, points", "95 % interval", "p", "figures"]
    words = [
        worth(comparison.backbones, comparison.pairs, tuned, frozen)
        for tuned, frozen in tuned_from.items()
    ]
    return ["## Tuned and frozen", "", " ".join(words), "", *markdown(header, rows), "", NOTES, ""]
