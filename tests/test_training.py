"""Training of the head: it learns, repeats exactly, and is what Keras computes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from imports import SRC

from transfer_learning.config.params import Train
from transfer_learning.features import features
from transfer_learning.features.features import Features
from transfer_learning.heads import history, training
from transfer_learning.heads.head import Head, softmax
from transfer_learning.runtime.tensorflow_quiet import tf

CLASSES = ("daisy", "rose", "tulip")
WIDTH = 6


def settings(*, epochs: int = 2, seed: int = 0, dropout: float = 0.5) -> Train:
    return Train(epochs=epochs, batch_size=8, dropout=dropout, learning_rate=0.05, seed=seed)


def separable(photos: int, *, seed: int) -> Features:
    """Return photos whose class is the largest of the first three features."""
    rng = np.random.default_rng(seed)
    labels = np.arange(photos) % len(CLASSES)
    features = rng.normal(0, 0.1, (photos, WIDTH))
    features[np.arange(photos), labels] += 2.0
    ids = np.array([f"{number}.jpg" for number in range(photos)])
    return Features(features.astype(np.float32), labels, ids, np.array(CLASSES))


def train(chosen: Train) -> tuple[Head, list[history.Epoch]]:
    return training.train(separable(30, seed=1), separable(12, seed=2), chosen)


def trained_here(*seeds: int) -> dict[int, str]:
    """Train once per seed, on features as wide as a real network's; return all bits in words."""
    rng = np.random.default_rng(0)
    features, labels = rng.random((100, 640), np.float32), rng.integers(0, 3, 100)
    photos = Features(features, labels, np.arange(100).astype(str), np.array(CLASSES))
    found = {}
    for seed in seeds:
        head, epochs = training.train(photos, photos, settings(seed=seed))
        found[seed] = f"{head.kernel.tobytes().hex()} {head.bias.tobytes().hex()} {epochs}"
    return found


def trained_elsewhere(*seeds: int, instructions: str) -> subprocess.Popen[str]:
    """Start a process that does so with the CPU's instructions up to these."""
    code = f"import json, test_training as t; print(json.dumps(t.trained_here{seeds}))"
    path = os.pathsep.join([str(SRC), str(Path(__file__).parent)])
    return subprocess.Popen(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": path, "ONEDNN_MAX_CPU_ISA": instructions},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_separable_set_is_learnt() -> None:
    head, epochs = train(settings(epochs=15))

    valid = separable(12, seed=2)
    assert epochs[-1].val_accuracy == 1.0
    assert head.logits(valid.features).argmax(axis=1).tolist() == valid.labels.tolist()
    assert epochs[-1].val_loss < epochs[0].val_loss


def test_the_history_of_an_epoch_is_the_heads_own_accuracy_and_loss() -> None:
    head, epochs = train(settings(epochs=3))

    valid = separable(12, seed=2)
    probability = softmax(head.logits(valid.features))[np.arange(12), valid.labels]
    correct = head.logits(valid.features).argmax(axis=1) == valid.labels
    assert epochs[-1].val_accuracy == pytest.approx(correct.mean(), abs=1e-6)
    assert epochs[-1].val_loss == pytest.approx(-np.log(probability).mean(), rel=1e-4)


def test_photos_that_are_read_in_chunks_give_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head, epochs = train(settings())
    separable(30, seed=1).write(tmp_path / "train.npz")
    monkeypatch.setattr(features, "RESIDENT", 0)
    monkeypatch.setattr(training, "CHUNK", 20)
    stored = Features.read(tmp_path / "train.npz")
    assert not isinstance(stored.features, np.ndarray)

    streamed, streamed_epochs = training.train(stored, separable(12, seed=2), settings())

    assert streamed.kernel.tobytes() == head.kernel.tobytes()
    assert streamed.bias.tobytes() == head.bias.tobytes()
    assert streamed_epochs == epochs


@pytest.mark.parametrize("count", [1, 4])
def test_there_is_one_row_of_history_for_each_epoch(count: int) -> None:
    _, epochs = train(settings(epochs=count))

    assert [epoch.epoch for epoch in epochs] == list(range(1, count + 1))


def test_a_head_is_the_one_that_keras_fit_trains_bit_by_bit() -> None:
    photos, valid, chosen = separable(30, seed=1), separable(12, seed=2), settings(epochs=3)
    keras = tf.keras
    keras.utils.set_random_seed(chosen.seed)
    glorot = keras.initializers.GlorotUniform()
    dense = keras.layers.Dense(
        len(CLASSES),
        dtype="float64",
        kernel_initializer=lambda shape, dtype: keras.ops.cast(glorot(shape, "float32"), dtype),
    )
    model = keras.Sequential([keras.Input((WIDTH,)), keras.layers.Dropout(chosen.dropout), dense])
    model.compile(
        keras.optimizers.Adam(chosen.learning_rate),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True, dtype="float64"),
        metrics=["accuracy"],
    )
    logs = model.fit(
        photos.features, photos.labels, batch_size=8, epochs=3, verbose=0,
        validation_data=(valid.features, valid.labels),
    ).history  # fmt: skip

    head, epochs = training.train(photos, valid, chosen)

    assert head.kernel.tobytes() == dense.kernel.numpy().astype(np.float32).tobytes()
    assert head.bias.tobytes() == dense.bias.numpy().astype(np.float32).tobytes()
    for metric, values in logs.items():
        np.testing.assert_allclose([getattr(epoch, metric) for epoch in epochs], values, rtol=1e-6)


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_a_head_does_not_depend_on_those_trained_before_it(dropout: float) -> None:
    first, _ = train(settings(dropout=dropout))
    train(settings(seed=7, epochs=3, dropout=dropout))
    training.train(separable(20, seed=5), separable(9, seed=6), settings(dropout=dropout))

    again, _ = train(settings(dropout=dropout))

    assert again.kernel.tobytes() == first.kernel.tobytes()
    assert again.bias.tobytes() == first.bias.tobytes()


