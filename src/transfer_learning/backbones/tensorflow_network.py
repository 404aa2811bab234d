"""A package's network as a function from images to features, in TensorFlow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transfer_learning.backbones import Extractor
from transfer_learning.backbones.architectures import Convolution, Network
from transfer_learning.runtime.tensorflow_quiet import tf


def images_spec(resolution: int) -> Any:
    """Return the ``tf.TensorSpec`` of images float32 [N, R, R, 3]."""
    return tf.TensorSpec([None, resolution, resolution, 3], tf.float32)


def build(network: Network, *, resolution: int, dtype: str) -> Extractor:
    """Return the network, computed in ``dtype``, as a function from images to features."""

    @tf.function(input_signature=[images_spec(resolution)])
    def extract(images: Any) -> Any:
        return _apply(network, images, tf.as_dtype(dtype))

    return extract


def load_frozen(path: Path, resolution: int) -> Extractor:
    """Return the graph that ``freeze.write_frozen_graph`` wrote as a function to features."""
    graph = tf.compat.v1.GraphDef()
    graph.ParseFromString(path.read_bytes())
    return from_graph(graph, resolution)


def from_graph(graph: Any, resolution: int) -> Extractor:
    """Return what ``freeze.frozen_graph`` returned as a function from images to features."""
    (images,) = (node.name for node in graph.node if node.op == "Placeholder")
    imported = tf.compat.v1.wrap_function(lambda: tf.import_graph_def(graph, name=""), [])
    # The name that TensorFlow gives the only output of a function.
    run = imported.prune(f"{images}:0", "Identity:0")
    return tf.function(run, input_signature=[images_spec(resolution)], autograph=False)


def _apply(network: Network, images: Any, dtype: Any) -> Any:
    # Weights enter the graph as constants, which lets TensorFlow optimise it as a frozen one.
    x = tf.cast((images - tf.constant(network.mean)) / tf.constant(network.std), dtype)
    for block in network.blocks:
        y = x
        for convolution in block.convolutions:
            y = _convolve(y, convolution)
        x = x + y if block.residual else y
    # A mean of thousands of numbers would lose what bfloat16 still had.
    return tf.reduce_mean(tf.cast(x, tf.float32), axis=[1, 2])


def _convolve(x: Any, convolution: Convolution) -> Any:
    kernel, stride, padding = convolution.kernel, convolution.stride, "SAME"
    if convolution.symmetric and stride > 1:
        # TensorFlow's SAME pads an even side more at its end.
        pad = [kernel.shape[2] // 2] * 2
        x, padding = tf.pad(x, [[0, 0], pad, pad, [0, 0]]), "VALID"
    strides = [1, stride, stride, 1]
    if convolution.depthwise:
        # [C, 1, kh, kw] → [kh, kw, C, 1]
        weights = tf.constant(kernel.transpose(2, 3, 0, 1), x.dtype)
        x = tf.nn.depthwise_conv2d(x, weights, strides, padding)
    else:
        weights = tf.constant(kernel.transpose(2, 3, 1, 0), x.dtype)
        x = tf.nn.conv2d(x, weights, strides, padding)
    x = tf.nn.bias_add(x, tf.constant(convolution.bias, x.dtype))
    return tf.nn.relu6(x) if convolution.relu6 else x
