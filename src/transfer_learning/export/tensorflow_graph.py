"""The classifier in TensorFlow, whose weights are constants: what both of its formats hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from transfer_learning import backbones
from transfer_learning.backbones import artifact, freeze, tensorflow_network
from transfer_learning.export.parts import LeftOut, Parts
from transfer_learning.photos import tf_resizing
from transfer_learning.runtime.tensorflow_quiet import tf


@dataclass(frozen=True)
class Graph:
    """Functions of TensorFlow; ``members`` give features for images in [0, 1], by their names."""

    parts: Parts
    members: Mapping[str, Any]

    def features(self, pixels: Mapping[str, Any]) -> Any:
        """Return float32 [N, D] of uint8 [N, R, R, 3] by member."""
        vectors = [
            extract(tf.cast(pixels[name], tf.float32) / 255.0)
            for name, extract in self.members.items()
        ]
        return tf.concat(vectors, axis=1)

    def probabilities(self, features: Any, dtype: Any) -> Any:
        """Return float32 [N, C], calibrated; the head is computed in ``dtype``."""
        head = self.parts.head
        kernel, bias = (tf.constant(weights, dtype) for weights in (head.kernel, head.bias))
        logits = tf.cast(features, dtype) @ kernel + bias
        temperature = tf.constant(self.parts.temperature, dtype)
        return tf.cast(tf.nn.softmax(logits / temperature), tf.float32)

    def resized(self, image: Any) -> dict[str, Any]:
        """Return uint8 [N, R, R, 3] by member of uint8 [N, H, W, 3]; the same without N."""
        by_side: dict[int, Any] = {}
        for backbone in self.parts.members.values():
            side = backbone.info.resolution
            if side not in by_side:
                by_side[side] = tf_resizing.resize(
                    image, resolution=side, settings=self.parts.resize
                )
        return {name: by_side[item.info.resolution] for name, item in self.parts.members.items()}


def build(parts: Parts) -> Graph:
    """Read the members.

    Raises:
        LeftOut: TensorFlow cannot run one of them.
    """
    members = {}
    for name, backbone in parts.members.items():
        info = backbone.info
        if info.network == artifact.OPENVINO_FILE:
            raise LeftOut(f"TensorFlow cannot run {info.handle}, a network for OpenVINO")
        extractor = backbones.load(backbone.folder, info=info)
        graph = freeze.frozen_graph(extractor)
        members[name] = tensorflow_network.from_graph(graph, info.resolution)
    return Graph(parts, members)
