"""Small tunings for tests: photos of 32 × 32 pixels, and networks that take a moment to tune."""

from __future__ import annotations

import dataclasses
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np

from transfer_learning.backbones.artifact import BackboneInfo
from transfer_learning.config.finetuning import Finetune
from transfer_learning.finetuning.stage import Start, Tuning
from transfer_learning.finetuning.tuning import Watch
from transfer_learning.heads.head import Head
from transfer_learning.photos import records

SIDE = 32
CLASSES = ("daisy", "rose", "tulip")
TRAIN, VALID = 10, 6


def settings(**keys: Any) -> Finetune:
    """Two epochs in batches of 4, as far as ``keys`` say nothing else."""
    return Finetune.model_validate({"from": "b", "epochs": 2, "batch_size": 4} | keys)


def write_photos(folder: Path) -> Path:
    """Write the records of both splits: a class's photos have its colour, and noise."""
    rng = np.random.default_rng(0)
    for split, count in (("train", TRAIN), ("valid", VALID)):
        photos = []
        for number in range(count):
            pixels = rng.integers(0, 120, (SIDE, SIDE, 3), np.uint8)
            pixels[..., number % 3] += 100
            photos.append(records.Record(f"{split}/{number}.jpg", number % 3, pixels.tobytes()))
        records.write_shards(folder, split, photos, photos=count)
    return folder


def write_head(folder: Path, features: int) -> Path:
    """Write a head that is a little right and a little wrong."""
    rng = np.random.default_rng(1)
    kernel = rng.normal(0, 0.1, (features, len(CLASSES))).astype(np.float32)
    Head(kernel, np.zeros(len(CLASSES), np.float32), np.array(CLASSES)).write(folder)
    return folder


def small(package: Path, folder: Path) -> Path:
    """Copy a package's network as one for small photos: its convolutions take any size."""
    shutil.copytree(package, folder)
    dataclasses.replace(BackboneInfo.read(folder), resolution=SIDE).write(folder)
    return folder


def start(backbone: Path, root: Path) -> Start:
    """Write all that a tuning starts from beside a backbone."""
    features = BackboneInfo.read(backbone).features
    return Start(backbone, write_head(root / "head", features), write_photos(root / "pixels"))


def tune(
    begin: Start, root: Path, target: str, chosen: Finetune, watch: Watch | None = None
) -> tuple[Path, list[Any]]:
    """Tune into ``root/target``; return that folder and the epochs."""
    tuning = Tuning("t", chosen, begin, checkpoints=root / "checkpoints" / target)
    epochs = tuning.run(watch or Watch())
    tuning.write(root / target)
    tuning.forget()
    return root / target, epochs


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Return the bytes of each file of an artifact."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def main() -> None:
    """Tune in a process of its own: BACKBONE HEAD PIXELS ROOT TARGET JSON [KILL-AT-STEP]."""
    import os
    import signal

    backbone, head, pixels, root, target, chosen, *kill = sys.argv[1:]
    steps = 0

    def step(_: float) -> None:
        nonlocal steps
        steps += 1
        if kill and steps == int(kill[0]):
            os.kill(os.getpid(), signal.SIGKILL)

    begin = Start(Path(backbone), Path(head), Path(pixels))
    tune(begin, Path(root), target, Finetune.model_validate_json(chosen), Watch(step=step))


if __name__ == "__main__":
    main()
