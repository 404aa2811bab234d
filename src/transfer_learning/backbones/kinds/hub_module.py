"""``https://…``: a TF2 SavedModel of TensorFlow Hub, Kaggle or any host of its archive."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from transfer_learning.backbones.artifact import BackboneInfo
from transfer_learning.backbones.kinds.kind import expect_resolution
from transfer_learning.config.params import Backbone
from transfer_learning.runtime.errors import UserError, quoted

# The input sides that these modules' pages on tfhub.dev state. Others take any (BiT), or say
# themselves what they take.
HUB_RESOLUTIONS = {
    "https://tfhub.dev/google/tf2-preview/mobilenet_v2/feature_vector/4": 224,
    "https://tfhub.dev/google/tf2-preview/inception_v3/feature_vector/4": 299,
}


@dataclass(frozen=True)
class HubHandle:
    """An address; only https:// and http:// can be fetched."""

    address: str

    @classmethod
    def parse(cls, text: str) -> HubHandle | None:
        """Return the handle that the text is, if it is an address of any scheme."""
        return cls(text) if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", text) else None

    def check(self, name: str, backbone: Backbone) -> None:
        """Refuse another scheme, a known module at another size, and unsafe http://."""
        key = f"params.yaml: backbones.{name}"
        if not re.match(r"https?://[^/]", self.address):
            raise UserError(
                f"{key}.handle is {quoted(self.address)}; an address must begin with https:// or "
                "http:// and a host's name, anything else must be a pypi: or keras: handle or a "
                "path"
            )
        expect_resolution(name, backbone, HUB_RESOLUTIONS.get(self.address, backbone.resolution))
        unsafe = self.address.startswith("http://") and not self._is_loopback()
        if unsafe and backbone.sha256 is None:
            raise UserError(
                f"{key}.handle is {quoted(self.address)}, and what http:// gives may be altered "
                f"on its way; use https://, or give backbones.{name}.sha256"
            )

    def fetch(self, name: str, backbone: Backbone, folder: Path) -> BackboneInfo:
        """Leave the module in ``folder/saved_model``."""
        # Here, because it loads TensorFlow.
        from transfer_learning.backbones import hub

        return hub.fetch(name, backbone, folder)

    def _is_loopback(self) -> bool:
        host = urlsplit(self.address).hostname or ""
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"
