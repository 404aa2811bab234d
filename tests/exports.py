"""A small exported classifier, of two backbones with different input sizes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from photo_kinds import KINDS, encoded, picture

from transfer_learning.backbones.artifact import BackboneInfo
from transfer_learning.config.params import Preprocess
from transfer_learning.evaluation.metrics import Metrics
from transfer_learning.evaluation.predictions import ClassScore
from transfer_learning.evaluation.threshold import Threshold
from transfer_learning.export import export, gathering
from transfer_learning.export.export import Exported
from transfer_learning.export.gathering import Gathered
from transfer_learning.export.golden import Golden
from transfer_learning.export.parts import Backbone, Parts
from transfer_learning.heads.head import Head
from transfer_learning.photos.dataset import DatasetInfo, PhotoList, SplitSummary

SRC = Path(__file__).parents[1] / "src"
CLASSES = ("Rose, rot", "tulip", "große Löwenzahn-花")
SIDES = {"first": 32, "second-net": 48}
PHOTOS = {**KINDS, **{f"photo {i}": encoded(picture(seed=i), "JPEG") for i in range(8)}}
METRICS = Metrics(
    accuracy=0.9,
    accuracy_low=0.8,
    accuracy_high=0.95,
    top2_accuracy=1.0,
    macro_precision=0.9,
    macro_recall=0.9,
    macro_f1=0.9,
    log_loss=0.3,
    ece=0.1,
    temperature=0.8,
    ece_calibrated=0.05,
    right=9,
    photos=10,
    valid_accuracy=0.9,
    valid_log_loss=0.3,
)


def artifact(folder: Path, side: int, features: int) -> BackboneInfo:
    """Save a backbone, a convolution and a mean, as a SavedModel for images of ``side`` pixels."""
    # Here, for it takes seconds.
    from transfer_learning.runtime.tensorflow_quiet import tf

    module = tf.Module()
    module.kernel = tf.Variable(tf.random.stateless_normal([5, 5, 3, features], [side, 1]))

    @tf.function(input_signature=[tf.TensorSpec([None, side, side, 3], tf.float32)])
    def call(images):
        maps = tf.nn.relu(tf.nn.conv2d(images - 0.5, module.kernel, 2, "SAME"))
        return tf.reduce_mean(maps, axis=[1, 2])

    module.__call__ = call
    tf.saved_model.save(module, str(folder / "saved_model"), signatures=call)
    return described(folder, "saved_model", side, features)


def described(folder: Path, network: str, side: int, features: int) -> BackboneInfo:
    info = BackboneInfo(
        handle="a test's",
        network=network,
        resolution=side,
        features=features,
        parameters=0,
        sha256="0" * 64,
        licence="MIT",
        multiply_adds=0,
        file_bytes=0,
    )
    info.write(folder)
    return info


def gathered(members: dict[str, Backbone], method: str = "bilinear") -> Gathered:
    """Return a competitor of these members with a head of random weights."""
    features = sum(item.info.features for item in members.values())
    rng = np.random.default_rng(0)
    kernel = rng.normal(size=(features, len(CLASSES))).astype(np.float32)
    splits = {name: SplitSummary("train", 3, 3, (1, 1, 1)) for name in ("train", "valid", "test")}
    return Gathered(
        name="both",
        parts=Parts(
            members=members,
            head=Head(kernel, np.zeros(len(CLASSES), np.float32), np.array(CLASSES)),
            temperature=METRICS.temperature,
            resize=Preprocess(method=method, antialias=False),
        ),
        metrics=METRICS,
        threshold=Threshold(0.7, 0.8),
        data=DatasetInfo(
            source="folder",
            synthetic=False,
            classes=CLASSES,
            found=9,
            splits=splits,
            rejected=(),
            photos=PhotoList.of([]),
        ),
    )


def write(root: Path) -> tuple[Path, Exported]:
    """Export a classifier of two backbones below ``root``; return its folder, and what it is."""
    members = {}
    for name, side in SIDES.items():
        info = artifact(root / name, side, features=6)
        members[name] = Backbone(root / name, info)
    folder = root / "export"
    return folder, put(gathered(members), folder)


def write_apart(root: Path, **environment: str) -> None:
    """Export it in a process of its own, as the stage is.

    TensorFlow numbers a SavedModel's functions by what the process has built before.
    """
    done = python(
        "-c",
        f"import exports; from pathlib import Path; exports.write(Path({str(root)!r}))",
        PYTHONPATH=f"{SRC}{os.pathsep}{Path(__file__).parent}",
        **environment,
    )
    assert done.returncode == 0, done.stderr.decode()


def put(competitor: Gathered, folder: Path) -> Exported:
    """Export a competitor that no pipeline made."""
    # What it was made of lies nowhere.
    gathering_made_of = gathering._made_of
    gathering._made_of = lambda _: []
    try:
        return export.write(
            competitor,
            [Golden(PHOTOS[name], CLASSES[0]) for name in list(PHOTOS)[:5]],
            [ClassScore(name, 1, 1.0, 1.0, 1.0) for name in CLASSES],
            folder,
            head="dense",
        )
    finally:
        gathering._made_of = gathering_made_of


def python(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    """Run Python with the project's modules, in a process of its own."""
    return subprocess.run(
        [sys.executable, *arguments],
        env=os.environ | {"PYTHONPATH": str(SRC)} | environment,
        capture_output=True,
        check=False,
        timeout=300,
    )
