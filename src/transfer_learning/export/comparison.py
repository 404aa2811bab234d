"""Every format of an export on the test photos' own bytes, against ``predictions.csv``."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from transfer_learning.classifier import engines, manifest
from transfer_learning.evaluation.predictions import Prediction
from transfer_learning.export import litert_format
from transfer_learning.heads.head import FILE as HEAD
from transfer_learning.runtime.errors import UserError

# Of a format with coarser weights: what accuracy may fall by on the test photos, and how far apart
# two classes may be in probability where it has another answer.
FALL, APART = 0.01, 0.05


@dataclass(frozen=True)
class Format:
    """A format: its name for people, what ``answering`` calls it, and where it lies.

    ``exact`` formats have float32 weights and give the pipeline's answer to every test photo.
    """

    name: str
    kind: str
    path: str
    exact: bool = True


FORMATS = (
    Format("predict, serve", "predict", HEAD),
    Format("SavedModel", "saved_model", engines.SAVED_MODEL),
    Format("OpenVINO IR", "openvino", "openvino"),
    Format("LiteRT float32", litert_format.FLOAT32, litert_format.FLOAT32),
    Format("LiteRT float16", litert_format.FLOAT16, litert_format.FLOAT16, exact=False),
)


@dataclass(frozen=True)
class Compared:
    """A format beside the pipeline's own answers to the test photos.

    size: of its files, in bytes; 0 of what has none of its own.
    accuracy: its share of right answers.
    changed: photos whose answer is another than in ``predictions.csv``.
    largest: the largest difference of a calibrated probability.
    """

    format: Format
    size: int
    accuracy: float
    changed: int
    largest: float


@dataclass(frozen=True)
class Expected:
    """``predictions.csv`` in the order of the test split, and its probabilities, calibrated.

    ``rows`` [N]; ``probabilities`` float64 [N, C]; ``classes`` [C]; ``exact`` is false where the
    pipeline's features were computed in less than float32, which no export is.
    """

    rows: Sequence[Prediction]
    probabilities: np.ndarray
    classes: Sequence[str]
    exact: bool = True


def compare(folder: Path, photos: Sequence[Path], expected: Expected) -> list[Compared]:
    """Run every format that is in the folder, each in a process of its own.

    Where one is refused, ``model.json`` is removed, so that nobody uses the folder.

    Args:
        folder: the export.
        photos: the TFRecord files of the test photos.
        expected: what the pipeline answers to them.

    Raises:
        UserError: a format cannot be run, has another answer to a photo, or has lost accuracy.
    """
    try:
        return [
            _compare(item, folder, photos, expected)
            for item in FORMATS
            if (folder / item.path).exists()
        ]
    except BaseException:
        (folder / manifest.FILE).unlink(missing_ok=True)
        raise


def _compare(item: Format, folder: Path, photos: Sequence[Path], expected: Expected) -> Compared:
    found = _answers(item, folder, photos)
    labels = np.array(expected.classes)[found.argmax(axis=1)]
    other = np.array([row.predicted for row in expected.rows]) != labels
    true = np.array([row.true for row in expected.rows])
    result = Compared(
        format=item,
        size=sum(path.stat().st_size for path in _files(folder / item.path))
        if item.path != HEAD
        else 0,
        accuracy=float((labels == true).mean()),
        changed=int(other.sum()),
        largest=float(np.abs(found - expected.probabilities).max()),
    )
    if item.exact and expected.exact and other.any():
        first = expected.rows[int(other.argmax())]
        raise UserError(
            f"export: {item.name} answers {str(labels[other][0])!r} to {first.id}, and "
            f"predictions.csv has {first.predicted!r} ({result.changed} of {len(labels)} photos "
            f"differ, probabilities by up to {result.largest:.2g})"
        )
    accuracy = float(np.mean([row.correct for row in expected.rows]))
    if accuracy - result.accuracy > FALL or _far_apart(expected.probabilities[other], found[other]):
        raise UserError(
            f"export: {item.name} has an accuracy of {result.accuracy:.4f}, and the pipeline "
            f"{accuracy:.4f}; {result.changed} answers differ, probabilities by up to "
            f"{result.largest:.2g}, which is more than rounding explains"
        )
    return result


def _far_apart(expected: np.ndarray, found: np.ndarray) -> bool:
    """Whether an answer changed though the two classes were more than ``APART`` apart."""
    rows = np.arange(len(found))
    margins = expected.max(axis=1, initial=0) - expected[rows, found.argmax(axis=1)]
    return bool((margins > APART).any())


def _answers(item: Format, folder: Path, photos: Sequence[Path]) -> np.ndarray:
    with tempfile.TemporaryDirectory() as temporary:
        out = Path(temporary) / "answers.npy"
        module = "transfer_learning.export.answering"
        done = subprocess.run(
            [sys.executable, "-m", module, item.kind, str(folder), str(out), *map(str, photos)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise UserError(f"export: {item.name} cannot be run: {last}")
        return np.load(out)


def _files(path: Path) -> list[Path]:
    return [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
