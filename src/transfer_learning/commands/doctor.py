"""What this machine will use and why, and how fast it is: ``make doctor``.

Nothing is fetched or written; a backbone that was built is run on pixels of noise.
"""

from __future__ import annotations

import platform
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path

import numpy as np

from transfer_learning.backbones.artifact import BackboneInfo
from transfer_learning.config import params, paths
from transfer_learning.config.params import Precision
from transfer_learning.runtime import hardware, nvidia
from transfer_learning.runtime.errors import UserError

# A photo's share of the records, per pixel: three bytes.
BYTES_PER_PIXEL = 3
# Long enough that the clock and the first batches don't show.
SECONDS = 2.0
# Seen once, in batches, to compare the devices.
COMPARED = 8


@dataclass(frozen=True)
class Measured:
    """One device: features, float32 [COMPARED, D], start-up in seconds, and photos/s after it.

    ``engine`` names the library and the arithmetic.
    """

    engine: str
    features: np.ndarray
    start: float
    speed: float

    def __str__(self) -> str:
        return f"{self.speed:.0f} photos/s after {self.start:.1f} s ({self.engine})"


def run() -> int:
    """Print the report; return 0 where the set-up is usable, 1 where the user must act."""
    settings = params.load()
    start = time.perf_counter()
    gpu = nvidia.look()
    # It loads TensorFlow where there is a GPU.
    looked = time.perf_counter() - start
    for key, value in _facts(settings, gpu):
        print(f"{key:<12} {value}")
    for line in _measurements(settings, usable=gpu.usable, looked=looked):
        print(line)
    return 1 if gpu.unused_because else 0


def _facts(settings: params.Params, gpu: nvidia.Gpu) -> Iterator[tuple[str, str]]:
    yield "Python", platform.python_version()
    package = "tensorflow" if nvidia.cuda_build() else "tensorflow-cpu"
    yield "TensorFlow", f"{metadata.version(package)} ({package})"
    yield "CPU", hardware.label(hardware.describe())
    # Free memory is the card's, also of one cut into slices.
    query = nvidia.nvidia_smi("--query-gpu=driver_version,memory.free", "--format=csv,noheader")
    driver, _, free = query.partition("\n")[0].partition(", ")
    yield "driver", driver or "none that answers to nvidia-smi"
    yield "CUDA", _cuda_libraries()
    yield "GPU", _gpu(gpu, free)
    engine = "TensorFlow on the GPU" if gpu.usable else "OpenVINO on the CPU"
    yield "engine", f"{engine}, for extract; the other stages use the CPU"
    yield "precision", f"{settings.extract.precision} (params.yaml: extract.precision)"
    yield "disk", f"{shutil.disk_usage(Path()).free / 1e9:.1f} GB free; {_disk_needed(settings)}"


def _gpu(gpu: nvidia.Gpu, free: str) -> str:
    if gpu.usable:
        from transfer_learning.runtime.tensorflow_quiet import tf

        capability = hardware.compute_capability(tf)
        known = ".".join(map(str, capability)) if capability else "not known"
        return f"{', '.join(gpu.names) or 'used'}; compute capability {known}; {free} free"
    if gpu.unused_because:
        return f"not used: {gpu.unused_because}"
    return "hidden by CUDA_VISIBLE_DEVICES" if nvidia.hidden() else "none: no NVIDIA driver is here"


def _cuda_libraries() -> str:
    found = sorted(
        f"{name.removeprefix('nvidia-').removesuffix('-cu12')} {package.version}"
        for package in metadata.distributions()
        if (name := package.metadata["Name"]).startswith("nvidia-") and name.endswith("-cu12")
    )
    driver = "libcuda.so.1 found" if nvidia.driver_library() else "no libcuda.so.1"
    return f"{driver}; {', '.join(found) or 'no CUDA packages (make setup KIND=cuda)'}"


def _disk_needed(settings: params.Params) -> str:
    each = sum(BYTES_PER_PIXEL * side**2 for side in settings.resolutions)
    return f"1,000 photos take {1000 * each / 1e9:.2f} GB as records"


