"""Small files: written whole or not at all, with the same bytes each time; JSON, typed; sha256."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from transfer_learning.runtime.damage import damaged

T = TypeVar("T")


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text with Unix line ends, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".part")
    temporary.write_bytes(text.encode())
    temporary.replace(path)


def write_json(path: Path, value: object) -> None:
    """Write JSON with a fixed layout, so that equal values give equal bytes.

    A dataclass is written as its fields.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = plain(value)
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def plain(value: object) -> Any:
    """Return a dataclass as dictionaries, lists, texts and numbers, as JSON has them."""
    return TypeAdapter(type(value)).dump_python(value, mode="json", by_alias=True)


def read_json(path: Path, kind: type[T]) -> T:
    """Read JSON as a ``kind``: a dataclass, or anything else that pydantic can check.

    Raises:
        FileNotFoundError: the file is missing.
        UserError: it is not JSON, or not of that kind; the message names the field.
    """
    try:
        return TypeAdapter(kind).validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "the file"
        raise damaged(path, f"or of another version: {field}: {first['msg']}") from None


def sha256(path: Path) -> str:
    """Return the file's sha256 as 64 hexadecimal digits."""
    return _digest(path, "sha256")


def md5(path: Path) -> str:
    """Return the file's md5 as 32 hexadecimal digits: what DVC keeps of a file."""
    return _digest(path, "md5")


def directory_md5(contents: Mapping[str, str]) -> str:
    """Return DVC's hash of a folder from the md5 of its files, by their paths in it."""
    entries = [{"md5": contents[name], "relpath": name} for name in sorted(contents)]
    text = json.dumps(entries).encode()
    return hashlib.md5(text, usedforsecurity=False).hexdigest() + ".dir"


def _digest(path: Path, algorithm: str) -> str:
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(2**20):
            digest.update(block)
    return digest.hexdigest()
