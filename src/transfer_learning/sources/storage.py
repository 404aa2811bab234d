"""Files on this machine and in a bucket (any URL that fsspec opens), read in pieces alike."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

from transfer_learning.runtime.errors import UserError, one_line, quoted

# What a listing says of a file's bytes, the surest first; the names differ from store to store.
VERSIONS = (
    "ETag", "etag", "md5Hash", "md5", "content_md5", "checksum", "LastModified", "last_modified",
    "mtime", "updated", "created",
)  # fmt: skip
# Photos that are asked of a bucket at a time: each waits for an answer and takes no core.
AT_ONCE = 32


def is_url(path: str) -> bool:
    """Say whether a path is a URL."""
    return "://" in path


def read(where: str, start: int | None = None, end: int | None = None) -> bytes:
    """Return a file's bytes from ``start`` up to ``end``, or all."""
    if is_url(where):
        return bytes(system(where).cat_file(where, start=start, end=end))
    with Path(where).open("rb") as file:
        file.seek(start or 0)
        return file.read(-1 if end is None else end - (start or 0))


def opened(where: str) -> BinaryIO:
    """Open a file, in which one can seek."""
    return system(where).open(where, "rb") if is_url(where) else Path(where).open("rb")


@contextmanager
def reading(where: str) -> Iterator[None]:
    """Let what keeps a file from being read end with one line that names it.

    Raises:
        UserError: it cannot be read.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        # The stores have errors of their own, of any kind; on this machine it is always this one.
        if isinstance(error, OSError) or is_url(where):
            raise UserError(f"{where} cannot be read ({one_line(error)})") from error
        raise


def version(where: str) -> list[object]:
    """Return plain values, other ones where the file may have other bytes."""
    if is_url(where):
        return version_of(system(where).info(where))
    status = Path(where).stat()
    return [status.st_size, status.st_mtime_ns, status.st_ino]


def version_of(info: dict[str, Any]) -> list[object]:
    """Return what ``version`` does, of a file that a bucket has listed."""
    known = (str(info[name]) for name in VERSIONS if info.get(name))
    return [info.get("size"), next(known, "")]


def listed(folder: str) -> dict[str, list[object]]:
    """Return path below the folder → version, of all files below it; none is read.

    Raises:
        UserError: there is none, or it cannot be listed.
    """
    key = f"params.yaml: dataset.folder.path is {quoted(folder)}"
    files = system(folder)
    try:
        found = files.find(folder, detail=True)
    # Each store has errors of its own: no network, no such bucket, no right to list it.
    except Exception as error:
        raise UserError(f"{key}, which cannot be listed: {one_line(error)}") from error
    root = str(files._strip_protocol(folder)).rstrip("/") + "/"
    if not found:
        raise UserError(f"{key}, which has no file below it; give what holds a folder per class")
    return {
        str(files._strip_protocol(name)).removeprefix(root): version_of(info)
        for name, info in found.items()
    }


def system(url: str) -> Any:
    """Return fsspec's file system of a URL.

    Raises:
        UserError: there is none, or its package is not installed.
    """
    protocol, _, rest = url.partition("://")
    return _system(protocol, rest.partition("/")[0])


@lru_cache
def _system(protocol: str, host: str) -> Any:
    # Here, because most sources do without.
    import fsspec

    try:
        return fsspec.core.url_to_fs(f"{protocol}://{host}")[0]
    except ImportError as error:
        raise UserError(
            f"{protocol}://{host} needs a package that is not installed: {one_line(error)} "
            "(make setup EXTRA=ray has s3fs)"
        ) from None
    except ValueError as error:
        raise UserError(
            f"{protocol}://{host}: {one_line(error)}; give a folder, s3://BUCKET/FOLDER or another "
            "that fsspec knows"
        ) from None
