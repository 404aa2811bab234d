"""``reports/learning_curve.md``: how many photos it takes, and what twice as many would bring."""

from __future__ import annotations

from collections.abc import Mapping

from transfer_learning.evaluation.learning_curve import DRAWS, Doubling, LearningCurve
from transfer_learning.evaluation.wording import hundredths, points
from transfer_learning.reports.markdown import markdown

TOO_FEW = (
    "The training photos are too few for subsets with photos of every class: there is no curve."
)


def page(
    curves: Mapping[str, LearningCurve],
    doublings: Mapping[str, Doubling],
    *,
    synthetic: bool,
    training: int,
) -> str:
    """Return the page as Markdown; ``training`` is how many training photos there are in all."""
    title = "# How many photos does it take?"
    if not curves:
        return f"{title}\n\n{TOO_FEW}\n"
    photos = next(iter(curves.values())).photos.tolist()
    sampled = photos[-1] < training
    return "\n".join(
        [
            title,
            "",
            *(["**Synthetic data: the photos are drawn by this project.**", ""] * synthetic),
            *(f"- {sentence(name, curves[name], item)}" for name, item in doublings.items()),
            "",
            f"Mean test accuracy in % of {DRAWS} draws, and its standard deviation over them, by "
            "number of training photos. Each draw's subsets are stratified, and each holds the "
            "smaller ones; all photos are the same ones in each draw."
            + sampled
            * f" Here they are a sample of the {training:,} training photos.",
            "",
            *markdown(
                ["competitor", *(f"{count:,}" for count in photos)],
                [
                    [
                        name,
                        *(
                            f"{hundredths(mean)} ± {hundredths(spread)}"
                            for mean, spread in zip(
                                curve.accuracies.mean(axis=0),
                                curve.accuracies.std(axis=0, ddof=1),
                                strict=True,
                            )
                        ),
                    ]
                    for name, curve in curves.items()
                ],
            ),
            "",
            "The heads are logistic, whatever `train.head` is, with the strength that validation "
            "chooses. The line is a power law of the error, a · photos^−b, fitted to the means. "
            "The interval is a bootstrap's over draws and test photos; it does not say whether the "
            "law goes on to hold.",
            "",
            "![Test accuracy by number of training photos](learning_curve.png)",
            "",
        ]
    )


def sentence(name: str, curve: LearningCurve, doubling: Doubling) -> str:
    """Return what twice the photos would bring."""
    low, high = doubling.gain_95
    count = int(curve.photos[-1])
    if not doubling.possible:
        return f"{name}: the photos are too few to say what {2 * count:,} for training would bring."
    return (
        f"{name}: {2 * count:,} training photos in place of {count:,} would bring about "
        f"{points(doubling.gain)} points (95 % {points(low)} to {points(high)}), to "
        f"{hundredths(doubling.twice)} %."
    )
