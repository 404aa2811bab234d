"""The comparison in words: which backbone to use, how good it is, and what the others are worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from transfer_learning.evaluation.metrics import Metrics
from transfer_learning.evaluation.significance import Pair
from transfer_learning.evaluation.wording import count, hundredths, p_text, percent, ratio

# Test photos below which the interval of an accuracy is 35 points wide and more.
TOO_FEW = 30


class Candidate(Protocol):
    """What the choice is made by."""

    @property
    def metrics(self) -> Metrics:
        """What was measured of it."""

    @property
    def multiply_adds(self) -> int:
        """Of one photo; 0 where not known."""


def best(candidates: Mapping[str, Candidate]) -> str:
    """Return the name of the best on validation; test photos play no part.

    The highest validation accuracy is best; of equals the lowest validation log loss, then the
    fewest multiply-adds, then the first name.
    """

    def key(name: str) -> tuple[float, float, int, str]:
        item = candidates[name]
        metrics = item.metrics
        return -metrics.valid_accuracy, metrics.valid_log_loss, item.multiply_adds, name

    return min(candidates, key=key)


def verdict(candidates: Mapping[str, Candidate], pairs: Sequence[Pair], *, synthetic: bool) -> str:
    """Return a few sentences; the first says which to use.

    It is the best on validation, so that its test accuracy is not too high, as the highest of
    several on the same photos is on average.

    Args:
        candidates: by name, all measured on the same photos.
        pairs: every two of them (``significance.compare``).
        synthetic: whether the photos are drawn.
    """
    chosen = best(candidates)
    metrics = candidates[chosen].metrics
    few = " for now: the test photos are too few to tell" * (metrics.photos < TOO_FEW)
    photos = count(metrics.photos, "synthetic " * synthetic + "test photo")
    likely = f"{hundredths(metrics.accuracy_low)}–{percent(metrics.accuracy_high)}"
    sentences = [
        f"Use {chosen}{few}.",
        f"Right on {percent(metrics.accuracy)} of {photos} (likely {likely}).",
    ]
    if len(candidates) == 1:
        return " ".join([*sentences, "There is no other to compare."])
    with_chosen = {pair.other(chosen): pair for pair in pairs if pair.has(chosen)}
    others = sorted(with_chosen, key=lambda name: (-candidates[name].metrics.right, name))
    sentences += [
        _other(name, candidates[name], with_chosen[name], chosen=candidates[chosen])
        for name in others
    ]
    return " ".join([*sentences, f"{chosen} was chosen by its accuracy on the validation photos."])


def _other(name: str, item: Candidate, pair: Pair, *, chosen: Candidate) -> str:
    """Say what one costs beside the chosen one, and how it compares with it."""
    known = item.multiply_adds and chosen.multiply_adds
    costs = f"needs {ratio(item.multiply_adds / chosen.multiply_adds)} computation" if known else ""
    accuracy = percent(item.metrics.accuracy)
    cheaper = known and item.multiply_adds < chosen.multiply_adds
    if pair.differs:
        more = item.metrics.right > chosen.metrics.right
        words = f"is {'better' if more else 'worse'} on the test photos by {pair.margin}"
    elif cheaper:
        words = f"is not shown to be worse ({accuracy}, p = {p_text(pair.p_holm)})"
    else:
        words = f"is no better ({accuracy}, p = {p_text(pair.p_holm)})"
    # What speaks for it comes first.
    told = [costs, words] if cheaper else [words, costs]
    return f"{name} {' and '.join(filter(None, told))}."
