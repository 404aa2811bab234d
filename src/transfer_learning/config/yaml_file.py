"""A YAML file as plain values, unless it is too large, too deep, or no YAML."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    ScalarEvent,
)

from transfer_learning.runtime.errors import UserError, clipped

# Of the file; each is far above what a use needs and far below what takes long to read.
FILE_BYTES = 50_000
NESTING = 20
# Characters of the parser's message.
DETAIL = 300


def parse(path: Path) -> Any:
    """Return what the file holds.

    Raises:
        OSError: it cannot be read.
        UserError: it is too large, nests too deep, has an alias or characters that no value here
            can hold, or is not YAML.
    """
    with path.open("rb") as file:
        encoded = file.read(FILE_BYTES + 1)
    if len(encoded) > FILE_BYTES:
        raise UserError(f"{path} has more than {FILE_BYTES:,} bytes; params.yaml needs a few")
    yaml = YAML(typ="safe", pure=True)
    try:
        text = encoded.decode("utf-8")
        if problem := _problem_of_shape(yaml, text):
            raise UserError(f"{path} {problem}")
        return yaml.load(text)
    except UserError:
        raise
    except UnicodeDecodeError as error:
        detail = f"byte {error.start + 1} is not UTF-8; save it as UTF-8"
    # ruamel.yaml lets through what int(), date() and others say to a value that is none.
    except Exception as error:
        detail = clipped(" ".join(str(error).split()), DETAIL) or "a value cannot be read"
    raise UserError(f"{path} is not valid YAML: {detail}")


def _problem_of_shape(yaml: YAML, text: str) -> str | None:
    """Say what would make reading long, deep, or its messages unprintable; nothing is built."""
    depth = 0
    for event in yaml.parse(text):
        line = f"line {event.start_mark.line + 1}"
        match event:
            case CollectionStartEvent():
                depth += 1
                if depth > NESTING:
                    return f"nests deeper than {NESTING} levels in {line}; params.yaml needs 4"
            case CollectionEndEvent():
                depth -= 1
            case AliasEvent():
                return f"has an alias (*) in {line}; write the value out"
            case ScalarEvent():
                # Control characters, and halves of characters that cannot be written.
                bad = next(
                    (c for c in event.value if unicodedata.category(c) in ("Cc", "Cs")), None
                )
                if bad:
                    return f"has the character {bad!r} in {line}, which no value here can hold"
    return None
