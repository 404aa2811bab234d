"""``reports/resplit.md``: how much of a difference between competitors is the split."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from transfer_learning.evaluation.resplits import Difference, Resplits
from transfer_learning.evaluation.wording import hundredths, p_text, points, whole_percent
from transfer_learning.reports.markdown import markdown

LEVEL = 0.05
HEADER = (
    "competitor",
    "head",
    "mean test accuracy, %",
    "± standard error",
    "spread (SD)",
    "lowest to highest",
)


def page(
    result: Resplits, differences: list[Difference], heads: Mapping[str, str], *, synthetic: bool
) -> str:
    """Return the page as Markdown; ``heads`` says by competitor which kind its head is."""
    splits = len(next(iter(result.accuracies.values())))
    lines = [
        "# The same photos, split anew",
        "",
        *(["**Synthetic data: the photos are drawn by this project.**", ""] * synthetic),
        f"{splits} random stratified splits of all photos into {result.train:,} for training, "
        f"{result.valid:,} for validation and {result.test:,} for testing, from features that are "
        "there. The committed split is not among them.",
        "",
        *markdown(
            HEADER,
            [
                [
                    name,
                    heads[name],
                    hundredths(values.mean()),
                    hundredths(values.std(ddof=1) / np.sqrt(splits)),
                    hundredths(values.std(ddof=1)),
                    f"{hundredths(values.min())} to {hundredths(values.max())}",
                ]
                for name, values in result.accuracies.items()
            ],
        ),
        "",
    ]
    if not differences:
        return "\n".join(lines)
    rows = [
        [
            item.a,
            item.b,
            points(item.mean),
            whole_percent(item.a_better),
            whole_percent(item.b_better),
            p_text(item.p_value),
            _words(item),
        ]
        for item in differences
    ]
    header = ["a", "b", "b − a, points", "splits in which a is better", "in which b is"]
    lines += [
        *markdown([*header, "p", "in words"], rows),
        "",
        "p is the corrected resampled t-test's (Nadeau and Bengio 2003): the splits share photos, "
        "so their number alone proves little. It is not corrected for the number of pairs. The "
        "spread is what one split can be off by: it hides any smaller difference.",
        "",
    ]
    return "\n".join(lines)


def _words(item: Difference) -> str:
    if item.p_value > LEVEL:
        return "no evidence of a difference beyond the split"
    better = item.b if item.mean > 0 else item.a
    return f"{better} is better by {100 * abs(item.mean):.1f} points"
