"""TensorFlow as the engine: order, one graph per shape, smaller batches where memory runs out."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from artifacts import saved_model
from imports import SRC

from transfer_learning.features import tensorflow_engine
from transfer_learning.features.features import Features
from transfer_learning.features.tensorflow_engine import TensorFlow
from transfer_learning.photos import records
from transfer_learning.runtime.errors import UserError
from transfer_learning.runtime.tensorflow_quiet import tf

SIDE = 8
PHOTOS = 70
CLASSES = ("daisy", "rose", "tulip")


class Averaging:
    """A fake network: a photo's features are its mean red, green and blue; memory is limited."""

    def __init__(self, fits: int = PHOTOS) -> None:
        self.fits = fits
        self.traced: list[int] = []

    def __call__(self, images: Any) -> Any:
        assert images.dtype == tf.float32
        batch = images.shape[0]
        self.traced.append(batch)
        if batch > self.fits:
            raise tf.errors.ResourceExhaustedError(None, None, "out of memory")
        return tf.reduce_mean(images, [1, 2])


def pixels(number: int) -> np.ndarray:
    """Return the photo's pixels: no two photos of a file have the same mean."""
    photo = np.zeros((SIDE, SIDE, 3), np.uint8)
    photo[...] = (number, 2 * number, 255 - number)
    return photo


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    # The ids are out of alphabetical order, so that sorting would show.
    photos = (
        records.Record(f"{-number % PHOTOS}/ö.jpg", number % 3, pixels(number).tobytes())
        for number in range(PHOTOS)
    )
    records.write_shards(tmp_path, "test", photos, photos=PHOTOS)
    return records.shards(tmp_path, "test")


def engine(extractor: Averaging, *, batch: int) -> TensorFlow:
    return TensorFlow(extractor, resolution=SIDE, precision="float32", device="CPU:0", batch=batch)


def assert_complete(features: Features) -> None:
    numbers = range(PHOTOS)
    assert features.ids.tolist() == [f"{-number % PHOTOS}/ö.jpg" for number in numbers]
    assert features.labels.dtype == np.int64
    assert features.labels.tolist() == [number % 3 for number in numbers]
    assert features.classes.tolist() == list(CLASSES)
    assert features.features.dtype == np.float32
    expected = np.array([pixels(number).mean(axis=(0, 1)) / 255 for number in numbers])
    np.testing.assert_allclose(features.features, expected, atol=1e-6)


# One batch, several with a rest, and more than are left on the device at once.
@pytest.mark.parametrize("batch", [128, 32, 4])
def test_every_photo_comes_once_in_the_order_of_the_records(batch: int, paths: list[Path]) -> None:
    advanced: list[int] = []

    features = engine(Averaging(fits=128), batch=batch).extract(paths, CLASSES, advanced.append)

    assert_complete(features)
    assert sum(advanced) == PHOTOS


def test_all_splits_run_in_one_graph(paths: list[Path]) -> None:
    extractor = Averaging()
    one_engine = engine(extractor, batch=32)

    for _ in range(2):
        one_engine.extract(paths, CLASSES, lambda count: None)

    assert extractor.traced == [32]


def test_several_threads_share_the_network_and_find_out_once_that_memory_is_short(
    paths: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    extractor = Averaging(fits=10)
    one_engine = engine(extractor, batch=32)

    with ThreadPoolExecutor(3) as threads:
        found = threads.map(
            lambda _: one_engine.extract(paths, CLASSES, lambda count: None), range(6)
        )
        for features in found:
            assert_complete(features)

    assert sorted(set(extractor.traced)) == [8, 16, 32]
    said = capsys.readouterr().out
    assert [said.count(f"batches of {batch}") for batch in (16, 8, 4)] == [1, 1, 0]


def test_out_of_memory_is_answered_by_a_smaller_batch(
    paths: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    extractor = Averaging(fits=10)
    one_engine = engine(extractor, batch=32)
    advanced: list[int] = []

    features = one_engine.extract(paths, CLASSES, advanced.append)
    one_engine.extract(paths, CLASSES, lambda count: None)

    assert_complete(features)
    assert sum(advanced) == PHOTOS
    assert extractor.traced == [32, 16, 8]
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 2
    assert "out of memory" in said[-1]
    assert "batches of 8" in said[-1]


class LateFailure(Averaging):
    """Runs out of memory at the third batch, as on a GPU that something else begins to use."""

    def __init__(self) -> None:
        super().__init__()
        self.batches = 0

    def __call__(self, images: Any) -> Any:
        with tf.control_dependencies([tf.py_function(self.count, [], [])]):
            return super().__call__(images)

    def count(self) -> None:
        self.batches += 1
        if self.batches == 3:
            # TensorFlow makes it a ResourceExhaustedError.
            raise MemoryError


def test_photos_done_before_memory_ran_out_are_done_again_and_counted_once(
    paths: list[Path],
) -> None:
    advanced: list[int] = []

    features = engine(LateFailure(), batch=16).extract(paths, CLASSES, advanced.append)

    assert_complete(features)
    assert min(advanced) < 0
    assert sum(advanced) == PHOTOS


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (tf.errors.ResourceExhaustedError, "OOM when allocating tensor with shape[256,112,112,32]"),
        (tf.errors.InternalError, "cuDevicePrimaryCtxRetain: CUDA_ERROR_OUT_OF_MEMORY"),
        (tf.errors.InternalError, "CUDA runtime initialization failed. Status: out of memory"),
        (tf.errors.InternalError, "Failed copying input tensor: Dst tensor is not initialized."),
        (tf.errors.NotFoundError, "No algorithm worked!"),
        (tf.errors.FailedPreconditionError, "DNN library initialization failed."),
        (tf.errors.UnimplementedError, "DNN library is not found."),
        (tf.errors.UnknownError, "Failed to get convolution algorithm. This is probably"),
    ],
)  # fmt: skip
def test_a_gpu_without_memory_is_known_by_whatever_it_says(
    kind: type[tf.errors.OpError], message: str, paths: list[Path]
) -> None:
    class Full(Averaging):
        def __call__(self, images: Any) -> Any:
            if images.shape[0] > 16:
                raise kind(None, None, message)
            return super().__call__(images)

    one_engine = engine(Full(), batch=32)

    assert_complete(one_engine.extract(paths, CLASSES, lambda count: None))
    assert one_engine.batch == 16


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (tf.errors.NotFoundError, "data/tfrecords/224/test.tfrecord; No such file or directory"),
        (tf.errors.InternalError, "Blas GEMM launch failed"),
        (tf.errors.FailedPreconditionError, "Attempting to use uninitialized value"),
        (tf.errors.UnimplementedError, "the op is not supported"),
        (tf.errors.UnknownError, "a file is damaged"),
        (tf.errors.InvalidArgumentError, "out of memory"),
    ],
)
def test_other_errors_of_these_kinds_pass_through(
    kind: type[tf.errors.OpError], message: str, paths: list[Path]
) -> None:
    class Broken(Averaging):
        def __call__(self, images: Any) -> Any:
            raise kind(None, None, message)

    with pytest.raises(kind, match=message):
        engine(Broken(), batch=32).extract(paths, CLASSES, lambda count: None)


