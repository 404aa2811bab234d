"""Networks of ``keras.applications``: downloaded by Keras, kept as one graph.

Keras knows the weights' hashes (MD5 or SHA-256; it states none for MobileNet and MobileNetV2) and
keeps the files under ``KERAS_HOME``. A SavedModel has other bytes each time that it is written, and
a frozen graph has not.
"""

from __future__ import annotations

import hashlib
import os
import socket
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from transfer_learning.backbones import freeze
from transfer_learning.backbones.artifact import FROZEN, FROZEN_GRAPH, BackboneInfo
from transfer_learning.backbones.tensorflow_network import images_spec
from transfer_learning.config.params import Backbone
from transfer_learning.runtime.errors import UserError
from transfer_learning.runtime.tensorflow_quiet import tf

# Seconds that a server may be silent: Keras itself waits for ever.
SILENCE = 30.0


def fetch(name: str, backbone: Backbone, network: str, folder: Path) -> BackboneInfo:
    """Leave the network, its preprocessing and its average pooling in ``folder/frozen.pb``.

    Raises:
        UserError: Keras could not get its weights, or they have not ``backbone.sha256``.
    """
    # Else names, and so the graph's bytes, depend on what was built before.
    tf.keras.backend.clear_session()
    model = _build(name, backbone, network)
    sha256 = _weights_sha256(model)
    if backbone.sha256 not in (None, sha256):
        raise UserError(
            f"params.yaml: backbones.{name}.sha256 is {backbone.sha256}, but the weights of "
            f"{backbone.handle} have {sha256}; either they are not those you mean, or the key "
            "must be corrected"
        )
    folder.mkdir(parents=True, exist_ok=True)
    freeze.write_frozen_graph(_extractor(model, network, backbone.resolution), folder / FROZEN)
    return BackboneInfo(
        handle=backbone.handle,
        network=FROZEN_GRAPH,
        resolution=backbone.resolution,
        features=int(model.output_shape[-1]),
        parameters=model.count_params(),
        sha256=sha256,
        licence="as keras.io/api/applications states",
        multiply_adds=0,
        file_bytes=(folder / FROZEN).stat().st_size,
    )


def _build(name: str, backbone: Backbone, network: str) -> Any:
    side = backbone.resolution
    kept = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SILENCE)
    try:
        with warnings.catch_warnings():
            # MobileNets say that other sizes take the weights for 224, as all networks do.
            warnings.simplefilter("ignore")
            return getattr(tf.keras.applications, network)(
                include_top=False, weights="imagenet", input_shape=(side, side, 3), pooling="avg"
            )
    except Exception as error:  # get_file raises Exception itself, h5py what it meets
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        cache = Path(os.environ.get("KERAS_HOME", "~/.keras")) / "models"
        raise UserError(
            f"{backbone.handle} could not be fetched: {reason}\n"
            "check the network and run it again; remove the file from Keras's cache "
            f"({cache}) if it is damaged; without a network, set KERAS_HOME to a folder whose "
            f"models/ holds the file, or choose another backbones.{name}.handle"
        ) from None
    finally:
        socket.setdefaulttimeout(kept)


def _weights_sha256(model: Any) -> str:
    """Return one sha256 over all weights' bytes (little-endian), in Keras's order.

    It depends neither on TensorFlow's version nor on the format of the file.
    """
    digest = hashlib.sha256()
    for weights in model.get_weights():
        digest.update(np.ascontiguousarray(weights, weights.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()


def _extractor(model: Any, network: str, resolution: int) -> Any:
    # Each family's module has its own preprocess_input, from [0, 255]: to [−1, 1], by ImageNet's
    # mean and deviation, to BGR, or nothing where the network itself begins with it.
    application = getattr(tf.keras.applications, network)
    preprocess = sys.modules[application.__module__].preprocess_input

    @tf.function(input_signature=[images_spec(resolution)], autograph=False)
    def extract(images: Any) -> Any:
        return model(preprocess(images * 255.0), training=False)

    return extract
