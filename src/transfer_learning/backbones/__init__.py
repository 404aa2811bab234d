"""Pretrained networks: handles, how they are fetched, and the artifact that each becomes.

``load`` gives any of them as one function.  Import from here: ``artifact`` (what a backbone is),
``handles`` (what ``backbones.B.handle`` may be), ``fetch`` (a handle in, an artifact out),
``openvino_network`` and ``tensorflow_network`` (an artifact as a network of that library).
May import: config, runtime.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from transfer_learning.backbones.artifact import BackboneInfo

Extractor = Callable[[Any], Any]


def load(
    folder: Path | str,
    *,
    dtype: Literal["float32", "bfloat16"] = "float32",
    info: BackboneInfo | None = None,
) -> Extractor:
    """Load a backbone's artifact as a function: in TensorFlow, or OpenVINO where only that runs it.

    Args:
        folder: the artifact's folder, such as ``data/backbones/mobilenet_v2``.
        dtype: in which a package's network is computed; other graphs fix their own types.
        info: what its ``backbone.json`` says, where that was read already.

    Returns:
        A function from images, float32 [N, R, R, 3] in [0, 1], to features, float32 [N, D]: a
        ``tf.Tensor``, or of a network from an ``.onnx`` or ``.xml`` file, which runs on the CPU,
        an ``np.ndarray``. The network's own normalisation is inside.

    Raises:
        UserError: a SavedModel cannot be loaded or is not a feature-vector module.
        FileNotFoundError: the folder is not a backbone's artifact.
    """
    # Here, because they load TensorFlow, and whoever reads an artifact's description does not.
    from transfer_learning.backbones import artifact

    folder = Path(folder)
    info = artifact.BackboneInfo.read(folder) if info is None else info
    if info.network == artifact.OPENVINO_FILE:
        from transfer_learning.backbones import openvino_network

        return openvino_network.load(folder, info)
    from transfer_learning.backbones import architectures, saved_model, tensorflow_network

    if info.network == artifact.SAVED_MODEL:
        return saved_model.load(folder / "saved_model", info)
    if info.network == artifact.FROZEN_GRAPH:
        return tensorflow_network.load_frozen(folder / artifact.FROZEN, info.resolution)
    network = architectures.read(info.network, folder)
    return tensorflow_network.build(network, resolution=info.resolution, dtype=dtype)
