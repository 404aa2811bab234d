"""The engines, and how each uses the cores."""

from __future__ import annotations

import importlib.util
import queue
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.engines.conversion import converted
from transfer_learning.runtime import hardware

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
    from transfer_learning.backbones.artifact import BackboneInfo
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


def missing(candidate: Candidate) -> list[str]:
    """Return what a candidate needs and is not there."""
    if candidate.load is openvino_bfloat16:
        from transfer_learning.runtime.openvino_quiet import openvino

        capabilities = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        return [] if "BF16" in capabilities else ["a CPU with bfloat16"]
    return [name for name in candidate.modules if importlib.util.find_spec(name) is None]
