"""Kinds of values in ``params.yaml`` that have rules of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from transfer_learning.runtime.errors import quoted

# Characters of a backbone's name, and of any other text.
NAME_LENGTH = 64
TEXT_LENGTH = 2_000
# Bytes of one part of a path, on every common file system.
PART_BYTES = 255
# Windows has no files of these names, whatever follows after a dot.
RESERVED = frozenset(
    ["con", "prn", "aux", "nul"] + [f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10)]
)


def _creatable(name: str) -> str:
    if name.lower() in RESERVED:
        raise ValueError("Windows reserves this name; choose another")
    return name


def _fits_file_systems(path: str) -> str:
    for part in path.replace("\\", "/").split("/"):
        if (length := len(part.encode())) > PART_BYTES:
            raise ValueError(
                f"Its part {quoted(part)} has {length} bytes, and file systems take {PART_BYTES}"
            )
    return path


def _fits_where_a_path(handle: str) -> str:
    return handle if "://" in handle else _fits_file_systems(handle)


def _names_a_folder(name: str) -> str:
    if name in (".", "..") or "/" in name or "\\" in name:
        raise ValueError("A class is one folder in dataset.folder.path; give its name alone")
    return name


def expanded(path: str) -> Path:
    """Return the path, in which ~ is the user's home, where that is known."""
    try:
        return Path(path).expanduser()
    except RuntimeError:  # Of a user who is not known, or has no home.
        return Path(path)


Text = Annotated[str, Field(max_length=TEXT_LENGTH)]
PathText = Annotated[Text, Field(min_length=1), AfterValidator(_fits_file_systems)]
Handle = Annotated[Text, Field(min_length=1), AfterValidator(_fits_where_a_path)]
ClassName = Annotated[PathText, AfterValidator(_names_a_folder)]
# Both become folder names and parts of DVC stage names.
BackboneName = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=NAME_LENGTH),
    AfterValidator(_creatable),
]
