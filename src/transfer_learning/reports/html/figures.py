"""The figures on the page, each with what it shows in words for those who do not see it."""

from __future__ import annotations

import base64
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from transfer_learning.evaluation.calibration import temperature_text
from transfer_learning.evaluation.comparison import Comparison, Competitor
from transfer_learning.evaluation.metrics import Metrics
from transfer_learning.evaluation.predictions import ClassScore, Prediction
from transfer_learning.evaluation.wording import count, interval, percent
from transfer_learning.heads import history, strengths
from transfer_learning.heads.history import Epoch
from transfer_learning.heads.strengths import Strength
from transfer_learning.reports.classes import WORST, many
from transfer_learning.reports.photo_grids import EXAMPLES
from transfer_learning.runtime.damage import damaged

# Bytes from which on a figure holds photos, which PNG packs badly.
LARGE = 80_000
# Pixels that a side of a WebP has at most (developers.google.com/speed/webp/faq).
WEBP_SIDE = 16_383


@dataclass(frozen=True)
class Figure:
    """A picture as a data URI, its size in pixels, what it shows in words, and its caption."""

    source: str
    width: int
    height: int
    alt: str
    caption: str


def across(
    reports: Path, comparison: Comparison, predictions: Mapping[str, Sequence[Prediction]]
) -> list[Figure]:
    """Return the figures across backbones.

    Args:
        reports: the folder of the figures.
        comparison: of the backbones.
        predictions: by backbone, all in one order of photos.
    """
    backbones = comparison.backbones
    accuracies = "; ".join(
        f"{name} {percent(item.metrics.accuracy)} ({interval(item.accuracy_95)} %)"
        for name, item in backbones.items()
    )
    extremes = "; ".join(f"{name}: {_extremes(item.per_class)}" for name, item in backbones.items())
    classes = next(iter(backbones.values())).per_class
    worst = many(classes)
    shown = f"the {WORST} worst of {len(classes):,} classes" if worst else "every class"
    surest = "; ".join(f"{name}: {_surest(items)}" for name, items in predictions.items())
    figures = [
        _figure(
            reports / "comparison.png",
            f"Test accuracy with its 95 % interval: {accuracies}.",
            "Accuracy with its 95 % interval, and cost",
        ),
        _figure(
            reports / "per_class.png",
            f"F1 of {shown}, a bar for each backbone. {extremes}.",
            f"F1 by class: {shown}" if worst else "F1 by class",
        ),
        _figure(
            reports / "abstain.png",
            f"Accuracy on the photos kept when the least sure are set aside. {surest}.",
            "Accuracy when the least sure photos are set aside",
        ),
    ]
    if len(backbones) > 1:
        answers = zip(*predictions.values(), strict=True)
        differing = sum(len({item.predicted for item in items}) > 1 for items in answers)
        figures.append(
            _figure(
                reports / "disagreements.png",
                "Photos on which the backbones disagree, with the prediction of each; they "
                f"disagree on {differing} of {comparison.photos} test photos.",
                f"Where the backbones disagree: {count(differing, 'test photo')}",
            )
        )
    return figures


def of_backbone(
    folder: Path,
    backbone: Competitor,
    predictions: Sequence[Prediction],
    grid: Sequence[Prediction],
) -> list[Figure]:
    """Return the figures of one backbone.

    Args:
        folder: its reports.
        backbone: what was measured of it.
        predictions: of all test photos.
        grid: those that its grid of predictions shows.
    """
    metrics = backbone.metrics
    shown = count(len(grid), "test photo")
    path = strengths.read(folder / "path.csv")
    confusion = "Most frequent mistakes" if many(backbone.per_class) else "Confusion matrix"
    correct = sum(item.correct for item in grid)
    return [
        _figure(
            folder / "curves.png",
            _strengths(path) if path else _curves(history.read(folder / "history.csv")),
            f"Accuracy and loss by {'strength of the regularisation' if path else 'epoch'}",
        ),
        _figure(
            folder / "confusion.png",
            f"{confusion}. {_confusions(metrics, predictions)}",
            confusion,
        ),
        _figure(
            folder / "reliability.png",
            "Reliability diagram, accuracy against confidence. Expected calibration error: "
            f"{metrics.ece:.3f} as trained, {metrics.ece_calibrated:.3f} with temperature "
            f"{temperature_text(metrics.temperature)}.",
            "Reliability, before and after temperature",
        ),
        _figure(
            folder / "predictions.png",
            f"The first {shown} with their predictions: {correct} right, "
            f"{len(grid) - correct} wrong.",
            f"Predictions for the first {shown}",
        ),
        _figure(
            folder / "most_wrong.png",
            f"The most confidently wrong test photos. {_surest_mistake(predictions)}",
            "Most confidently wrong",
        ),
    ]


