"""Files in TAR and ZIP archives: where each lies, so that one is read without the rest."""

from __future__ import annotations

import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import BinaryIO

from transfer_learning.runtime.errors import UserError, one_line
from transfer_learning.sources import storage
from transfer_learning.sources.scan import too_large
from transfer_learning.sources.source import unseen

SUFFIXES = (".tar", ".zip")
# Compressed as a whole, so that nothing in them is found but by unpacking all before it.
WHOLE = (".tgz", ".tar.gz", ".tbz2", ".tar.bz2", ".txz", ".tar.xz", ".tar.zst", ".7z", ".rar")
# A file's header in a ZIP archive (APPNOTE.TXT, 4.3.7): the lengths of the name and what follows it
# stand at its end.
_HEADER = struct.Struct("<4s22xHH")
_BLOCK = 512
DAMAGED = tarfile.TarError, zipfile.BadZipFile, EOFError
LINK = "a link; put the photo itself into the archive"


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive, from ``offset`` on: ``stored`` bytes, or its ``size`` unpacked.

    In a ZIP archive, whose checksum ``crc`` is kept, ``offset`` is that of the file's header.
    """

    archive: str
    version: tuple[object, ...]
    offset: int
    stored: int
    size: int
    crc: int | None = None
    deflated: bool = False

    @property
    def trace(self) -> list[object]:
        """Its place, and what the archive was when it was listed."""
        return [*self.version, self.offset, self.stored]

    def read(self) -> bytes | str:
        """Return its bytes, or why they cannot be read.

        Raises:
            UserError: the archive is not there, although it was listed.
        """
        try:
            content = self.head(self.size)
        except FileNotFoundError:
            raise unseen(self.archive) from None
        if len(content) != self.size or self.crc not in (None, zlib.crc32(content)):
            return f"it is damaged in {self.archive}"
        return content

    def head(self, most: int) -> bytes:
        """Return the first bytes, fewer where the archive is damaged."""
        start = self.offset
        if self.crc is not None:
            header = storage.read(self.archive, start, start + _HEADER.size)
            if len(header) < _HEADER.size or not header.startswith(b"PK\3\4"):
                return b""
            _, name, extra = _HEADER.unpack(header)
            start += _HEADER.size + name + extra
        length = self.stored if self.deflated else min(most, self.stored)
        content = storage.read(self.archive, start, start + length)
        if not self.deflated:
            return content
        try:
            return zlib.decompressobj(-zlib.MAX_WBITS).decompress(content, most)
        except zlib.error:
            return b""


def members(archive: str) -> dict[str, Member | str]:
    """Return path → where it is, of each file in an archive, or why it cannot be a photo.

    The names are as the archive has them; what they say of where to unpack is not followed.  Of
    files of one path the last counts, as where they are unpacked.

    Raises:
        UserError: the archive is missing or damaged.
    """
    with storage.reading(archive):
        version = tuple(storage.version(archive))
        # Of a TAR archive in a bucket, all is read for it; and the bucket says when it is another.
        listed = _remembered if storage.is_url(archive) else _listed
        return listed(archive, version)


def _listed(archive: str, version: tuple[object, ...]) -> dict[str, Member | str]:
    with storage.opened(archive) as file:
        of_kind = _in_zip if archive.lower().endswith(".zip") else _in_tar
        try:
            return dict(of_kind(archive, version, file))
        except OSError:
            raise
        # Damaged bytes raise nearly anything; so does a server that cannot give pieces.
        except Exception as error:
            if storage.is_url(archive) and not isinstance(error, DAMAGED):
                raise
            raise UserError(
                f"{archive} is damaged ({one_line(error)}); copy or make it again"
            ) from error


_remembered = lru_cache(maxsize=None)(_listed)


def _in_tar(
    archive: str, version: tuple[object, ...], file: BinaryIO
) -> Iterator[tuple[str, Member | str]]:
    file.seek(0, 2)
    end = file.tell()
    file.seek(0)
    with tarfile.open(fileobj=file, mode="r:", encoding="utf-8") as tar:
        for entry in tar:
            # Else it would keep all of them.
            tar.members = []  # type: ignore[attr-defined]
            if entry.isdir():
                continue
            if not 0 <= entry.size <= end - entry.offset_data:
                raise tarfile.ReadError(f"it ends within {entry.name}")
            yield (
                entry.name,
                _odd(entry) or Member(archive, version, entry.offset_data, entry.size, entry.size),
            )
        # At a header that it cannot read, tarfile stops as if there were no more.
        file.seek(tar.offset)
        if file.read(_BLOCK).strip(b"\0"):
            raise tarfile.ReadError(f"no header at byte {tar.offset}")


def _odd(entry: tarfile.TarInfo) -> str:
    if entry.issym() or entry.islnk():
        return LINK
    if not entry.isfile() or entry.issparse():
        return "no file, but a pipe, a device or one with holes"
    return too_large(entry.size)


def _in_zip(
    archive: str, version: tuple[object, ...], file: BinaryIO
) -> Iterator[tuple[str, Member | str]]:
    with zipfile.ZipFile(file) as zipped:
        for entry in zipped.infolist():
            if entry.is_dir():
                continue
            if entry.header_offset < 0:
                raise zipfile.BadZipFile(f"{entry.filename} begins before the file")
            method = entry.compress_type
            if entry.flag_bits & 1:
                yield entry.filename, "it is encrypted"
            elif stat.S_ISLNK(entry.external_attr >> 16):
                yield entry.filename, LINK
            elif method not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                yield entry.filename, f"it is compressed by method {method}, not by deflate"
            else:
                stored, size = entry.compress_size, entry.file_size
                place = archive, version, entry.header_offset, stored, size
                member = Member(*place, entry.CRC, method == zipfile.ZIP_DEFLATED)
                yield entry.filename, too_large(max(stored, size)) or member
