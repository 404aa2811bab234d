"""Pretrained networks: handles, how they are fetched, and the artifact that each becomes.

``load`` gives any of them as one function.  Import from here: ``artifact`` (what a backbone is),
``handles`` (what ``backbones.B.handle`` may be), ``fetch`` (a handle in, an artifact out),
``openvino_network`` and ``tensorflow_network`` (an artifact as a network of that library).
May import: config, runtime.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

Extractor = Callable[[Any], Any]


def load(folder: Path | str, *, dtype: Literal["float32", "bfloat16"] = "float32") -> Extractor:
    """Load a backbone's artifact in TensorFlow.

    Args:
        folder: the artifact's folder, such as ``data/backbones/mobilenet_v2``.
        dtype: in which a package's network is computed; a SavedModel's graph fixes its own types.

    Returns:
        A function from images, float32 [N, R, R, 3] in [0, 1], to features, float32 [N, D].
        The network's own normalisation is inside.

    Raises:
        UserError: a SavedModel cannot be loaded or is not a feature-vector module.
        FileNotFoundError: the folder is not a backbone's artifact.
    """
    # Here, because they load TensorFlow, and whoever reads an artifact's description does not.
    from transfer_learning.backbones import architectures, saved_model, tensorflow_network
    from transfer_learning.backbones.artifact import BackboneInfo

    folder = Path(folder)
    info = BackboneInfo.read(folder)
    if info.network == "saved_model":
        return saved_model.load(folder / "saved_model", info)
    network = architectures.read(info.network, folder)
    return tensorflow_network.build(network, resolution=info.resolution, dtype=dtype)
