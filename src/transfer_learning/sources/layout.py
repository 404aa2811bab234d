"""From the paths in an archive or a bucket to photos: which they are, and of which class.

A photo's class is what stands in ``KEY.cls``, or under ``label`` in ``KEY.json``, where one lies
beside ``KEY.jpg`` (WebDataset's layout); else it is the first folder in its path.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, TypeVar

from transfer_learning.config.values import PART_BYTES
from transfer_learning.photos import pixels
from transfer_learning.runtime.errors import quoted
from transfer_learning.sources.scan import ABOUT, NO_UTF8, is_junk, is_named_as_photo, too_large
from transfer_learning.sources.source import Place

# Bytes of a file whose suffix is no photo's, in which a photo is recognised; and of a label's file.
HEAD, LABEL = 2**16, 2**20


class Stored(Place, Protocol):
    """A file whose first bytes can be read without the rest."""

    @property
    def size(self) -> int:
        """Its bytes."""
        ...

    def head(self, most: int) -> bytes:
        """Return its first bytes."""
        ...


S = TypeVar("S", bound=Stored)


def named(
    files: Iterable[tuple[str, S | str]], classes: Sequence[str] | None
) -> tuple[dict[str, S], dict[str, str]]:
    """Return the photos, and why others are none, by CLASS/PATH.

    Of files of one path the last counts, as where they are unpacked.

    Args:
        files: path → where it is, or why it cannot be read.
        classes: as in ``dataset.folder``: a number is a position in them.
    """
    left_out: dict[str, str] = {}
    found: dict[str, S | str] = {}
    for path, file in files:
        name = path.removeprefix("./")
        parts = name.split("/")
        if any(is_junk(part) for part in parts if part not in (".", "..")):
            continue
        if not is_text(name):
            left_out[name.encode(errors="surrogateescape").decode(errors="backslashreplace")] = (
                NO_UTF8
            )
        elif name.startswith("/") or {"", ".", ".."} & set(parts):
            left_out[name] = "its path leads out of the folder; give it one like CLASS/PHOTO.jpg"
        elif len(parts) > 1 or not _is_about(name):
            found[name] = file
    labels = _labels(found, classes)
    keys = {_key(name) for name in found if is_named_as_photo(name)}
    photos: dict[str, S] = {}
    for name, file in found.items():
        label = labels.get(_key(name), "")
        under = name if not label or name.startswith(f"{label}/") else f"{label}/{name}"
        if isinstance(file, str):
            left_out[under] = file
        elif is_named_as_photo(name):
            if reason := too_large(file.size) or _no_class(label):
                left_out[name] = reason
            else:
                photos[under] = file
        elif _key(name) not in keys:
            if reason := too_large(file.size) or _other(file):
                left_out[under] = reason
            else:
                photos[under] = file
    return photos, left_out


def without_top(
    photos: Mapping[str, S], left_out: Mapping[str, str], classes: Sequence[str] | None
) -> tuple[dict[str, S], dict[str, str]]:
    """Take the folder away that holds all class folders, as archives of one folder have it.

    Returns:
        What is given, below that folder.
    """
    tops = {name.split("/")[0] for name in photos}
    top = f"{min(tops)}/" if len(tops) == 1 else ""
    if not top or top[:-1] in (classes or ()) or any(name.count("/") < 2 for name in photos):
        return dict(photos), dict(left_out)
    below = {name.removeprefix(top): file for name, file in photos.items()}
    others = {name.removeprefix(top): reason for name, reason in left_out.items()}
    return below, {name: others[name] for name in others if "/" in name or not _is_about(name)}


def _is_about(name: str) -> bool:
    return name.lower().startswith(ABOUT)


def _key(name: str) -> str:
    """Return what the files of one sample share: the path up to the first dot of the last part."""
    # With strings, since of a million photos a path object each takes longer than their list.
    folder, slash, last = name.rpartition("/")
    return folder + slash + (last.split(".")[0] or last)


def _labels(files: Mapping[str, Stored | str], classes: Sequence[str] | None) -> dict[str, str]:
    """Return key → class, of the samples that have one beside the photo."""
    labels = {}
    for name, file in files.items():
        if name.endswith((".cls", ".json")) and not isinstance(file, str) and file.size <= LABEL:
            label = _label(file.head(LABEL), is_json=name.endswith(".json"))
            if label is not None:
                is_position = label.isdecimal() and classes and label not in classes
                known = is_position and int(label) < len(classes or ())
                labels[_key(name)] = (classes or ())[int(label)] if known else label
    return labels


def _label(content: bytes, *, is_json: bool) -> str | None:
    try:
        if not is_json:
            return content.decode().strip()
        sample = json.loads(content)
    except ValueError:
        return None
    label = sample.get("label") if isinstance(sample, dict) else None
    return str(label).strip() if isinstance(label, str | int) else None


def _no_class(label: str) -> str:
    """Say why a class's name, where there is one, can be none."""
    wrong = "/" in label or "\\" in label or not label.isprintable() or label.startswith(".")
    if wrong or len(label.encode()) > PART_BYTES:
        return f"its class is {quoted(label)}, which can be no folder's name"
    return ""


def _other(file: Stored) -> str:
    try:
        is_photo = pixels.is_photo(io.BytesIO(file.head(HEAD)))
    # The bytes are there, so it is the header of a photo that is damaged.
    except OSError:
        is_photo = True
    return "" if is_photo else pixels.no_photo()


def is_text(name: str) -> bool:
    """Say whether a file's name is text, as UTF-8 has it."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
