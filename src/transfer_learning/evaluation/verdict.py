"""The comparison in words: which backbone to use, how good it is, and what the others are worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
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


def verdict(
    candidates: Mapping[str, Candidate],
    pairs: Sequence[Pair],
    *,
    synthetic: bool,
    tuned_from: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Return a few sentences; the first says which to use.

    It is the best on validation, so that its test accuracy is not too high, as the highest of
    several on the same photos is on average.

    Args:
        candidates: by name, all measured on the same photos.
        pairs: every two of them (``significance.compare``).
        synthetic: whether the photos are drawn.
        tuned_from: the tuned ones, each with the frozen one's name that it was tuned from.
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
    sentences += [f"{chosen} was chosen by its accuracy on the validation photos."]
    sentences += [worth(candidates, pairs, tuned, frozen) for tuned, frozen in tuned_from.items()]
    return " ".join(sentences)


def worth(
    candidates: Mapping[str, Candidate], pairs: Sequence[Pair], tuned: str, frozen: str
) -> str:
    """Say whether tuning was worth it: whether the tuned one is better on the same test photos."""
    pair = next(pair for pair in pairs if pair.has(tuned) and pair.has(frozen))
    accuracy = {name: percent(candidates[name].metrics.accuracy) for name in (tuned, frozen)}
    if not pair.differs:
        return (
            f"Tuning {frozen} is not shown to be worth it: {accuracy[tuned]} as {tuned}, "
            f"{accuracy[frozen]} frozen (p = {p_text(pair.p_holm)})."
        )
    if candidates[tuned].metrics.right > candidates[frozen].metrics.right:
        return f"Tuning {frozen} was worth it: {tuned} is better by {pair.margin}."
    return f"Tuning {frozen} was not worth it: {tuned} is worse by {pair.margin}."


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
