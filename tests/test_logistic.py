"""The logistic head: what scikit-learn's is, its strength chosen on validation, the same bits."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from transfer_learning.features.features import Features
from transfer_learning.heads import logistic, streaming, strengths
from transfer_learning.heads.head import softmax
from transfer_learning.heads.strengths import Strength
from transfer_learning.runtime.errors import UserError

CLASSES = ("daisy", "rose", "tulip")


def photos(
    count: int, *, seed: int, width: int = 6, noise: float = 1.0, classes: int = 3
) -> Features:
    """Return photos whose class is hinted at by the first features, with one that never changes."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    features = rng.normal(5, noise, (count, width))
    features[np.arange(count), labels] += 2.0
    features[:, -1] = 3.0
    ids = np.array([f"{seed}/{number}.jpg" for number in range(count)])
    return Features(features.astype(np.float32), labels, ids, np.array(CLASSES[:classes]))


def loss(head: logistic.Head, items: Features) -> float:
    return head.accuracy_and_loss(items.features, items.labels)[1]


@pytest.mark.parametrize(("count", "width"), [(60, 6), (12, 30)])
@pytest.mark.parametrize("classes", [2, 3])
def test_the_head_is_scikit_learns_on_standardised_features(
    count: int, width: int, classes: int
) -> None:
    train, test = (photos(n, seed=n, width=width, classes=classes) for n in (count, 9))
    expected = make_pipeline(StandardScaler(), LogisticRegression(C=0.5, tol=1e-10, max_iter=9999))
    expected.fit(train.features.astype(np.float64), train.labels)

    head = logistic.fit(train, test, strength=2.0).head

    logits = head.logits(test.features)
    probability = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(
        probability, expected.predict_proba(test.features.astype(np.float64)), atol=1e-5
    )
    assert (head.kernel.shape, head.kernel.dtype) == ((width, classes), np.float32)
    assert (head.bias.shape, head.bias.dtype) == ((classes,), np.float32)
    assert head.classes.tolist() == list(CLASSES[:classes])


@pytest.mark.parametrize(("count", "width"), [(90, 30), (12, 30)])
@pytest.mark.parametrize("classes", [2, 3])
def test_photos_that_are_read_in_blocks_give_the_same_head(
    monkeypatch: pytest.MonkeyPatch, count: int, width: int, classes: int
) -> None:
    train, valid = (photos(n, seed=n, width=width, classes=classes) for n in (count, 40))
    expected = logistic.fit(replace(train), valid)
    monkeypatch.setattr(logistic, "RESIDENT", 0)
    monkeypatch.setattr(streaming, "BLOCK", 7)

    found = logistic.fit(train, valid)

    for ours, theirs in zip(found.path, expected.path, strict=True):
        assert (ours.strength, ours.chosen) == (theirs.strength, theirs.chosen)
        assert ours.loss == pytest.approx(theirs.loss, abs=5e-5)
        assert ours.val_loss == pytest.approx(theirs.val_loss, abs=5e-5)
    logits = [item.head.logits(valid.features) for item in (found, expected)]
    np.testing.assert_allclose(softmax(logits[0]), softmax(logits[1]), atol=1e-5)


def test_the_lowest_validation_loss_chooses_the_strength_from_at_least_20() -> None:
    train, valid = photos(60, seed=1), photos(30, seed=2)

    fitted = logistic.fit(train, valid)

    values = [item.strength for item in fitted.path]
    best = strengths.chosen(fitted.path)
    assert len(values) >= 20
    assert values == sorted(values, reverse=True)
    assert best.val_loss == min(item.val_loss for item in fitted.path)
    assert [item.chosen for item in fitted.path].count(True) == 1
    assert loss(fitted.head, valid) == pytest.approx(best.val_loss, abs=1e-5)
    assert loss(fitted.head, train) == pytest.approx(best.loss, abs=1e-5)


