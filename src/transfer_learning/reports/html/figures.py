"""The figures on the page, each with what it shows in words for those who do not see it."""

from __future__ import annotations

import base64
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from transfer_learning.evaluation.calibration import temperature_text
from transfer_learning.evaluation.comparison import Comparison, Competitor
from transfer_learning.evaluation.metrics import Metrics
from transfer_learning.evaluation.predictions import ClassScore, Prediction
from transfer_learning.evaluation.wording import count, interval, percent
from transfer_learning.finetuning import history as tuning_history
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
EPOCHS = (
    "Where training still gets better and validation worse, the head learns the training photos by "
    "heart; where both still get better, more epochs may help."
)
STRENGTHS = (
    "From the left to the right the regularisation gets weaker: too strong and both are poor, too "
    "weak and the head learns the training photos by heart. The best for the validation photos is "
    "chosen."
)


@dataclass(frozen=True)
class Figure:
    """A picture as a data URI, its size in pixels, what it shows in words, and how to read it.

    ``leads_to`` is what a reader finds in the gallery with its controls set as in ``filter``.
    """

    source: str
    width: int
    height: int
    alt: str
    caption: str
    filter: dict[str, str] = field(default_factory=dict)
    leads_to: str = ""


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
    confident = "; ".join(f"{name}: {_confident(items)}" for name, items in predictions.items())
    figures = [
        _figure(
            reports / "comparison.png",
            f"Test accuracy with its 95 % interval: {accuracies}.",
            "Each line spans the accuracies that so few photos leave likely (95 %). To its right, "
            "the computation for one photo: shorter is cheaper.",
        ),
        _figure(
            reports / "per_class.png",
            f"F1 of {shown}, a bar for each backbone. {extremes}.",
            f"F1 of {shown}: 1 where all photos of a class, and no others, get its name. In "
            "brackets its test photos: of a few, a bar says little.",
        ),
        _figure(
            reports / "abstain.png",
            f"Accuracy on the photos kept when the least confident are set aside. {confident}.",
            "Read from right to left: of all photos so many are right, and so many of those that "
            "are left when the least confident ones are set aside, for a person to look at.",
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
                "The photos that get different answers, each with its confidence: ✓ is right, ✗ is "
                "wrong.",
                leads_to=f"All {differing} in the gallery" * (differing > 0),
                agreement="disagree",
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
    wrong = metrics.photos - metrics.right
    return [
        _figure(
            folder / "curves.png",
            _strengths(path) if path else _curves(history.read(folder / "history.csv")),
            STRENGTHS if path else EPOCHS,
        ),
        _figure(
            folder / "confusion.png",
            f"{confusion}. {_confusions(metrics, predictions)}",
            "Which classes are taken for which, the most frequent first."
            if many(backbone.per_class)
            else "A line for each true class, a column for each prediction: right is the diagonal, "
            "and a dark field beside it two classes that get mixed up.",
            leads_to="The wrong photos" * (wrong > 0),
            backbone=folder.name,
            result="wrong",
        ),
        _figure(
            folder / "reliability.png",
            "Reliability diagram, accuracy against confidence. Expected calibration error: "
            f"{metrics.ece:.3f} as trained, {metrics.ece_calibrated:.3f} with temperature "
            f"{temperature_text(metrics.temperature)}.",
            "Confidence means what it says on the dotted line; above it the backbone is more often "
            "right than it claims, below it less often. Left as trained, right with the "
            "temperature that the validation photos ask for.",
        ),
        _figure(
            folder / "predictions.png",
            f"The first {shown} with their predictions: {correct} right, "
            f"{len(grid) - correct} wrong.",
            f"The first {shown}, whatever they are: ✓ is right; ✗ is wrong, with the true class "
            "in brackets.",
        ),
        _figure(
            folder / "most_wrong.png",
            f"The most confident mistakes. {_boldest_mistake(predictions)}",
            "Confident and wrong: here wrong labels show, and classes that look alike.",
            leads_to=f"All {wrong} wrong photos, most confident first" * (wrong > 0),
            backbone=folder.name,
            result="wrong",
            order="confident",
        ),
    ]


def of_tuning(folder: Path) -> list[Figure]:
    """Return the figures of a backbone's tuning, from its reports."""
    epochs, kept = tuning_history.read(folder / "tuning.csv")
    return [
        _figure(
            folder / "tuning.png",
            f"Tuning over {count(len(epochs) - 1, 'epoch')}: validation accuracy from "
            f"{epochs[0].val_accuracy:.2f}, frozen, to {kept.val_accuracy:.2f} after epoch "
            f"{kept.epoch}, whose weights are kept; validation loss from {epochs[0].val_loss:.2f} "
            f"to {kept.val_loss:.2f}.",
            "Epoch 0 is the frozen backbone with its head. The weights after the epoch with the "
            "lowest validation loss are kept.",
        ),
        _figure(
            folder / "augmentation.png",
            "Training photos, a line for each, as the first epochs see them: cropped, mirrored and "
            "coloured anew each time.",
            "What the network saw: a photo should still show its class in every version. "
            "Validation and test photos are never changed.",
        ),
    ]


def examples(reports: Path) -> Figure:
    """Return the figure of training photos."""
    return _figure(
        reports / "examples.png",
        f"The first {EXAMPLES} training photos, each under the name of its class.",
        "The first training photos with their labels: do they show what they should?",
    )


def data_uri(encoded: bytes, kind: str) -> str:
    """Return an encoded image as its own address; ``kind`` is "png" or "webp"."""
    return f"data:image/{kind};base64,{base64.b64encode(encoded).decode()}"


def _figure(path: Path, alt: str, caption: str, *, leads_to: str = "", **controls: str) -> Figure:
    """Return the figure; ``leads_to`` is empty where nothing is to be found in the gallery."""
    encoded, kind = path.read_bytes(), "png"
    _expect_whole(path, encoded)
    with Image.open(io.BytesIO(encoded)) as image:
        width, height = image.size
        if len(encoded) > LARGE and max(width, height) <= WEBP_SIDE:
            smaller = io.BytesIO()
            image.convert("RGB").save(smaller, "webp", quality=85)
            encoded, kind = smaller.getvalue(), "webp"
    source = data_uri(encoded, kind)
    return Figure(source, width, height, alt, caption, controls if leads_to else {}, leads_to)


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


def _boldest_mistake(predictions: Sequence[Prediction]) -> str:
    wrong = [item for item in predictions if not item.correct]
    if not wrong:
        return "No test photo is wrong."
    worst = max(wrong, key=lambda item: max(item.probabilities))
    return (
        f"Of {count(len(wrong), 'wrong photo')} the most confident is {worst.id}: {worst.true}, "
        f"predicted {worst.predicted} with {percent(max(worst.probabilities))}."
    )


def _extremes(scores: Sequence[ClassScore]) -> str:
    ranked = sorted((item.f1, item.name) for item in scores if item.f1 is not None)
    (low, worst), (high, best) = ranked[0], ranked[-1]
    return f"lowest {worst} {low:.2f}, highest {best} {high:.2f}"


def _confident(predictions: Sequence[Prediction]) -> str:
    ranked = sorted(predictions, key=lambda item: -max(item.probabilities))
    half = ranked[: -(-len(ranked) // 2)]
    return f"{_accuracy(ranked)} on all, {_accuracy(half)} on the more confident half"


def _accuracy(predictions: Sequence[Prediction]) -> str:
    return percent(sum(item.correct for item in predictions) / len(predictions))
