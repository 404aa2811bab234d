"""``make export`` in the built clone: what runs, what it leaves, and that predict agrees."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from clone import TINY, Clone

from transfer_learning.classifier.classifier import Answer, Classifier
from transfer_learning.evaluation.calibration import apply_temperature
from transfer_learning.evaluation.predictions import read_predictions
from transfer_learning.photos import records

EXPORT = "data/outputs/dvc.yaml:export"


def ran(done: subprocess.CompletedProcess) -> set[str]:
    lines = done.stdout.splitlines()
    return {line.split("'")[1] for line in lines if line.startswith("Running stage")}


@pytest.fixture
def folder(built: Clone) -> Iterator[Path]:
    """Where the clone's export will lie, which git ignores and the fixture ``built`` leaves."""
    path = built.root / "data/export"
    yield path
    shutil.rmtree(path, ignore_errors=True)


def test_the_selected_classifier_is_exported_and_answers_as_the_pipeline(
    built: Clone, folder: Path
) -> None:
    params = json.loads(json.dumps(TINY))
    params["selected"] = "tiny"
    built.write_params(params)

    first = ran(built.run("dvc", "repro", "data/outputs/dvc.yaml"))
    again = ran(built.run("dvc", "repro", "data/outputs/dvc.yaml"))

    assert first == {"select", EXPORT}
    assert again == set()
    page = (built.root / "reports/export.md").read_text(encoding="utf-8")
    assert "Synthetic data" in page
    assert page.count("| 0 | below 0.0001 |") >= 4
    known = {
        item.id: item for item in read_predictions(built.root / "reports/tiny/predictions.csv")
    }
    photos = list(records.read(records.shards(built.root / "data/dataset", "test")))
    classifier = Classifier.load(folder)
    found = dict(classifier.classify((photo.id, photo.image) for photo in photos))
    classifier.close()
    assert set(found) == set(known)
    for name, answer in found.items():
        assert isinstance(answer, Answer)
        assert answer.label == known[name].predicted
        # Back to the uncalibrated ones, which the file has.
        temperature = 1 / classifier.manifest.temperature
        rounded = apply_temperature(answer.probabilities[None], temperature)[0].round(3)
        assert tuple(rounded) == known[name].probabilities