# Where all is clear, the weakest is best; where validation says the contrary, the strongest.
@pytest.mark.parametrize(("noise", "turned", "end"), [(0.01, 0, -1), (1.0, 1, 0)])
def test_a_strength_chosen_at_an_end_extends_the_path(noise: float, turned: int, end: int) -> None:
    valid = photos(30, seed=2, noise=noise)
    valid = replace(valid, labels=(valid.labels + turned) % 3)

    fitted = logistic.fit(photos(30, seed=1, noise=noise), valid)

    start = logistic.path_strengths()
    values = [item.strength for item in fitted.path]
    assert set(start) < set(values)
    beyond = values[-1] < start[-1] if end else values[0] > start[0]
    assert beyond
    best = strengths.chosen(fitted.path)
    limits = (10.0**9, 10.0**-5)
    assert best is not fitted.path[end] or best.strength in limits


def test_a_fixed_strength_is_the_only_one_tried_and_gives_the_bits_of_the_chosen() -> None:
    train, valid = photos(60, seed=1), photos(30, seed=2)
    over_path = logistic.fit(train, valid)

    alone = logistic.fit(train, valid, strength=strengths.chosen(over_path.path).strength)

    assert [item.chosen for item in alone.path] == [True]
    assert alone.head.kernel.tobytes() == over_path.head.kernel.tobytes()
    assert alone.head.bias.tobytes() == over_path.head.bias.tobytes()


def test_a_refit_learns_from_both_sets_with_the_strength_chosen_before() -> None:
    train, valid = photos(60, seed=1), photos(30, seed=2)
    both = replace(
        train,
        features=np.concatenate([train.features, valid.features]),
        labels=np.concatenate([train.labels, valid.labels]),
        ids=np.concatenate([train.ids, valid.ids]),
    )
    plain = logistic.fit(train, valid)

    fitted = logistic.fit(train, valid, refit=True)

    assert fitted.path == plain.path
    assert fitted.validated.kernel.tobytes() == plain.head.kernel.tobytes()
    expected = logistic.fit(both, valid, strength=strengths.chosen(plain.path).strength).head
    assert fitted.head.kernel.tobytes() == expected.kernel.tobytes()


def test_the_head_is_the_same_bits_with_other_instructions_and_needs_no_tensorflow() -> None:
    code = (
        "import sys, test_logistic as t\n"
        "train, valid = (t.photos(n, seed=n, width=200) for n in (90, 60))\n"
        "fitted = t.logistic.fit(train, valid)\n"
        "print((fitted.head.kernel.tobytes() + fitted.head.bias.tobytes()).hex(),\n"
        "    'tensorflow' in sys.modules)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(["src", "tests"])}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            env={**environment, "OPENBLAS_CORETYPE": kernels},
            stdout=subprocess.PIPE,
            text=True,
        )
        for kernels in ("Nehalem", "Haswell")
    ]

    (output,) = {process.communicate()[0] for process in processes}

    weights, tensorflow = output.split()
    assert len(weights) == (200 * 3 + 3) * 8
    assert tensorflow == "False"


def test_a_class_without_training_photos_is_named() -> None:
    train = replace(photos(30, seed=1), classes=np.array([*CLASSES, "iris"]))

    with pytest.raises(UserError, match=r"'iris' has no training photo.*train\.head"):
        logistic.fit(train, train)


def test_a_path_survives_its_file(tmp_path: Path) -> None:
    path = [
        Strength(1e5, 0.25, 0.5, 1.5, 1.25, chosen=False),
        Strength(31.6, 0.75, 0.5, 0.1235, 1.0, chosen=True),
    ]

    strengths.write(tmp_path / "path.csv", path)
    strengths.write(tmp_path / "none.csv", [])

    assert strengths.read(tmp_path / "path.csv") == path
    assert strengths.read(tmp_path / "none.csv") == []
    header, _, last = (tmp_path / "path.csv").read_text().splitlines()
    assert header == "strength,accuracy,val_accuracy,loss,val_loss,chosen"
    assert last == "31.6,0.7500,0.5000,0.1235,1.0000,1"
