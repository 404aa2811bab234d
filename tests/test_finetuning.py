"""Tuning: the same bits twice and after kill -9, frozen BatchNorm, memory, early stopping."""

from __future__ import annotations

import dataclasses
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tunings
from artifacts import Convolutional, saved_model
from imports import SRC
from tunings import SIDE, TRAIN, bytes_of, settings

from transfer_learning import backbones
from transfer_learning.backbones import architectures
from transfer_learning.backbones.artifact import BackboneInfo
from transfer_learning.config.finetuning import Augment, Finetune
from transfer_learning.features.openvino_engine import OpenVino
from transfer_learning.finetuning import schedule
from transfer_learning.finetuning.learner import Learner
from transfer_learning.finetuning.package_network import PackageNetwork
from transfer_learning.finetuning.photos import Batch, Photos
from transfer_learning.finetuning.stage import Start, Tuning
from transfer_learning.finetuning.tunable import open_tunable
from transfer_learning.finetuning.tuning import Watch
from transfer_learning.heads.head import Head
from transfer_learning.photos import records
from transfer_learning.runtime.errors import UserError
from transfer_learning.runtime.tensorflow_quiet import tf

Package = Callable[[str], Path]


@pytest.fixture
def small(package: Package, tmp_path: Path) -> Path:
    """MobileNet-v2 for photos of 32 × 32 pixels."""
    return tunings.small(package("mobilenet_v2"), tmp_path / "small")


@pytest.fixture
def convolutional(tmp_path: Path) -> Path:
    """A SavedModel of three variables."""
    return saved_model(Convolutional(), tmp_path / "b", features=5)


def process(begin: Start, root: Path, target: str, chosen: Finetune, *kill: str) -> int:
    """Tune in a process of its own; return its exit code."""
    command = [sys.executable, tunings.__file__, begin.backbone, begin.head, begin.tfrecords, root]
    command += [target, chosen.model_dump_json(by_alias=True), *kill]
    tests = Path(tunings.__file__).parent
    done = subprocess.run(
        command, env={"PYTHONPATH": f"{SRC}:{tests}", "PATH": ""}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode


# A package's network


@pytest.mark.parametrize("network", ["mobilenet_v2", "efficientnet_lite0"])
def test_a_network_that_has_learnt_nothing_is_the_one_it_was(
    network: str, package: Package, tmp_path: Path
) -> None:
    folder = package(network)
    info = BackboneInfo.read(folder)
    tunable = open_tunable("t", folder, info, settings(), dtype="float32")
    images = np.random.default_rng(0).random((2, 64, 64, 3), np.float32)

    assert tunable.write(tmp_path) == network
    before, after = (
        [item for block in architectures.read(network, place).blocks for item in block.convolutions]
        for place in (folder, tmp_path)
    )

    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one.kernel, other.kernel)
        np.testing.assert_array_equal(one.bias, other.bias)
    small = dataclasses.replace(info, resolution=64)
    expected = backbones.load(folder, info=small)(images)
    np.testing.assert_allclose(tunable.features(images), expected, rtol=1e-4, atol=1e-4)


def test_only_the_blocks_from_the_end_learn(small: Path, tmp_path: Path) -> None:
    begin = tunings.start(small, tmp_path)

    tuned, _ = tunings.tune(begin, tmp_path, "t", settings(unfreeze=2, epochs=1, warmup=0))

    before, after = (architectures.read("mobilenet_v2", folder).blocks for folder in (small, tuned))
    changed = [
        not np.array_equal(one.convolutions[-1].kernel, other.convolutions[-1].kernel)
        for one, other in zip(before, after, strict=True)
    ]
    assert changed == [False] * (len(before) - 2) + [True] * 2


def test_more_blocks_than_there_are_cannot_be_unfrozen(small: Path) -> None:
    info = BackboneInfo.read(small)

    with pytest.raises(UserError, match=r"finetuned\.t\.unfreeze is 20, but .* has 19 blocks"):
        PackageNetwork("t", small, info, unfreeze=20, dtype="float32")


def test_fewer_blocks_are_said_to_be_faster(small: Path) -> None:
    network = PackageNetwork("t", small, BackboneInfo.read(small), unfreeze="all", dtype="float32")

    assert "unfreeze: " in network.faster
    assert " of 19 blocks" in network.faster


# The same bits


