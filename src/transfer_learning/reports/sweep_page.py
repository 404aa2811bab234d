"""``reports/sweep.md``: the heads that were tried, and the command that builds the best of them."""

from __future__ import annotations

from collections.abc import Sequence

from transfer_learning.evaluation.sweep import Tried
from transfer_learning.evaluation.wording import count, hundredths, listed, percent
from transfer_learning.reports.markdown import markdown

SHOWN = 10
HEADER = ("competitor", "head", "settings", "validation accuracy, %", "validation log loss")


def page(ranked: Sequence[Tried], command: str, *, photos: int, synthetic: bool) -> str:
    """Return the page as Markdown.

    Args:
        ranked: the heads, the best first.
        command: builds the best.
        photos: how many validation photos there are.
        synthetic: whether the photos are drawn.
    """
    competitors = list(dict.fromkeys(item.competitor for item in ranked))
    return "\n".join(
        [
            "# Heads tried",
            "",
            *(["**Synthetic data: the photos are drawn by this project.**", ""] * synthetic),
            f"{count(len(ranked), 'head')} on the cached features of {listed(competitors)}.",
            "",
            found(ranked, f"\n```sh\n{command}\n```\n", photos=photos),
            "",
            f"The best {min(SHOWN, len(ranked))}, by validation accuracy, then validation log "
            "loss, then multiply-adds:",
            "",
            *markdown(
                HEADER,
                [
                    [
                        item.competitor,
                        item.head,
                        described(item),
                        hundredths(item.valid_accuracy),
                        f"{item.valid_log_loss:.4f}",
                    ]
                    for item in ranked[:SHOWN]
                ],
            ),
            "",
            "![Validation accuracy by settings](sweep.png)",
            "",
        ]
    )


def found(ranked: Sequence[Tried], command: str, *, photos: int) -> str:
    """Return what the best is, how to build it, and how much to believe."""
    first, *others = ranked
    equals = sum(item.valid_accuracy == first.valid_accuracy for item in others)
    also = f" ({count(equals, 'other')} as accurate, with a higher log loss)" * bool(equals)
    folder = f"data/models/{first.competitor}"
    return "\n".join(
        [
            f"Best on validation: {first.competitor}, {first.head}, {described(first)}: "
            f"{percent(first.valid_accuracy)} of {photos:,} photos, log loss "
            f"{first.valid_log_loss:.4f}{also}.",
            f"This builds the same head, bit by bit, and measures it on the test photos: {command}",
            f"({folder}/head.npz will have the sha256 {first.sha256})",
            f"The best of {len(ranked):,} on the same photos looks better than it is: no test "
            "photo played a part, so the test accuracy is the one to believe.",
        ]
    )


def described(item: Tried) -> str:
    """Return a head's settings in words."""
    if item.head == "logistic":
        words = "strength chosen on validation"
        if item.strength is not None:
            words = f"strength {item.strength:g}"
        return words + ", refitted" * item.refit
    return (
        f"learning rate {item.learning_rate:g}, dropout {item.dropout:g}, "
        f"{count(item.epochs or 0, 'epoch')}, seed {item.seed}"
    )
