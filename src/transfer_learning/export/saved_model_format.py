"""The classifier as a SavedModel: photos' bytes in, or pixels; TensorFlow and TF Serving run it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transfer_learning.classifier.engines import FEATURES, SAVED_MODEL, pixels_name
from transfer_learning.export.tensorflow_graph import Graph
from transfer_learning.runtime.tensorflow_quiet import tf

# Of a PNG: where its header has the bits of a channel (W3C PNG, 11.2.2), and what is too many.
DEPTH_AT, DEEP = 24, b"\x10"


def write(graph: Graph, folder: Path) -> None:
    """Write ``saved_model/`` with three signatures, N photos each.

    ``serving_default``: ``image_bytes`` string [N], JPEG or PNG, to ``probabilities`` float32
    [N, C], ``label`` string [N] and ``score`` float32 [N].  It does not turn photos.
    ``pixels``: ``pixels`` uint8 [N, H, W, 3], upright and on white, to the same.
    ``features``: uint8 [N, R, R, 3] of each member to ``features`` float32 [N, D].
    """
    module = tf.Module()
    module.members = list(graph.members.values())
    path = folder / SAVED_MODEL
    tf.saved_model.save(module, str(path), signatures=_signatures(graph))
    _make_stable(path)


def _signatures(graph: Graph) -> dict[str, Any]:
    names = tf.constant(graph.parts.classes)

    def answers(pixels: dict[str, Any]) -> dict[str, Any]:
        found = graph.probabilities(graph.features(pixels), tf.float64)
        return {
            "probabilities": found,
            "label": tf.gather(names, tf.argmax(found, axis=1)),
            "score": tf.reduce_max(found, axis=1),
        }

    def from_bytes(image_bytes: Any) -> dict[str, Any]:
        members = graph.parts.members
        kinds = {
            name: tf.TensorSpec([item.info.resolution] * 2 + [3], tf.uint8)
            for name, item in members.items()
        }
        pixels = tf.map_fn(
            lambda encoded: graph.resized(_decode(encoded)),
            image_bytes,
            fn_output_signature=kinds,
        )
        return answers(pixels)

    def from_pixels(pixels: Any) -> dict[str, Any]:
        return answers(graph.resized(pixels))

    def to_features(**pixels: Any) -> dict[str, Any]:
        by_member = {
            name: pixels[pixels_name(index)] for index, name in enumerate(graph.parts.members)
        }
        return {"features": graph.features(by_member)}

    sides = [item.info.resolution for item in graph.parts.members.values()]
    specs = {
        pixels_name(index): tf.TensorSpec([None, side, side, 3], tf.uint8, name=pixels_name(index))
        for index, side in enumerate(sides)
    }
    return {
        "serving_default": tf.function(from_bytes, autograph=False).get_concrete_function(
            tf.TensorSpec([None], tf.string, name="image_bytes")
        ),
        "pixels": tf.function(from_pixels, autograph=False).get_concrete_function(
            tf.TensorSpec([None, None, None, 3], tf.uint8, name="pixels")
        ),
        FEATURES: tf.function(to_features, autograph=False).get_concrete_function(**specs),
    }


def _decode(encoded: Any) -> Any:
    """Return a JPEG or PNG, a string scalar, as uint8 [H, W, 3], on white."""
    return tf.cond(
        tf.io.is_jpeg(encoded),
        lambda: tf.io.decode_jpeg(encoded, channels=3, dct_method="INTEGER_ACCURATE"),
        lambda: _decode_png(encoded),
    )


def _decode_png(encoded: Any) -> Any:
    # A deep one would be cut to 8 bits, while the pipeline refuses it.
    depth = tf.strings.substr(tf.strings.join([encoded, "\0" * (DEPTH_AT + 1)]), DEPTH_AT, 1)
    shallow = tf.debugging.Assert(
        tf.not_equal(depth, DEEP), ["it has more than 8 bits a channel; save it with 8"]
    )
    with tf.control_dependencies([shallow]):
        # As many channels as the file has: asked for four, TensorFlow makes a palette of less than
        # 8 bits, or black and white, all but transparent.
        image = tf.cast(tf.io.decode_png(encoded, channels=0), tf.int32)
    channels = tf.shape(image)[2]
    colours = tf.cond(
        channels < 3, lambda: tf.repeat(image[..., :1], 3, axis=2), lambda: image[..., :3]
    )
    opacity = tf.cond(
        channels % 2 == 0, lambda: image[..., -1:], lambda: tf.fill(tf.shape(image[..., :1]), 255)
    )
    # Pillow's division by 255, to the nearest, so that the pixels are those of photos.pixels.
    mixed = colours * opacity + 255 * (255 - opacity) + 128
    return tf.cast((mixed // 256 + mixed) // 256, tf.uint8)


def _make_stable(path: Path) -> None:
    """Give equal classifiers equal bytes."""
    # It holds a random number, and TensorFlow does without it.
    (path / "fingerprint.pb").unlink(missing_ok=True)
