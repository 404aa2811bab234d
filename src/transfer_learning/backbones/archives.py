"""Unpacks an archive that anybody may have made: within its folder, and within limits."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import IO, cast

from backports import tarfile

from transfer_learning.runtime.downloads import TransientError
from transfer_learning.runtime.errors import UserError

# The largest feature-vector modules of tfhub.dev, BiT's R152x4, have 0.94 billion float32 values.
MOST_BYTES = 4 * 2**30
# A SavedModel has some ten files; this many small ones take 0.4 s.
MOST_MEMBERS = 2_000
# Of a member's path: what file systems take for one name, and folders in folders; a SavedModel's
# paths have 40 bytes and two folders.
MOST_PATH_BYTES = 255
MOST_FOLDERS = 16
# Of one member: with the longest path, PAX needs 2,048. tarfile's patterns take up to the square.
MOST_HEADER_BYTES = 16 * 1024

# How a gzip file begins (RFC 1952).
GZIP = b"\x1f\x8b"
# What tarfile and gzip raise for an archive that is cut or changed; ValueError for its numbers.
DAMAGE = (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, ValueError, OverflowError)
BLOCK = 2**20


class _Data:
    """An archive's uncompressed data, read from front to back and never twice.

    It has the three methods that tarfile calls. ``allowed`` is how many bytes may be read from
    here; skipping is free of it.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.position = 0
        self.last = b""
        self.allowed = MOST_HEADER_BYTES

    def read(self, size: int) -> bytes:
        self.allowed -= size
        if size < 0:
            raise tarfile.ReadError("a size below 0")
        if self.allowed < 0:
            raise _refusal(f"a header in it is larger than {MOST_HEADER_BYTES:,} bytes")
        return self._read(size)

    def seek(self, position: int) -> None:
        if position < self.position:
            raise tarfile.ReadError("a member that begins before its header")
        while self.position < position and self._read(min(BLOCK, position - self.position)):
            pass

    def tell(self) -> int:
        return self.position

    def skip_to_end(self) -> None:
        """Read the rest, and with it the sum that gzip has at its end."""
        while self._read(BLOCK):
            pass

    def _read(self, size: int) -> bytes:
        self.last = self.file.read(size)
        self.position += len(self.last)
        _expect_room(self.position)
        return self.last


def unpack(archive: IO[bytes], folder: Path) -> None:
    """Unpack a ``.tar.gz`` or ``.tar`` of files and folders into a new folder.

    Raises:
        TransientError: the archive is cut or damaged.
        UserError: it is no such archive; it holds a link, a device or a sparse file, or a name
            that is no text or leads outside; it exceeds ``MOST_BYTES``, ``MOST_MEMBERS``,
            ``MOST_PATH_BYTES``, ``MOST_FOLDERS`` or ``MOST_HEADER_BYTES``; or the folder cannot
            be written. The folder then holds a part of it.
    """
    folder.mkdir(parents=True)
    begin = archive.read(24)
    archive.seek(0)
    compressed = begin.startswith(GZIP)
    data = _Data(cast(IO[bytes], gzip.GzipFile(fileobj=archive)) if compressed else archive)
    try:
        _extract(data, folder)
        # tarfile takes the end of the data, and a header that it cannot read, for the end of the
        # archive. That is a block of zeros; of compressed data it may also be the data's own end.
        if data.last != bytes(tarfile.BLOCKSIZE) and (data.last or not compressed):
            raise tarfile.ReadError
        data.skip_to_end()
    except tarfile.FilterError as error:
        raise _refusal(f"{error.tarinfo.name} would lie outside of it") from None
    except DAMAGE:
        if data.position <= tarfile.BLOCKSIZE and not compressed:
            raise UserError(f"what arrived is no .tar.gz archive, but begins {begin!r}") from None
        raise TransientError("the archive is incomplete or damaged") from None
    except OSError as error:
        raise UserError(f"it could not be unpacked: {error.strerror}") from None


def _extract(data: _Data, folder: Path) -> None:
    with tarfile.TarFile(fileobj=data, stream=True) as tar:
        for number, member in enumerate(tar, start=1):
            if number > MOST_MEMBERS:
                raise _refusal(f"it has more than {MOST_MEMBERS:,} members")
            _expect_plain(member)
            _expect_room(data.position + member.size)
            data.allowed = member.size
            # Times and permissions are not the module's, and any value may stand for them.
            tar.extract(member, folder, set_attrs=False, filter="data")
            # What holds for all later members: nothing that is of use here, and ever more of it.
            tar.pax_headers.clear()
            data.allowed = MOST_HEADER_BYTES


def _expect_plain(member: tarfile.TarInfo) -> None:
    name = member.name
    if not name.isprintable():
        raise _refusal(f"{name[:80]!a} in it is no name")
    if len(name.encode()) > MOST_PATH_BYTES:
        raise _refusal(f"{name[:80]}… in it is longer than {MOST_PATH_BYTES} bytes")
    if name.count("/") > MOST_FOLDERS:
        raise _refusal(f"{name[:80]}… in it lies in more than {MOST_FOLDERS} folders")
    if member.issparse():
        raise _refusal(f"{name} is a sparse file in it")
    if not (member.isfile() or member.isdir()):
        raise _refusal(f"{name} is a link or a device in it")
    if member.size < 0:
        raise tarfile.ReadError("a size below 0")


def _expect_room(unpacked: int) -> None:
    if unpacked > MOST_BYTES:
        raise _refusal(f"it unpacks to more than {MOST_BYTES:,} bytes")


def _refusal(problem: str) -> UserError:
    return UserError(f"the archive is refused: {problem}")
