"""A backbone's handle in, data/backbones/B out: the pretrained network, its bytes verified.

A stage of its own because only it, and fetch, may need a network; a DVC cache that was pulled
reruns everything after it offline.
"""

from transfer_learning.backbones import handles
from transfer_learning.backbones.fetch import fetch
from transfer_learning.config import params, paths
from transfer_learning.runtime import cli, hardware


def main() -> None:
    # So that the artifact is the same on every machine; a few photos are all that is computed.
    hardware.hide_gpu()
    settings = params.load()
    for name, backbone in settings.backbones.items():
        handles.check_handle(name, backbone)
    name = cli.item(settings.backbones)
    info = fetch(name, settings.backbones[name], paths.backbone(name))
    print(
        f"backbone@{name}: {info.network}, {info.parameters:,} parameters, "
        f"{info.multiply_adds:,} multiply-adds a photo, sha256 {info.sha256[:12]}…"
    )


if __name__ == "__main__":
    cli.run(main)
