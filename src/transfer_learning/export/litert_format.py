"""The classifier for LiteRT (TensorFlow Lite): one photo's pixels in, probabilities out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from transfer_learning.classifier.engines import pixels_name
from transfer_learning.export.parts import LeftOut
from transfer_learning.export.tensorflow_graph import Graph
from transfer_learning.runtime.errors import clipped
from transfer_learning.runtime.tensorflow_quiet import tf

FOLDER = "litert"
FLOAT32, FLOAT16 = f"{FOLDER}/float32.tflite", f"{FOLDER}/float16.tflite"
# Of the metadata in the file: a buffer that the flatbuffer's list ``metadata`` names so.
METADATA = "classifier.json"


def write(graph: Graph, folder: Path) -> None:
    """Write a model with float32 weights, and one of half the size with float16 weights.

    The inputs are ``pixels_0`` and so on, uint8 [1, R, R, 3], one for each member; the output is
    ``probabilities``, float32 [1, C].  Labels and the pixels' preparation are in the metadata.

    Raises:
        LeftOut: LiteRT has no such operations.
    """
    models = {name: _convert(graph, half=name == FLOAT16) for name in (FLOAT32, FLOAT16)}
    (folder / FOLDER).mkdir(parents=True, exist_ok=True)
    for name, model in models.items():
        (folder / name).write_bytes(_with_metadata(model, graph))


def read_metadata(path: Path) -> dict[str, Any]:
    """Return the metadata of a file that ``write`` wrote."""
    from tensorflow.lite.python import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(path.read_bytes(), 0)
    (index,) = (item.buffer for item in model.metadata if item.name == METADATA.encode())
    return json.loads(bytes(model.buffers[index].data))


def _convert(graph: Graph, *, half: bool) -> bytes:
    def classify(**pixels: Any) -> dict[str, Any]:
        by_member = {
            name: pixels[pixels_name(index)] for index, name in enumerate(graph.parts.members)
        }
        return {"probabilities": graph.probabilities(graph.features(by_member), tf.float32)}

    specs = {
        pixels_name(index): tf.TensorSpec(
            [1, item.info.resolution, item.info.resolution, 3], tf.uint8, name=pixels_name(index)
        )
        for index, item in enumerate(graph.parts.members.values())
    }
    function = tf.function(classify, autograph=False).get_concrete_function(**specs)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], tf.Module())
    if half:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
    try:
        return converter.convert()
    # The converter raises several kinds, with hundreds of lines.
    except Exception as error:
        reason = clipped(str(error).strip().partition("\n")[0])
        raise LeftOut(f"TensorFlow's converter to LiteRT refuses it: {reason}") from None


def _with_metadata(model: bytes, graph: Graph) -> bytes:
    # Here, so that tensorflow_quiet loads TensorFlow.
    import flatbuffers
    from tensorflow.lite.python import schema_py_generated as schema

    parts = graph.parts
    described = {
        "labels": parts.classes,
        "inputs": [
            {"name": pixels_name(index), "side": item.info.resolution, "backbone": name}
            for index, (name, item) in enumerate(parts.members.items())
        ],
        "preparation": (
            "upright by EXIF, on white where transparent, RGB of 0 to 255; resized to side × side "
            "pixels, without keeping the aspect, as tf.image.resize does with method and "
            "antialias, rounded to whole levels"
        ),
        "method": parts.resize.method,
        "antialias": parts.resize.antialias,
    }
    unpacked = schema.ModelT.InitFromPackedBuf(model, 0)
    buffer, entry = schema.BufferT(), schema.MetadataT()
    buffer.data = list(json.dumps(described, ensure_ascii=False).encode())
    entry.name, entry.buffer = METADATA, len(unpacked.buffers)
    unpacked.buffers.append(buffer)
    unpacked.metadata = [*(unpacked.metadata or []), entry]
    builder = flatbuffers.Builder(len(model))
    builder.Finish(unpacked.Pack(builder), b"TFL3")
    return bytes(builder.Output())
