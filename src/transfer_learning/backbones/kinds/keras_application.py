"""``keras:NAME``: a network of ``keras.applications`` with its ImageNet weights."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

from transfer_learning.backbones.artifact import BackboneInfo
from transfer_learning.config.params import Backbone
from transfer_learning.runtime.errors import UserError, quoted

# The input side that each network is trained for.
DEFAULT_SIZES = {
    **dict.fromkeys(("ConvNeXtTiny", "ConvNeXtSmall", "ConvNeXtBase", "ConvNeXtLarge"), 224),
    "ConvNeXtXLarge": 224,
    **dict.fromkeys(("DenseNet121", "DenseNet169", "DenseNet201"), 224),
    "EfficientNetB0": 224,
    "EfficientNetB1": 240,
    "EfficientNetB2": 260,
    "EfficientNetB3": 300,
    "EfficientNetB4": 380,
    "EfficientNetB5": 456,
    "EfficientNetB6": 528,
    "EfficientNetB7": 600,
    "EfficientNetV2B0": 224,
    "EfficientNetV2B1": 240,
    "EfficientNetV2B2": 260,
    "EfficientNetV2B3": 300,
    "EfficientNetV2S": 384,
    "EfficientNetV2M": 480,
    "EfficientNetV2L": 480,
    "InceptionResNetV2": 299,
    "InceptionV3": 299,
    **dict.fromkeys(("MobileNet", "MobileNetV2", "MobileNetV3Large", "MobileNetV3Small"), 224),
    "NASNetLarge": 331,
    "NASNetMobile": 224,
    **dict.fromkeys(("ResNet50", "ResNet101", "ResNet152"), 224),
    **dict.fromkeys(("ResNet50V2", "ResNet101V2", "ResNet152V2"), 224),
    **dict.fromkeys(("VGG16", "VGG19"), 224),
    "Xception": 299,
}
# The least that Keras accepts, where it is more than the least that params.yaml allows.
LEAST_SIZES = {"InceptionResNetV2": 75, "InceptionV3": 75, "Xception": 71}


@dataclass(frozen=True)
class KerasHandle:
    """A network by its name in ``keras.applications``."""

    network: str

    @classmethod
    def parse(cls, text: str) -> KerasHandle | None:
        """Return the handle that the text is, if it begins with ``keras:``."""
        return cls(text.removeprefix("keras:")) if text.startswith("keras:") else None

    def check(self, name: str, backbone: Backbone) -> None:
        """Refuse an unknown network, or images that are too small for it."""
        key = f"params.yaml: backbones.{name}"
        if self.network not in DEFAULT_SIZES:
            raise UserError(
                f"{key}.handle is {quoted(backbone.handle)}, which is no network of "
                f"keras.applications; {self._suggestion()}"
            )
        least = LEAST_SIZES.get(self.network, 0)
        if backbone.resolution < least:
            raise UserError(
                f"{key}.resolution is {backbone.resolution}, but {backbone.handle} takes at least "
                f"{least}; {DEFAULT_SIZES[self.network]} is what it is trained for"
            )

    def fetch(self, name: str, backbone: Backbone, folder: Path) -> BackboneInfo:
        """Leave the network in ``folder`` as one graph."""
        # Here, because it loads TensorFlow.
        from transfer_learning.backbones import keras_network

        return keras_network.fetch(name, backbone, self.network, folder)

    def _suggestion(self) -> str:
        by_lower = {known.lower(): known for known in DEFAULT_SIZES}
        close = [
            by_lower[match]
            for match in difflib.get_close_matches(self.network.lower(), by_lower, n=3)
        ]
        if close:
            return f"did you mean {', '.join('keras:' + known for known in close)}?"
        return f"known are {', '.join(DEFAULT_SIZES)}"
