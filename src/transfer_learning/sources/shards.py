"""Photos in archives and buckets: TAR and ZIP files, a bucket of class folders, a list of URLs."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from transfer_learning.config.params import Folder
from transfer_learning.runtime import files, hardware, parallel
from transfer_learning.runtime.errors import UserError, quoted
from transfer_learning.sources import archives, layout, storage
from transfer_learning.sources.scan import LARGEST, LICENCE, Scan, by_class, is_junk
from transfer_learning.sources.source import unseen

# The columns of a list: the photo's id, CLASS/FILE, and where it is; its md5 may follow.
COLUMNS = ["id", "url"]


@dataclass(frozen=True, slots=True)
class Remote:
    """A photo that is a file of a bucket, or one at a URL; ``md5`` is checked where it is known."""

    where: str
    version: tuple[object, ...] = ()
    md5: str = ""

    @property
    def trace(self) -> list[object]:
        """Its URL, and what the bucket or the list says of its bytes."""
        return [self.where, *self.version, self.md5]

    @property
    def size(self) -> int:
        """Its bytes, as the bucket lists them."""
        size = self.version[0] if self.version else 0
        return size if isinstance(size, int) else 0

    def read(self) -> bytes | str:
        """Return its bytes, or why it cannot be read.

        Raises:
            UserError: it is not there, although it was seen.
            Exception: of the store's own kind; there may be no network.
        """
        try:
            content = storage.read(self.where)
        except FileNotFoundError:
            # A file on this machine that was seen has a version; of a URL in a list, none is asked.
            if self.version and not storage.is_url(self.where):
                raise unseen(self.where) from None
            return f"there is no {self.where}"
        if self.md5 and hashlib.md5(content, usedforsecurity=False).hexdigest() != self.md5:
            return f"{self.where} has other bytes than its md5 says"
        return content

    def head(self, most: int) -> bytes:
        """Return its first bytes."""
        return storage.read(self.where, 0, most)


def scan_archives(paths: Sequence[str], settings: Folder) -> Scan:
    """List the photos in archives, as if all were unpacked into one folder.

    Raises:
        UserError: one is damaged, or two hold the same photo.
    """
    photos: dict[str, archives.Member] = {}
    left_out: dict[str, str] = {}
    licences = []
    at_once = storage.AT_ONCE if storage.is_url(paths[0]) else 0
    with ThreadPoolExecutor(at_once or hardware.cores()) as executor:
        listings = parallel.ordered(executor, archives.members, paths)
        by_path = dict(zip(paths, listings, strict=True))
    for path, listed in by_path.items():
        found, others = layout.named(listed.items(), settings.classes)
        if both := next((name for name in found if name in photos), None):
            raise UserError(
                f"{photos[both].archive} and {path} both hold {quoted(both)}; rename or remove one"
            )
        photos |= found
        left_out |= others
        licences += [
            member
            for name, member in listed.items()
            if name.removeprefix("./").split("/", 1)[-1] == LICENCE
        ]
    photos, left_out = layout.without_top(photos, left_out, settings.classes)
    texts = (member.read() for member in licences if isinstance(member, archives.Member))
    licence = "\n".join(text.decode(errors="replace") for text in texts if isinstance(text, bytes))
    return by_class(
        photos,
        left_out,
        classes=settings.classes,
        path=settings.path,
        licence=licence,
        at_once=at_once,
    )


def scan_bucket(url: str, settings: Folder) -> Scan:
    """List the photos below a URL: URL/CLASS/PHOTO, or archives.

    Raises:
        UserError: it cannot be listed, or as ``scan_archives``.
    """
    below = storage.listed(url)
    if found := archives_in(below):
        return scan_archives([_below(url, name) for name in found], settings)
    remotes = {name: Remote(_below(url, name), tuple(below[name])) for name in below}
    photos, left_out = layout.named(remotes.items(), settings.classes)
    licence = remotes[LICENCE].head(LARGEST) if LICENCE in remotes else b""
    return by_class(
        photos,
        left_out,
        classes=settings.classes,
        path=settings.path,
        licence=licence.decode(errors="replace"),
        at_once=storage.AT_ONCE,
    )


def archives_in(names: Iterable[str]) -> list[str]:
    """Return the archives, sorted, where files are in no class folder; else none."""
    shown = sorted(name for name in names if not is_junk(name))
    if any("/" in name for name in shown):
        return []
    return [name for name in shown if name.lower().endswith(archives.SUFFIXES)]


def scan_list(path: str, settings: Folder) -> Scan:
    """Read a list of photos: CSV with the columns id (CLASS/FILE), url and, at will, md5.

    A url may be a path too, from the folder that the list lies in.

    Raises:
        UserError: it is no such list, or names a photo twice; the message names the line.
    """
    photos: dict[str, Remote] = {}
    for line, row in _rows(path):
        name, url = (row[column].strip() for column in COLUMNS)
        parts = name.split("/")
        if len(parts) < 2 or {"", ".", ".."} & set(parts):
            raise UserError(f"{path}: line {line}: id is {quoted(name)}; give it as CLASS/FILE")
        if not url:
            raise UserError(f"{path}: line {line}: {quoted(name)} has no url")
        if name in photos:
            raise UserError(f"{path}: line {line}: {quoted(name)} is there twice")
        where = url if storage.is_url(url) or storage.is_url(path) else _beside(path, url)
        photos[name] = Remote(where, _known(where), (row.get("md5") or "").strip().lower())
    return by_class(
        photos, {}, classes=settings.classes, path=settings.path, at_once=storage.AT_ONCE
    )


def list_manifest(path: str, found: Scan) -> dict[str, str]:
    """Return the list's md5, and those of the files on this machine that it names without one."""
    here = [
        place.where
        for place in map(found.place, found.photos)
        if isinstance(place, Remote) and not place.md5 and not storage.is_url(place.where)
    ]
    own = hashlib.md5(storage.read(path), usedforsecurity=False).hexdigest()
    return {Path(path).name: own} | digests([where for where in here if Path(where).is_file()])


def digests(paths: Sequence[str]) -> dict[str, str]:
    """Return path → md5 of files on this machine, read on all cores."""
    with ThreadPoolExecutor(hardware.cores()) as executor:
        found = parallel.ordered(executor, files.md5, map(Path, paths))
        return dict(zip(paths, found, strict=True))


def _rows(path: str) -> Iterator[tuple[int, dict[str, str]]]:
    with storage.reading(path):
        content = storage.read(path)
    try:
        text = content.decode("utf-8-sig")
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True, restval="")
        header = [name.strip() for name in reader.fieldnames or ()]
        if header not in (COLUMNS, [*COLUMNS, "md5"]):
            raise UserError(
                f"{path}: line 1 is {quoted(','.join(header))}, but should be id,url or id,url,md5"
            )
        reader.fieldnames = header
        for row in reader:
            if None in row:
                raise UserError(f"{path}: line {reader.line_num}: it has too many columns")
            yield reader.line_num, row
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: byte {error.start + 1} is not UTF-8; save it as UTF-8") from None
    except csv.Error as error:
        raise UserError(f"{path}: line {reader.reader.line_num}: {error}") from None


def _below(url: str, name: str) -> str:
    return f"{url.rstrip('/')}/{name}"


def _beside(path: str, url: str) -> str:
    return str(Path(path).absolute().parent / Path(url).expanduser())


def _known(where: str) -> tuple[object, ...]:
    """Return the version of a file on this machine; of others, nothing is asked."""
    try:
        return () if storage.is_url(where) else tuple(storage.version(where))
    except OSError:
        return ()