def _measurements(settings: params.Params, *, usable: bool, looked: float) -> Iterator[str]:
    built = [name for name in settings.backbones if _is_built(name)]
    if not built:
        yield "speed        no backbone is built: run make repro first"
        return
    folder, name = paths.backbone(built[0]), built[0]
    side = BackboneInfo.read(folder).resolution
    pixels = np.random.default_rng(0).integers(0, 256, (COMPARED, side, side, 3), np.uint8)
    cpu = _on_cpu(folder, pixels, settings.extract.precision)
    yield f"{name} on the CPU: {cpu}"
    if not usable:
        return
    gpu = _in_tensorflow(folder, pixels, settings.extract.precision, device="GPU:0")
    gpu = replace(gpu, start=gpu.start + looked)
    yield f"{name} on the GPU: {gpu}"
    difference = np.abs(cpu.features - gpu.features).max() / np.abs(cpu.features).max()
    yield f"largest difference of their features: {difference:.1e} of the largest feature"
    yield verdict(cpu, gpu)


def _is_built(name: str) -> bool:
    return (paths.backbone(name) / "backbone.json").is_file()


def _on_cpu(folder: Path, pixels: np.ndarray, precision: Precision) -> Measured:
    start = time.perf_counter()
    from transfer_learning.features.openvino_engine import OpenVino

    try:
        engine = OpenVino(folder, precision)
    except RuntimeError:
        return _in_tensorflow(folder, pixels, precision, device="CPU:0")
    images = [image.tobytes() for image in pixels]
    batches = [images[at : at + engine.batch] for at in range(0, len(images), engine.batch)]
    features = np.concatenate(list(engine.run(batches)))

    def forward(until: float) -> int:
        endless = (batches[number % len(batches)] for number in _while(until))
        return sum(map(len, engine.run(endless)))

    return _measured(f"OpenVINO, {engine.precision}", features, start, forward)


def _in_tensorflow(
    folder: Path, pixels: np.ndarray, precision: Precision, *, device: str
) -> Measured:
    """Measure TensorFlow on a device.

    Raises:
        UserError: the device fails, such as a GPU whose memory others hold.
    """
    start = time.perf_counter()
    from transfer_learning.features import tensorflow_engine
    from transfer_learning.runtime.tensorflow_quiet import tf

    try:
        engine = tensorflow_engine.open_engine(folder, precision, device=device)
        full = np.resize(pixels, (engine.batch, *pixels.shape[1:]))
        features = engine.forward(full)[: len(pixels)]

        def forward(until: float) -> int:
            return sum(len(engine.forward(full)) for _ in _while(until))

        return _measured(f"TensorFlow, {engine.precision}", features, start, forward)
    except tf.errors.OpError as error:
        said = error.message.strip().partition("\n")[0]
        raise UserError(f"{device} fails: {said}; nvidia-smi shows what else uses it") from None


def _measured(
    engine: str, features: np.ndarray, start: float, forward: Callable[[float], int]
) -> Measured:
    """Measure ``forward``, which works until a time of the clock and returns how many photos."""
    ready = time.perf_counter()
    photos = forward(ready + SECONDS)
    return Measured(engine, features, ready - start, photos / (time.perf_counter() - ready))


def _while(until: float) -> Iterator[int]:
    number = 0
    while time.perf_counter() < until:
        yield number
        number += 1


def verdict(cpu: Measured, gpu: Measured) -> str:
    """Return which device is faster for how many photos, start-up included.

    The break-even n solves start + n / speed of the one = that of the other.
    """
    gain = 1 / cpu.speed - 1 / gpu.speed
    later = gpu.start - cpu.start
    if gain <= 0:
        return (
            "the CPU is faster for any number of photos"
            if later >= 0
            else (f"the GPU is faster up to {later / gain:,.0f} photos, the CPU for more")
        )
    if later <= 0:
        return "the GPU is faster for any number of photos"
    return f"the CPU is faster up to {later / gain:,.0f} photos, the GPU for more"