def examples(reports: Path) -> Figure:
    """Return the figure of training photos."""
    return _figure(
        reports / "examples.png",
        f"The first {EXAMPLES} training photos, each under the name of its class.",
        "Training photos",
    )


def data_uri(encoded: bytes, kind: str) -> str:
    """Return an encoded image as its own address; ``kind`` is "png" or "webp"."""
    return f"data:image/{kind};base64,{base64.b64encode(encoded).decode()}"


def _figure(path: Path, alt: str, caption: str) -> Figure:
    encoded, kind = path.read_bytes(), "png"
    _expect_whole(path, encoded)
    with Image.open(io.BytesIO(encoded)) as image:
        width, height = image.size
        if len(encoded) > LARGE and max(width, height) <= WEBP_SIDE:
            smaller = io.BytesIO()
            image.convert("RGB").save(smaller, "webp", quality=85)
            encoded, kind = smaller.getvalue(), "webp"
    return Figure(data_uri(encoded, kind), width, height, alt, caption)


def _expect_whole(path: Path, encoded: bytes) -> None:
    """Compare a PNG's checksums; raise the UserError that names the file where it is damaged."""
    try:
        Image.open(io.BytesIO(encoded)).verify()
    # Damaged bytes raise nearly anything: Pillow's errors are OSErrors, SyntaxErrors and others.
    except Exception as error:
        raise damaged(path, str(error)) from None


def _curves(epochs: Sequence[Epoch]) -> str:
    first, last = epochs[0], epochs[-1]
    return (
        f"Learning curves over {count(len(epochs), 'epoch')}: "
        f"training accuracy from {first.accuracy:.2f} to {last.accuracy:.2f}, "
        f"validation accuracy from {first.val_accuracy:.2f} to {last.val_accuracy:.2f}, "
        f"training loss from {first.loss:.2f} to {last.loss:.2f}, "
        f"validation loss from {first.val_loss:.2f} to {last.val_loss:.2f}."
    )


def _strengths(path: Sequence[Strength]) -> str:
    best = strengths.chosen(path)
    return (
        f"Accuracy and loss over {count(len(path), 'strength')} of regularisation from "
        f"{path[0].strength:g} to {path[-1].strength:g}: chosen is {best.strength:g}, with "
        f"validation accuracy {best.val_accuracy:.2f} and validation loss {best.val_loss:.2f}; "
        f"training accuracy {best.accuracy:.2f}, training loss {best.loss:.2f}."
    )


def _confusions(metrics: Metrics, predictions: Sequence[Prediction]) -> str:
    words = f"{metrics.right} of {metrics.photos} test photos are right."
    mistakes = Counter((item.true, item.predicted) for item in predictions if not item.correct)
    if mistakes:
        (true, predicted), times = mistakes.most_common(1)[0]
        words += f" Most frequent mistake: {true} taken for {predicted}, {count(times, 'time')}."
    return words


def _surest_mistake(predictions: Sequence[Prediction]) -> str:
    wrong = [item for item in predictions if not item.correct]
    if not wrong:
        return "No test photo is wrong."
    worst = max(wrong, key=lambda item: max(item.probabilities))
    return (
        f"Of {count(len(wrong), 'wrong photo')} the surest is {worst.id}: {worst.true}, "
        f"predicted {worst.predicted} with {percent(max(worst.probabilities))}."
    )


def _extremes(scores: Sequence[ClassScore]) -> str:
    ranked = sorted((item for item in scores if item.photos), key=lambda item: item.f1)
    low, high = ranked[0], ranked[-1]
    return f"lowest {low.name} {low.f1:.2f}, highest {high.name} {high.f1:.2f}"


def _surest(predictions: Sequence[Prediction]) -> str:
    ranked = sorted(predictions, key=lambda item: -max(item.probabilities))
    half = ranked[: -(-len(ranked) // 2)]
    return f"{_accuracy(ranked)} on all, {_accuracy(half)} on the surer half"


def _accuracy(predictions: Sequence[Prediction]) -> str:
    return percent(sum(item.correct for item in predictions) / len(predictions))
