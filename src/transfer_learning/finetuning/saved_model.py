"""A TF2 SavedModel whose variables learn, as reusable SavedModels offer it.

Source: https://www.tensorflow.org/hub/reusable_saved_models (``trainable_variables``,
``regularization_losses``, and the argument ``training``, which is False here: BatchNorm keeps its
statistics, Dropout rests).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transfer_learning.backbones import freeze, saved_model
from transfer_learning.backbones.artifact import FROZEN, FROZEN_GRAPH, BackboneInfo
from transfer_learning.runtime.errors import UserError
from transfer_learning.runtime.tensorflow_quiet import tf


class SavedModel:
    """A ``Tunable`` from a SavedModel.

    It becomes one graph with constant weights: a SavedModel's bytes would differ each time that it
    is written.
    """

    faster = "fewer epochs, or another resolution where the network takes one"

    def __init__(self, name: str, folder: Path, info: BackboneInfo) -> None:
        """Load the SavedModel of an artifact's folder.

        Raises:
            UserError: it has no variables that can learn.
        """
        self._module, self._extract = saved_model.load_module(folder / "saved_model", info)
        function = self._extract.get_concrete_function()  # type: ignore[attr-defined]
        declared = getattr(self._module, "trainable_variables", None)
        found = function.trainable_variables if declared is None else declared
        # In a fixed order, whatever the one in which TensorFlow captured or restored them.
        self.variables = sorted(
            found, key=lambda variable: (variable.name, variable.shape.as_list())
        )
        if not self.variables:
            raise UserError(
                f"params.yaml: finetuned.{name}.from is {info.handle}, a SavedModel "
                f"{'whose trainable_variables are none' if declared is not None else 'without'}"
                f"{' variables that can learn' if declared is None else ''}, so it cannot be "
                "tuned; export it with trainable variables, or tune another backbone"
            )
        self.decayed = [variable for variable in self.variables if variable.shape.rank > 1]

    def features(self, images: Any) -> Any:
        """Return float32 [N, D] of images float32 [N, R, R, 3] in [0, 1]."""
        return self._extract(images)

    def regularisation(self) -> Any:
        """Return the sum of the module's ``regularization_losses``."""
        losses = getattr(self._module, "regularization_losses", ())
        return tf.add_n([loss() for loss in losses]) if losses else tf.zeros([])

    def write(self, folder: Path) -> str:
        """Write ``frozen.pb``."""
        freeze.write_frozen_graph(self._extract, folder / FROZEN)
        return FROZEN_GRAPH