def test_two_tunings_give_the_same_bytes_and_so_does_one_that_was_killed(
    small: Path, tmp_path: Path
) -> None:
    begin = tunings.start(small, tmp_path)
    chosen = settings(patience=None)

    once, undisturbed = tunings.tune(begin, tmp_path, "once", chosen)
    # In the second step of the second epoch: each has three.
    assert process(begin, tmp_path, "killed", chosen, "5") == -signal.SIGKILL
    left = list((tmp_path / "checkpoints/killed").iterdir())
    goes_on, epochs = tunings.tune(begin, tmp_path, "killed", chosen)

    assert [path.suffix for path in left] == [".npz"]
    assert not left[0].exists()
    assert len(epochs) == 3
    # Every digit of every loss, whichever epoch is kept.
    assert epochs == undisturbed
    assert bytes_of(goes_on) == bytes_of(once)
    assert bytes_of(goes_on)["weights.npz"] != (small / "weights.npz").read_bytes()


def test_a_run_that_goes_on_tells_of_all_that_was_before(
    convolutional: Path, tmp_path: Path
) -> None:
    begin = tunings.start(convolutional, tmp_path)
    chosen = settings(epochs=3, patience=None)
    told: dict[bool, tuple[list[float], list[int], list[int]]] = {}

    class Interrupted(Exception):
        pass

    for interrupted in (False, True):
        steps, epochs, photos = told[interrupted] = ([], [], [])
        watch = Watch(
            photos=photos.append,
            before=photos.append,
            step=steps.append,
            epoch=lambda done, to=epochs: to.append(done.epoch),
        )

        def stop(loss: float) -> None:
            if stop.left == 0:
                raise Interrupted
            stop.left -= 1

        stop.left = 7
        if interrupted:
            with pytest.raises(Interrupted):
                tunings.tune(begin, tmp_path, "t", chosen, Watch(step=stop))
            assert Tuning("t", chosen, begin, checkpoints=tmp_path / "checkpoints/t").begun
        tunings.tune(begin, tmp_path, "t", chosen, watch)

    assert told[True][:2] == told[False][:2]
    assert sum(told[True][2]) == sum(told[False][2]) == 3 * TRAIN
    assert told[True][1] == [0, 1, 2, 3]


@pytest.mark.parametrize("what", ["seed", "head", "pixels", "damaged"])
def test_a_stale_or_damaged_checkpoint_is_not_used(
    what: str, convolutional: Path, tmp_path: Path
) -> None:
    begin = tunings.start(convolutional, tmp_path)
    folder = tmp_path / "checkpoints"

    def stop(done: Any) -> None:
        if done.epoch == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Tuning("t", settings(), begin, checkpoints=folder).run(Watch(epoch=stop))
    (left,) = folder.iterdir()
    assert Tuning("t", settings(), begin, checkpoints=folder).begun
    if what == "head":
        tunings.write_head(begin.head, 5)
        (begin.head / "more").write_text("changed")
    if what == "pixels":
        next(begin.tfrecords.iterdir()).touch()
        tunings.records.write_shards(begin.tfrecords, "train", _one_photo(), photos=1)
    if what == "damaged":
        left.write_bytes(left.read_bytes()[:-50])
    tuning = Tuning("t", settings(seed=int(what == "seed")), begin, checkpoints=folder)
    first: list[int] = []
    tuning.run(Watch(photos=first.append))

    # Not from the second epoch on.
    assert sum(first) == 2 * len(tuning.train)
    assert what == "damaged" or not left.exists()


def _one_photo() -> list[records.Record]:
    return [records.Record("a", 0, bytes(SIDE * SIDE * 3))]


# SavedModels


def test_a_saved_model_learns_and_becomes_one_graph_of_the_same_bytes(
    convolutional: Path, tmp_path: Path
) -> None:
    begin = tunings.start(convolutional, tmp_path)
    chosen = settings(patience=None, learning_rate=0.01)
    images = np.random.default_rng(0).random((2, SIDE, SIDE, 3), np.float32)

    tunings.tune(begin, tmp_path, "once", chosen)
    assert process(begin, tmp_path, "killed", chosen, "5") == -signal.SIGKILL
    tunings.tune(begin, tmp_path, "killed", chosen)

    assert bytes_of(tmp_path / "once") == bytes_of(tmp_path / "killed")
    info = BackboneInfo.read(tmp_path / "once")
    assert (info.network, info.features, info.resolution) == ("frozen_graph", 5, SIDE)
    assert info.handle == "b, tuned (a test's)"
    assert info.multiply_adds > 0
    tuned = np.asarray(backbones.load(tmp_path / "once")(images))
    assert np.abs(tuned - np.asarray(backbones.load(convolutional)(images))).max() > 1e-3
    pixels = np.round(images * 255).astype(np.uint8)
    (vectors,) = OpenVino(tmp_path / "once").run([[image.tobytes() for image in pixels]])
    expected = backbones.load(tmp_path / "once")(pixels.astype(np.float32) / 255)
    np.testing.assert_allclose(vectors, expected, atol=1e-4)