def test_memory_for_not_even_one_photo_is_an_error(paths: list[Path]) -> None:
    with pytest.raises(UserError, match="CPU:0 has too little memory for one photo of 8 × 8"):
        engine(Averaging(fits=0), batch=4).extract(paths, CLASSES, lambda count: None)


# Precision


def test_the_recorded_precision_is_what_a_gpu_without_bfloat16_can_do(
    package: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # No such card is at hand; what it answers of itself stands for it.
    monkeypatch.setattr(tensorflow_engine.hardware, "compute_capability", lambda tf: (7, 5))
    monkeypatch.setattr(tf.config.experimental, "enable_op_determinism", lambda: None)

    engine = tensorflow_engine.open_engine(package("mobilenet_v2"), "bfloat16", device="GPU:0")

    assert engine.precision == "float32"
    assert not tf.config.experimental.tensor_float_32_execution_enabled()
    assert "7.5" in capsys.readouterr().out


@pytest.fixture
def tensor_float_32() -> Iterator[None]:
    """TensorFlow's own setting, put back."""
    before = tf.config.experimental.tensor_float_32_execution_enabled()
    yield
    tf.config.experimental.enable_tensor_float_32_execution(before)


class Pooled(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([None, 32, 32, 3], tf.float32)])
    def __call__(self, images: Any) -> Any:
        return tf.reduce_mean(images, [1, 2])


@pytest.mark.usefixtures("tensor_float_32")
@pytest.mark.parametrize(
    ("network", "precision", "device", "computed_in"),
    [
        ("mobilenet_v2", "float32", "GPU:0", "float32"),
        ("mobilenet_v2", "bfloat16", "GPU:0", "bfloat16"),
        ("saved_model", "float32", "GPU:0", "float32"),
        ("saved_model", "bfloat16", "GPU:0", "tensorfloat32"),
        ("saved_model", "bfloat16", "CPU:0", "float32"),
    ],
)
def test_the_precision_is_the_one_that_the_network_and_the_device_allow(
    network: str,
    precision: str,
    device: str,
    computed_in: str,
    package: Callable[[str], Path],
    tmp_path: Path,
) -> None:
    artifact = (
        saved_model(Pooled(), tmp_path, features=3)
        if network == "saved_model"
        else package(network)
    )

    one_engine = tensorflow_engine.open_engine(artifact, precision, device=device)

    assert one_engine.precision == computed_in
    allowed = tf.config.experimental.tensor_float_32_execution_enabled()
    assert allowed == (computed_in != "float32")


def test_bfloat16_is_coarser_and_near(package: Callable[[str], Path]) -> None:
    code = (
        "import sys, numpy as np\n"
        "from transfer_learning import backbones\n"
        "images = np.random.default_rng(0).random((1, 224, 224, 3), dtype=np.float32)\n"
        "coarse = np.asarray(backbones.load(sys.argv[1], dtype='bfloat16')(images))\n"
        "exact = np.asarray(backbones.load(sys.argv[1])(images))\n"
        "print(coarse.dtype, np.abs(coarse - exact).max() / np.abs(exact).max())\n"
    )
    # With TensorFlow's own kernels: oneDNN's take bfloat16 by the CPU's name, and fail where
    # ONEDNN_MAX_CPU_ISA hides it.
    done = subprocess.run(
        [sys.executable, "-c", code, package("mobilenet_v2")],
        env=os.environ | {"TF_ENABLE_ONEDNN_OPTS": "0", "PYTHONPATH": str(SRC)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip

    dtype, error = done.stdout.split()
    assert dtype == "float32"
    assert 1e-3 < float(error) < 0.2
