"""``reports/B/chapter.md``: what the chapter's notebook prints, for one backbone of this run.

Written from the pipeline's files; docs/chapter.md says where each listing of the chapter is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from transfer_learning.backbones.artifact import BackboneInfo
from transfer_learning.config.params import Preprocess, Train
from transfer_learning.features.features import Features
from transfer_learning.heads.head import Head
from transfer_learning.heads.history import Epoch
from transfer_learning.heads.strengths import Strength
from transfer_learning.photos.dataset import SPLITS, DatasetInfo

WIDTH = 100
# As many classes and logits are printed; of more logits, NumPy prints the first and the last.
LISTED = 50


def page(
    name: str,
    *,
    data: DatasetInfo,
    backbone: BackboneInfo,
    head: Head,
    test: Features,
    history: Sequence[Epoch],
    strengths: Sequence[Strength],
    preprocess: Preprocess,
    train: Train,
) -> str:
    """Return the page as Markdown.

    Args:
        name: the backbone's name in ``params.yaml``.
        data: of the photos.
        backbone: of the pretrained network.
        head: as trained on it.
        test: the test photos' features, in the data set's order.
        history: the epochs of its training; none where it is logistic.
        strengths: that were tried for it; none where it is dense.
        preprocess: the section of ``params.yaml`` that the photos went through.
        train: the section of ``params.yaml`` that the head was trained with.
    """
    return "\n".join(
        [
            f"# The chapter, step by step: {name}",
            "",
            *(["**Synthetic data: the photos are drawn by this project.**", ""] * data.synthetic),
            "What the chapter's notebook prints, from this run.",
            "",
            *_environment(),
            *_data(data),
            *_input_pipeline(data, backbone, preprocess, train),
            *_model(name, backbone, head, train),
            *(_fitting(strengths, train) if strengths else _training(history)),
            *_predictions(head, test, train.batch_size),
            "The backbones side by side: [comparison.md](../comparison.md).",
            "",
        ]
    )


def _printed(lines: Iterable[str]) -> list[str]:
    """Quote the lines as they are; none begins with a text of the user's, which might end it."""
    return ["```text", *lines, "```", ""]


def _environment() -> list[str]:
    return [
        "## TensorFlow and the device",
        "",
        *_printed(
            [f"TensorFlow {_version('tensorflow', 'tensorflow-cpu')}", f"Keras {_version('keras')}"]
        ),
        "As installed where this page was made. The GPU, or the processor where there is none, is",
        "no result: `reports/timings.md` names it, on the machine that ran the stages.",
        "",
    ]


def _version(*distributions: str) -> str:
    for distribution in distributions:
        try:
            return version(distribution)
        except PackageNotFoundError:
            continue
    return "not installed"


def _data(data: DatasetInfo) -> list[str]:
    first = data.photos.of_split("train")[:5]
    return [
        "## The data set",
        "",
        *_printed(
            [
                f"source: {data.source}",
                f"photos: {data.found} found, {len(data.rejected)} of them rejected",
                *(f"{key}: {_one_line(value)}" for key, value in data.about.items()),
            ]
        ),
        "## The splits, as declared and as counted (Listing 6-1)",
        "",
        *_printed(
            f"{split:<6} {data.splits[split].slice:<16} declared {data.splits[split].declared:>6}  "
            f"counted {data.splits[split].counted:>6}"
            for split in SPLITS
        ),
        "## The classes",
        "",
        *_printed(
            [
                f"{len(data.classes)} classes",
                *(f"{label}: {_quoted(item)}" for label, item in enumerate(data.classes[:LISTED])),
                *([f"and {more:,} more"] if (more := len(data.classes) - LISTED) > 0 else []),
            ]
        ),
        "## The first training photos",
        "",
        *_printed(
            f"{(photo.height, photo.width, 3)!s:<18} {_quoted(data.classes[photo.label])}, "
            f"{_quoted(photo.id)}"
            for photo in first
        ),
        "![Training photos with their labels](../examples.png)",
        "",
    ]