class Normalised(tf.Module):
    """Has BatchNorm and Dropout in training, a variable outside its list, and a loss of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.kernel = tf.Variable(tf.random.stateless_normal([3, 5], [1, 2]), name="kernel")
        self.other = tf.Variable(tf.ones([5]), name="other")
        self.moving = tf.Variable(tf.zeros([5]), trainable=False, name="moving")
        self.trainable_variables = [self.kernel]
        self.regularization_losses = [self.penalty]

    @tf.function(input_signature=[])
    def penalty(self) -> Any:
        return 1000 * tf.reduce_sum(self.kernel**2)

    @tf.function(input_signature=[tf.TensorSpec([None, SIDE, SIDE, 3]), tf.TensorSpec([], tf.bool)])
    def __call__(self, images: Any, training: Any = False) -> Any:
        x = tf.reduce_mean(images, [1, 2]) @ self.kernel * self.other
        if training:
            self.moving.assign(tf.reduce_mean(x, 0))
            x = x * 0.0
        return x - self.moving


def test_a_saved_models_own_list_training_flag_and_losses_are_heeded(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        # tf.Module has a property of this name.
        patch.setattr(tf.Module, "trainable_variables", None)
        folder = saved_model(Normalised(), tmp_path / "b", features=5)
    begin = tunings.start(folder, tmp_path)
    info = BackboneInfo.read(folder)
    network = open_tunable("t", folder, info, settings(), dtype="float32")
    learner = Learner(network, Head.read(begin.head), settings(), resolution=SIDE, device="CPU:0")
    (batch, *_) = Photos(records.shards(begin.tfrecords, "train"), SIDE).in_order(batch=4)

    before = float(tf.reduce_sum(network.variables[0] ** 2))
    loss = learner.step(batch, 0.01).loss

    assert [variable.shape.as_list() for variable in network.variables] == [[3, 5]]
    assert loss > 1000 * before * 0.99
    # Towards a smaller penalty; and in training mode there would be no gradient but that.
    assert float(tf.reduce_sum(network.variables[0] ** 2)) < before
    images = np.ones((1, SIDE, SIDE, 3), np.float32)
    np.testing.assert_allclose(
        network.features(images), tf.reduce_sum(network.variables[0], 0)[None], rtol=1e-4
    )


class Fixed(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([None, SIDE, SIDE, 3])])
    def __call__(self, images: Any) -> Any:
        return tf.reduce_mean(images, [1, 2])


def test_a_saved_model_without_variables_is_refused_before_any_photo_is_read(
    tmp_path: Path,
) -> None:
    folder = saved_model(Fixed(), tmp_path / "b", features=3)

    with pytest.raises(UserError, match="without variables that can learn, so it cannot be tuned"):
        Tuning(
            "t",
            settings(),
            Start(folder, tmp_path / "no head", tmp_path / "no pixels"),
            checkpoints=tmp_path / "c",
        )


# Memory


class Limited:
    """A fake network: features are means times a variable; memory for ``fits`` photos at once."""

    faster = ""

    def __init__(self, fits: int) -> None:
        self.fits = fits
        self.traced: list[int] = []
        self.variables = self.decayed = [tf.Variable(tf.ones([3, 3]) + tf.eye(3))]

    def features(self, images: Any) -> Any:
        if images.shape[0] > self.fits:
            raise tf.errors.ResourceExhaustedError(None, None, "out of memory")
        self.traced.append(images.shape[0])
        return tf.reduce_mean(images, [1, 2]) @ self.variables[0]

    def regularisation(self) -> Any:
        return 0.1 * tf.reduce_sum(self.variables[0] ** 2)

    def write(self, folder: Path) -> str:
        raise NotImplementedError


def learner_of(network: Limited) -> Learner:
    kernel = np.arange(9, dtype=np.float32).reshape(3, 3)
    head = Head(kernel, np.zeros(3, np.float32), np.array(tunings.CLASSES))
    return Learner(network, head, settings(), resolution=SIDE, device="CPU:0")


@pytest.fixture
def batches(tmp_path: Path) -> Sequence[Batch]:
    folder = tunings.write_photos(tmp_path / "pixels")
    return list(Photos(records.shards(folder, "train"), SIDE).in_order(batch=4))


@pytest.mark.parametrize("fits", [1, 2, 3])
def test_out_of_memory_is_answered_by_parts_whose_gradients_add_up(
    fits: int, batches: Sequence[Batch], capsys: pytest.CaptureFixture[str]
) -> None:
    whole, limited = learner_of(Limited(fits=4)), learner_of(Limited(fits))

    for batch in batches:
        expected, found = (one.step(batch, 0.1) for one in (whole, limited))
        assert found.loss == pytest.approx(expected.loss, rel=1e-5)
        assert found.accuracy == pytest.approx(expected.accuracy)

    assert limited.parts == {1: 4, 2: 2, 3: 2}[fits]
    for one, other in zip(whole.values, limited.values, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-3, atol=1e-5)
    said = capsys.readouterr().out
    assert f"CPU:0 is out of memory: going on in parts of {4 // limited.parts} photos" in said


def test_one_graph_learns_from_all_batches_also_the_last_and_smaller_one(
    batches: Sequence[Batch],
) -> None:
    network = Limited(fits=4)
    learner = learner_of(network)

    for batch in batches:
        learner.step(batch, 0.1)

    assert [batch.count for batch in batches] == [4, 4, 2]
    assert len(network.traced) == 1


def test_memory_for_not_even_one_photo_is_an_error(batches: Sequence[Batch]) -> None:
    with pytest.raises(UserError, match="too little memory to learn from one photo of 32 × 32"):
        learner_of(Limited(fits=0)).step(batches[0], 0.1)


# The end


def test_what_gains_nothing_ends_early_and_leaves_the_backbone_as_it_was(
    small: Path, tmp_path: Path
) -> None:
    begin = tunings.start(small, tmp_path)
    chosen = settings(epochs=9, patience=2, learning_rate=1.0, warmup=0, unfreeze=1)

    tuned, epochs = tunings.tune(begin, tmp_path, "t", chosen)

    losses = [epoch.val_loss for epoch in epochs]
    assert len(epochs) == int(np.argmin(losses)) + 1 + 2
    if np.argmin(losses) == 0:
        before, after = (
            architectures.read("mobilenet_v2", folder).blocks[-1].convolutions[0].kernel
            for folder in (small, tuned)
        )
        np.testing.assert_array_equal(before, after)


def test_the_forecast_changes_nothing(convolutional: Path, tmp_path: Path) -> None:
    begin = tunings.start(convolutional, tmp_path)
    asked = Tuning("t", settings(), begin, checkpoints=tmp_path / "c1")

    said = asked.forecast()
    epochs = asked.run(Watch())

    assert "an epoch of 10 photos takes about" in said
    assert "faster: " in said
    assert epochs == tunings.tune(begin, tmp_path, "t", settings())[1]


def test_the_rate_rises_and_then_falls_as_half_a_cosine() -> None:
    chosen = settings(epochs=5, warmup=1, learning_rate=0.8)

    rates = [schedule.rate(step, chosen, steps=4) for step in range(20)]

    assert rates[:5] == pytest.approx([0.16, 0.32, 0.48, 0.64, 0.8])
    assert rates[12] == pytest.approx(0.4)
    assert 0 < rates[-1] < 0.01
    assert rates[4:] == sorted(rates[4:], reverse=True)
    assert schedule.rate(0, settings(warmup=0, learning_rate=0.8), steps=4) == 0.8


def test_augmentation_is_not_in_what_is_measured(convolutional: Path, tmp_path: Path) -> None:
    begin = tunings.start(convolutional, tmp_path)
    mild = settings(augment=Augment(crop=1, flip=False, colour=0))
    strong = settings(augment=Augment(crop=0.1, flip=True, colour=0.9))

    (a, *_), (b, *_) = (
        Tuning("t", chosen, begin, checkpoints=tmp_path / "c").run(Watch())
        for chosen in (mild, strong)
    )

    assert a == b