def test_each_epoch_is_told_when_it_is_done() -> None:
    told: list[history.Epoch] = []

    _, epochs = training.train(
        separable(30, seed=1), separable(12, seed=2), settings(epochs=3), told.append
    )

    assert told == epochs


@pytest.mark.slow
def test_a_seed_gives_the_same_bits_in_any_process_and_with_other_instructions() -> None:
    processes = [
        trained_elsewhere(0, 1, instructions="SSE41"),
        trained_elsewhere(1, 0, instructions="AVX2"),
    ]
    here = trained_here(0, 1)

    outputs = [json.loads(process.communicate()[0]) for process in processes]

    assert outputs == [{"0": here[0], "1": here[1]}] * 2
    assert here[0].split()[0] != here[1].split()[0]


@pytest.mark.parametrize("rate", [0.0, 0.3, 0.5])
def test_dropout_drops_that_part_of_the_features_and_scales_the_rest(rate: float) -> None:
    # One feature, and steps too small to change the weights: a photo's loss has two values.
    count = 6000
    labels = np.arange(count) % len(CLASSES)
    photos = Features(
        np.full((count, 1), 4, np.float32), labels, labels.astype(str), np.array(CLASSES)
    )
    chosen = Train(epochs=1, batch_size=200, dropout=rate, learning_rate=1e-12, seed=0)

    head, (epoch,) = training.train(photos, photos, chosen)

    def mean_loss(feature: float) -> float:
        logits = feature * head.kernel[0].astype(np.float64) + head.bias
        return float(np.log(np.exp(logits).sum()) - logits.mean())

    expected = rate * mean_loss(0) + (1 - rate) * mean_loss(4 / (1 - rate))
    assert epoch.loss == pytest.approx(expected, rel=0.01)


def test_the_head_computes_what_keras_computes_with_its_weights() -> None:
    head, _ = train(settings())
    dense = tf.keras.layers.Dense(len(CLASSES))
    model = tf.keras.Sequential([tf.keras.Input((WIDTH,)), tf.keras.layers.Dropout(0.5), dense])
    dense.set_weights([head.kernel, head.bias])
    features = separable(9, seed=3).features

    expected = model.predict(features, verbose=0)

    np.testing.assert_allclose(head.logits(features), expected, atol=1e-5)


def test_the_head_has_a_weight_for_each_feature_and_class() -> None:
    head, _ = train(settings(epochs=1))

    assert (head.kernel.shape, head.kernel.dtype) == ((WIDTH, 3), np.float32)
    assert (head.bias.shape, head.bias.dtype) == ((3,), np.float32)
    assert head.classes.tolist() == list(CLASSES)


def test_a_head_survives_its_file_whose_bytes_depend_only_on_it(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    kernel, bias = rng.normal(size=(4, 2)), rng.normal(size=2)
    head = Head(kernel.astype(np.float32), bias.astype(np.float32), np.array(["Möhre", "a,b"]))

    head.write(tmp_path / "a")
    head.write(tmp_path / "b")

    read = Head.read(tmp_path / "a")
    np.testing.assert_array_equal(read.kernel, head.kernel)
    np.testing.assert_array_equal(read.bias, head.bias)
    assert read.classes.tolist() == ["Möhre", "a,b"]
    file = tmp_path / "a" / "head.npz"
    assert file.read_bytes() == (tmp_path / "b" / "head.npz").read_bytes()
    with zipfile.ZipFile(file) as archive:
        # The time of writing would be in each member's date.
        assert {item.date_time for item in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert archive.namelist() == ["kernel.npy", "bias.npy", "classes.npy"]
