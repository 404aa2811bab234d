"""What stages plot, compare and report read, for any number of classes, of made-up answers.

As a command: ``python tests/many_classes.py FOLDER CLASSES PHOTOS`` writes it into the folder.
"""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import numpy as np
import report_folder
from competitors import EXTRACTION, backbone_info
from PIL import Image
from sklearn.metrics import precision_recall_fscore_support

from transfer_learning.config import paths
from transfer_learning.evaluation.feature_maps import FeatureMaps
from transfer_learning.evaluation.metrics import Metrics
from transfer_learning.evaluation.predictions import (
    ClassScore,
    Prediction,
    write_class_scores,
    write_predictions,
)
from transfer_learning.heads import history, strengths
from transfer_learning.heads.head import Head
from transfer_learning.heads.history import Epoch
from transfer_learning.photos import records, thumbnails
from transfer_learning.photos.dataset import DatasetInfo, PhotoEntry, SplitSummary, split_counts

BACKBONES = report_folder.BACKBONES


def write(folder: Path, classes: int, photos: int) -> None:
    """Write the files of ``photos`` test photos; the last class has none."""
    rng = np.random.default_rng(0)
    names = [f"class {number:04d} of the garden" for number in range(classes)]
    labels = np.arange(photos) % (classes - 1)
    _write_dataset(folder / paths.DATASET, names, labels)
    params = report_folder.params("folder", BACKBONES).model_dump(mode="json")
    (folder / paths.PARAMS).write_text(json.dumps(params), encoding="utf-8")
    for name in BACKBONES:
        # Some classes are harder than others, and taken for their neighbour or for any other.
        hard = rng.random(classes)[labels]
        wrong = np.where(rng.random(photos) < 0.5, labels + 1, rng.integers(classes, size=photos))
        predicted = np.where(rng.random(photos) < 0.7 * hard, wrong % classes, labels)
        _write_reports(folder, name, names, labels, predicted, sure=0.99 - 0.6 * hard)


def _write_dataset(folder: Path, names: list[str], labels: np.ndarray) -> None:
    train = [PhotoEntry(f"train/{n}.jpg", n % len(names), "train", 500, 333) for n in range(20)]
    test = [PhotoEntry(_id(n), int(label), "test", 320, 240) for n, label in enumerate(labels)]
    splits = {
        "train": SplitSummary("train[25%:]", 20, 20, _counts(train, names)),
        "valid": SplitSummary("train[10%:25%]", 0, 0, _counts([], names)),
        "test": SplitSummary("train[:10%]", len(test), len(test), _counts(test, names)),
    }
    info = DatasetInfo(
        source="folder",
        synthetic=False,
        classes=tuple(names),
        found=len(train) + len(test),
        splits=splits,
        rejected=(),
        photos=(*train, *test),
    )
    info.write(folder)
    image = Image.new("RGB", (128, 128), "green")
    encoded = io.BytesIO()
    image.save(encoded, "JPEG")
    shown = (records.Record(photo.id, photo.label, encoded.getvalue()) for photo in train)
    records.write_shards(folder, "train", shown, photos=len(train))
    thumbnails.write(folder, ((photo.id, image) for photo in test), side=128)
    near = folder.parent / paths.NEIGHBOURS.name
    thumbnails.write(near, ((photo.id, image) for photo in train), side=64)
    found = report_folder.neighbours([photo.id for photo in test], [photo.id for photo in train])
    for name in BACKBONES:
        found.write(near / name / "places.npz")
        FeatureMaps.of([], []).write(folder.parent / paths.feature_maps(name).relative_to("data"))
    quality = folder.parent / paths.QUALITY.name
    report_folder.findings(info).write(quality)
    thumbnails.write(quality, ((photo.id, image) for photo in test), side=64)


def _write_reports(
    folder: Path,
    name: str,
    names: list[str],
    labels: np.ndarray,
    predicted: np.ndarray,
    *,
    sure: np.ndarray,
) -> None:
    reports = folder / paths.reports(name)
    precision, recall, f1, counts = precision_recall_fscore_support(
        labels, predicted, labels=range(len(names)), zero_division=0
    )
    scores = [
        ClassScore(item, int(count), *(float(score) if count else None for score in row))
        for item, count, *row in zip(names, counts, precision, recall, f1, strict=True)
    ]
    right = int((labels == predicted).sum())
    accuracy = right / len(labels)
    metrics = Metrics(
        accuracy=accuracy,
        accuracy_low=accuracy - 0.01,
        accuracy_high=accuracy + 0.01,
        top2_accuracy=accuracy,
        macro_precision=float(precision.mean()),
        macro_recall=float(recall.mean()),
        macro_f1=float(f1.mean()),
        log_loss=1.0,
        ece=0.05,
        temperature=1.2,
        ece_calibrated=0.04,
        right=right,
        photos=len(labels),
        valid_accuracy=accuracy,
        valid_log_loss=1.0,
    )
    metrics.write(reports / "metrics.json")
    write_class_scores(reports / "per_class.csv", scores)
    history.write(reports / "history.csv", [Epoch(1, 0.5, 0.6, 1.5, 1.25)])
    strengths.write(reports / "path.csv", [])
    write_predictions(
        reports / "predictions.csv",
        (
            Prediction(
                _id(number),
                names[true],
                names[guess],
                report_folder.probabilities(guess, float(most), len(names)),
            )
            for number, (true, guess, most) in enumerate(zip(labels, predicted, sure, strict=True))
        ),
        names,
    )
    backbone_info(name).write(folder / paths.backbone(name))
    Head(np.zeros((1, 1)), np.zeros(1), np.array(names)).write(folder / paths.model(name))
    EXTRACTION.write(folder / paths.features(name))


def _counts(photos: list[PhotoEntry], names: list[str]) -> tuple[int, ...]:
    return split_counts([photo.label for photo in photos], len(names))


def _id(number: int) -> str:
    return f"{number:05d}.jpg"


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
