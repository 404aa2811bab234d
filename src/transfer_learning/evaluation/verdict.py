"""The comparison in words: which backbone is most accurate, how sure that is, how to choose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from math import sqrt
from statistics import NormalDist

from transfer_learning.evaluation.metrics import Metrics
from transfer_learning.evaluation.significance import Pair
from transfer_learning.evaluation.wording import interval, listed, p_text, percent


def verdict(metrics: Mapping[str, Metrics], pairs: Sequence[Pair], *, synthetic: bool) -> str:
    """Return a few sentences.

    Args:
        metrics: each backbone's, all measured on the same photos.
        pairs: every two of them (``significance.compare``).
        synthetic: whether the photos are drawn.
    """
    most = max(item.right for item in metrics.values())
    leaders = sorted(name for name, item in metrics.items() if item.right == most)
    best = metrics[leaders[0]]
    photos = "synthetic test photos" if synthetic else "test photos"
    accuracy = (
        f"{percent(best.accuracy)} (95 % {interval((best.accuracy_low, best.accuracy_high))}; "
        f"{best.right} of {best.photos} {photos})"
    )
    if len(metrics) == 1:
        return f"{leaders[0]} has an accuracy of {accuracy}; there is no other to compare."
    have = "have" if len(leaders) > 1 else "has"
    sentences = [f"{listed(leaders)} {have} the highest test accuracy, {accuracy}."]
    followers = [name for name in metrics if name not in leaders]
    by_names = {frozenset((pair.a, pair.b)): pair for pair in pairs}
    # Every leader against every follower, so that the names' order decides nothing.
    versus = [
        (leader, follower, by_names[frozenset((leader, follower))])
        for leader, follower in product(leaders, followers)
        if frozenset((leader, follower)) in by_names
    ]
    for leader in leaders:
        worse = [f"{b} by {pair.margin}" for a, b, pair in versus if a == leader and pair.differs]
        if worse:
            sentences.append(f"{leader} is better than {listed(worse)}.")
    unsure = [
        f"{a} and {b} (p = {p_text(pair.p_holm)})" for a, b, pair in versus if not pair.differs
    ]
    if unsure:
        sentences.append(f"There is no evidence of a difference between {'; '.join(unsure)}.")
    return " ".join([*sentences, _how_to_choose(metrics, best)])


def _how_to_choose(metrics: Mapping[str, Metrics], best: Metrics) -> str:
    highest = max(item.valid_accuracy for item in metrics.values())
    leaders = sorted(name for name, item in metrics.items() if item.valid_accuracy == highest)
    return (
        f"The highest of {len(metrics)} accuracies on the same photos is too high on average, by "
        f"up to about {100 * selection_bias(best.accuracy, best.photos, len(metrics)):.1f} points "
        f"where they are equally good: choose by validation accuracy, in which {listed(leaders)} "
        f"{'lead' if len(leaders) > 1 else 'leads'} with {percent(highest)}."
    )


def selection_bias(accuracy: float, photos: int, count: int) -> float:
    """Return by how much the highest of ``count`` equal, independent accuracies is too high.

    The standard error of one, times the expected largest of ``count`` standard normal values
    (Blom 1958, "Statistical Estimates and Transformed Beta-Variables": Φ⁻¹((n − 3/8) / (n + 1/4)),
    within 5 %).  Backbones that are right on the same photos have a smaller bias.
    """
    largest = NormalDist().inv_cdf((count - 0.375) / (count + 0.25))
    return largest * sqrt(accuracy * (1 - accuracy) / photos)
