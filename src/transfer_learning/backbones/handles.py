"""``backbones.B.handle``: what kind of handle it is, and what can be known wrong of it."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from urllib.parse import urlsplit

from transfer_learning.backbones.pypi import PACKAGES, find_package
from transfer_learning.runtime.errors import UserError

# The input sides that these modules' pages on tfhub.dev state.
HUB_RESOLUTIONS = {
    "https://tfhub.dev/google/tf2-preview/mobilenet_v2/feature_vector/4": 224,
    "https://tfhub.dev/google/tf2-preview/inception_v3/feature_vector/4": 299,
}


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