def _input_pipeline(
    data: DatasetInfo, backbone: BackboneInfo, preprocess: Preprocess, train: Train
) -> list[str]:
    photos = data.splits["train"].counted
    size = f"{backbone.resolution} × {backbone.resolution}"
    antialias = "with" if preprocess.antialias else "without"
    batches = -(-photos // train.batch_size)
    return [
        "## From photos to batches",
        "",
        "| | in the chapter | here |",
        "|---|---|---|",
        f"| resize | to {size}, in each epoch | to {size} once, {preprocess.method} "
        f"{antialias} antialias, rounded to whole levels (uint8) |",
        "| scaling | ÷ 255, to [0, 1] | the same, as float32, on the way into the network |",
        f"| shuffle | in a buffer of n_train // 4 = {photos // 4} photos | all {photos} photos "
        "anew in each epoch |",
        f"| batch | 367 | {train.batch_size}, {batches} in an epoch |",
        "| prefetch | batches of photos, in each epoch | batches of photos on their one way "
        "through the network; the features then lie in memory |",
        "| extractor | frozen, inside the model, in each epoch | frozen, once for each photo; "
        "the same arithmetic, as Dropout comes after it |",
        f"| seeds | set before the model is built | {train.seed} for Python, NumPy and TensorFlow, "
        "and TensorFlow's deterministic operations |",
        "",
    ]


def _model(name: str, backbone: BackboneInfo, head: Head, train: Train) -> list[str]:
    features, classes = head.kernel.shape
    frozen, trained = backbone.parameters, head.kernel.size + head.bias.size
    dense = train.head_of(name) == "dense"
    rows = [
        ("extractor (frozen)", features, frozen),
        *([("dropout (Dropout)", features, 0)] if dense else []),
        ("logits (Dense)", classes, trained),
    ]
    if dense:
        compiled = [
            f"Dropout's rate is {train.dropout:g}. Compiled with Adam at "
            f"{train.learning_rate:g} and",
            "sparse categorical cross-entropy on the logits.",
        ]
    else:
        compiled = [
            "Not the chapter's training: the logits are those of a logistic regression.",
            "Batches, epochs, Dropout and seeds have no part in it.",
        ]
    return [
        "## The model",
        "",
        *_printed(
            [
                f'Model: "{name}"',
                "_" * 64,
                f"{'Layer (type)':<28}{'Output shape':<20}{'Param #':>16}",
                "=" * 64,
                *(
                    f"{layer:<28}{f'(None, {width})':<20}{count:>16,}"
                    for layer, width, count in rows
                ),
                "=" * 64,
                f"Total params: {frozen + trained:,}",
                f"Trainable params: {trained:,}",
                f"Non-trainable params: {frozen:,}",
                "",
                f"extractor: {_one_line(backbone.handle)}",
            ]
        ),
        *compiled,
        "",
    ]


def _training(history: Sequence[Epoch]) -> list[str]:
    return [
        "## Training (curves: Listings 6-2 and 6-4)",
        "",
        *_printed(
            f"Epoch {item.epoch}/{len(history)} - loss: {item.loss:.4f} "
            f"- accuracy: {item.accuracy:.4f} - val_loss: {item.val_loss:.4f} "
            f"- val_accuracy: {item.val_accuracy:.4f}"
            for item in history
        ),
        "![Accuracy and loss by epoch](curves.png)",
        "",
    ]


def _fitting(strengths: Sequence[Strength], train: Train) -> list[str]:
    refitted = ["It was then refitted on training and validation photos together.", ""]
    return [
        "## Training: the path of strengths",
        "",
        *_printed(
            f"strength {item.strength:<10g} - loss: {item.loss:.4f} "
            f"- accuracy: {item.accuracy:.4f} - val_loss: {item.val_loss:.4f} "
            f"- val_accuracy: {item.val_accuracy:.4f}{' - chosen' * item.chosen}"
            for item in strengths
        ),
        *(refitted * train.refit),
        "![Accuracy and loss by strength](curves.png)",
        "",
    ]


def _predictions(head: Head, test: Features, batch_size: int) -> list[str]:
    labels = test.labels[:batch_size]
    logits = head.logits(test.features[:batch_size])
    predicted = logits.argmax(axis=1)
    first, correct = int(predicted[0]), int((predicted == labels).sum())
    return [
        "## The first test photo's prediction",
        "",
        *_printed(
            [
                "logits: "
                + np.array2string(logits[0], precision=4, floatmode="fixed", threshold=LISTED),
                f"arg max: {first}",
                f"class: {_quoted(head.classes[first])}",
                f"true label: {labels[0]}, {_quoted(head.classes[labels[0]])}",
            ]
        ),
        f"## The first batch of test photos: {correct} of {len(labels)} right",
        "",
        *_printed(
            [
                "labels:",
                _array(labels),
                "named labels:",
                _array(head.classes[labels]),
                "predictions:",
                _array(predicted),
                "named predictions:",
                _array(head.classes[predicted]),
            ]
        ),
        "## 30 test photos (Listings 6-3 and 6-5)",
        "",
        "![30 test photos with their predictions](predictions.png)",
        "",
    ]


def _array(values: np.ndarray) -> str:
    # Every value, where NumPy would print an ellipsis.
    return np.array2string(values, max_line_width=WIDTH, threshold=len(values) + 1)


def _quoted(text: str) -> str:
    """Quote a name, which may hold anything, on one line, as an array of names does."""
    return repr(str(text))


def _one_line(text: str) -> str:
    return " ".join(text.split())
