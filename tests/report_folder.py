"""What stage report reads, as the stages before it leave it: small, of made-up answers."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from competitors import competitor
from PIL import Image

from transfer_learning.config.params import Params
from transfer_learning.evaluation import significance
from transfer_learning.evaluation.comparison import Comparison, Competitor, compare
from transfer_learning.evaluation.metrics import Metrics
from transfer_learning.evaluation.neighbours import Neighbours
from transfer_learning.evaluation.predictions import ClassScore, Prediction, write_predictions
from transfer_learning.heads import history, strengths
from transfer_learning.heads.history import Epoch
from transfer_learning.heads.strengths import Strength
from transfer_learning.photos.dataset import (
    Correction,
    DatasetInfo,
    Grouping,
    PhotoEntry,
    Rejected,
    SplitSummary,
    split_counts,
)
from transfer_learning.quality.findings import Findings, Odd, Outlier, Pair, Shown, Suspect
from transfer_learning.reports.html.photos import Pictures
from transfer_learning.reports.html.quality import Section, section

CLASSES = ("daisy", "roses", "tulips")
BACKBONES = ("small", "large")
# Number of the true class, then (predicted class, its probability) of small and of large.
# Wrong: small 3 (photos 2, 3, 7), large 2 (3, 6); they disagree on 2, 6 and 7.
PHOTOS = (
    (0, (0, 0.90), (0, 0.99)),
    (0, (0, 0.60), (0, 0.70)),
    (0, (1, 0.55), (0, 0.65)),
    (0, (1, 0.95), (1, 0.50)),
    (1, (1, 0.80), (1, 0.85)),
    (1, (1, 0.70), (1, 0.95)),
    (1, (1, 0.65), (2, 0.60)),
    (2, (0, 0.50), (2, 0.90)),
)


@dataclass(frozen=True)
class Inputs:
    """The arguments of ``page.html``."""

    params: Params
    data: DatasetInfo
    comparison: Comparison
    pictures: Pictures
    neighbours: Neighbours
    quality: Section
    reports: Path


def build(
    folder: Path,
    *,
    classes: Sequence[str] = CLASSES,
    backbones: Sequence[str] = BACKBONES,
    copies: int = 1,
    source: str = "folder",
    suffix: str = ".jpg",
    rejected: tuple[Rejected, ...] = (),
    about: dict[str, str] | None = None,
    credits: dict[str, str] | None = None,
    verdict: str | None = None,
    path: Sequence[Strength] = (),
    warnings: tuple[str, ...] = (),
) -> Inputs:
    """Write ``reports/`` into the folder and return what belongs to it.

    ``copies`` repeats the eight test photos.  Photo n is called CLASS/n.jpg.  A ``verdict`` that is
    given stands in place of the comparison's own; a ``path`` makes the heads logistic.
    """
    rows = PHOTOS * copies
    ids = [f"{classes[true]}/{number}{suffix}" for number, (true, *_) in enumerate(rows)]
    test = tuple(
        PhotoEntry(id, row[0], "test", 320, 240) for id, row in zip(ids, rows, strict=True)
    )
    train = tuple(
        PhotoEntry(f"train/{number}.jpg", number % 3, "train", 500, 333) for number in range(20)
    )
    data = DatasetInfo(
        source=source,
        synthetic=source == "rendered",
        classes=tuple(classes),
        found=len(test) + len(train) + len(rejected),
        splits={
            "train": SplitSummary("train[25%:]", 20, 20, _by_class(train, classes)),
            "valid": SplitSummary("train[10%:25%]", 0, 0, _by_class((), classes)),
            "test": SplitSummary("train[:10%]", len(test), len(test), _by_class(test, classes)),
        },
        rejected=rejected,
        photos=train + test,
        about=about or {},
        credits=credits or {},
        warnings=warnings,
    )
    reports = folder / "reports"
    competitors, predictions = {}, {}
    for number, name in enumerate(backbones):
        answers = [row[1 + number % 2] for row in rows]
        predictions[name] = [
            Prediction(
                id, classes[row[0]], classes[answer[0]], probabilities(*answer, len(classes))
            )
            for id, row, answer in zip(ids, rows, answers, strict=True)
        ]
        competitors[name] = _competitor(name, predictions[name], classes)
        for figure in ("curves", "predictions", "confusion", "reliability", "most_wrong"):
            _png(reports / name / f"{figure}.png")
        history.write(
            reports / name / "history.csv",
            [Epoch(1, 0.5, 0.6, 1.5, 1.25), Epoch(2, 0.8, 0.7, 0.5, 0.75)],
        )
        strengths.write(reports / name / "path.csv", path)
        write_predictions(reports / name / "predictions.csv", predictions[name], classes)
    for figure in ("comparison", "per_class", "abstain", "disagreements", "examples"):
        _png(reports / f"{figure}.png")
    comparison = compare(competitors, significance.compare(predictions), synthetic=data.synthetic)
    if verdict is not None:
        comparison = replace(comparison, verdict=verdict)
    pictures = Pictures(
        test={id: thumbnail(number) for number, id in enumerate(ids)},
        training={photo.id: thumbnail(n, side=64) for n, photo in enumerate(train)},
    )
    found = neighbours(ids, [photo.id for photo in train])
    quality = section(findings(data), pictures.test)
    return Inputs(params(source, backbones), data, comparison, pictures, found, quality, reports)


def findings(data: DatasetInfo) -> Findings:
    """Of each kind one, about the first test photos; the last one was relabelled."""
    test = [photo for photo in data.photos if photo.split == "test"]
    one, two, three, *_, last = (
        Shown(photo.id, photo.split, data.classes[photo.label]) for photo in test
    )
    return Findings(
        photos=len(data.photos),
        synthetic=data.synthetic,
        classes=data.classes,
        backbones=BACKBONES,
        pairs=(Pair(one, replace(two, split="train"), "mirrored", 0.31),),
        suspects=(Suspect(three, data.classes[1], 0.05, 0.9, (one, two)),),
        outliers=(Outlier(one, 1.62),),
        odd=(Odd(two, "blurred", 2.0),),
        common={"grey": len(data.photos)},
        advice=("fewer than 50 photos: roses (3)",),
        corrections=(Correction(last.id, "relabel", data.classes[0], last.label, 'a "reason"'),),
        grouping=Grouping(groups=1, photos=2, moved=1),
    )


def neighbours(test: Sequence[str], train: Sequence[str]) -> Neighbours:
    """Return made-up ones: near to test photo n are training photos n, n + 1, … in turn."""
    numbers = np.arange(len(test))
    nearest = (numbers[:, None] + np.arange(5)) % len(train)
    sample = np.arange(len(train) // 2)
    return Neighbours(
        test_ids=np.array(test),
        train_ids=np.array(train),
        nearest=nearest,
        similarity=np.tile([0.9, 0.8, 0.75, 0.7, 0.5], (len(test), 1)),
        # Along the diagonal; the training photos below it.
        test_places=np.stack([1000 * numbers // len(test)] * 2, axis=1),
        sample=sample,
        sample_places=np.stack([100 * sample, np.zeros_like(sample)], axis=1),
        explained=np.array([0.31, 0.12]),
    )


def _competitor(name: str, predictions: Sequence[Prediction], classes: Sequence[str]) -> Competitor:
    correct = sum(item.correct for item in predictions)
    return competitor(
        name,
        Metrics(
            accuracy=correct / len(predictions),
            accuracy_low=0.3057,
            accuracy_high=0.8632,
            top2_accuracy=0.9375,
            macro_precision=0.583333,
            macro_recall=0.666667,
            macro_f1=0.611111,
            log_loss=0.8125,
            ece=0.1234,
            temperature=1.37,
            ece_calibrated=0.0567,
            right=correct,
            photos=len(predictions),
            valid_accuracy=0.7,
            valid_log_loss=0.9,
        ),
        [
            ClassScore(item, 4 - n, 0.5, 0.75, 0.6 + n / 10)
            if n < 4
            else ClassScore(item, 0, None, None, None)
            for n, item in enumerate(classes)
        ],
    )


def _by_class(photos: Sequence[PhotoEntry], classes: Sequence[str]) -> tuple[int, ...]:
    return split_counts([photo.label for photo in photos], len(classes))


def probabilities(predicted: int, confidence: float, classes: int) -> tuple[float, ...]:
    rest = (1 - confidence) / (classes - 1)
    return tuple(confidence if number == predicted else rest for number in range(classes))


def _png(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (640, 480), "#dddddd").save(path)


def thumbnail(number: int, *, side: int = 128) -> bytes:
    # Each of its own colour, so that no two are the same bytes.
    encoded = io.BytesIO()
    colour = (number % 256, number // 256, 160)
    Image.new("RGB", (side, side * 3 // 4), colour).save(encoded, "WEBP", lossless=True)
    return encoded.getvalue()


def params(source: str, backbones: Sequence[str]) -> Params:
    return Params.model_validate(
        {
            "dataset": {
                "source": source,
                "rendered": {"images_per_class": 4, "seed": 0},
                "folder": {"path": "data/photos", "classes": None},
                "tfds": {"name": "tf_flowers", "data_dir": None},
                "splits": {"train": "train[25%:]", "valid": "train[10%:25%]", "test": "train[:2]"},
            },
            "preprocess": {"method": "bicubic", "antialias": True},
            "resolutions": [224],
            "backbones": {
                name: {"handle": f"pypi:{name}==1.0", "resolution": 224} for name in backbones
            },
            "train": {
                "epochs": 6,
                "batch_size": 32,
                "dropout": 0.5,
                "learning_rate": 0.001,
                "seed": 11,
            },
            "selected": backbones[0],
        }
    )
