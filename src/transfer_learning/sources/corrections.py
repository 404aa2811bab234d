"""``data/exclude.csv``: the photos that a person leaves out or gives another label.

The columns are ``id`` (the photo's, as reports show it), ``action`` (exclude or relabel), ``label``
(the right class of a photo that is relabelled) and ``reason`` (for people).  An id may be of a
class that is left out by ``dataset.folder.classes``; it is then not known.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from transfer_learning.config.paths import EXCLUDE
from transfer_learning.photos.dataset import Correction
from transfer_learning.runtime.errors import UserError, clipped, quoted
from transfer_learning.sources.source import Photo

HEADER = ["id", "action", "label", "reason"]
Action = Literal["exclude", "relabel"]
# Bytes of the file: a line for each of 100,000 photos.
LARGEST = 20_000_000


@dataclass(frozen=True)
class Row:
    """A line of the file that asks for something; ``line`` is its number."""

    line: int
    id: str
    action: Action
    label: str
    reason: str


def read(path: Path = EXCLUDE) -> list[Row]:
    """Read the file; none where it is missing.

    Raises:
        UserError: it is no such table, has an unknown action, a label too much or too little, or a
            photo twice; the message names the line.
    """
    try:
        encoded = path.read_bytes()
    except FileNotFoundError:
        return []
    if len(encoded) > LARGEST:
        raise UserError(f"{path} has more than {LARGEST:,} bytes; it needs a line for each photo")
    try:
        # Spreadsheets write a mark of the encoding before the first name.
        text = encoded.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path}: byte {error.start + 1} is not UTF-8; save it as UTF-8 (CSV)"
        ) from None
    rows: list[Row] = []
    seen: dict[str, int] = {}
    for row in _parsed(path, text):
        if row.id in seen:
            raise UserError(f"{path}: line {row.line}: {quoted(row.id)} is in line {seen[row.id]}")
        seen[row.id] = row.line
        rows.append(row)
    return rows


def apply(
    rows: Sequence[Row], photos: Iterable[Photo], classes: Sequence[str], *, path: Path = EXCLUDE
) -> dict[str, Correction]:
    """Return what is asked for, by photo id.

    Args:
        rows: of the file.
        photos: all photos of the source.
        classes: the names of the classes, by label.
        path: what the error names.

    Raises:
        UserError: a photo or a class is not known, or a photo has that class already; the message
            names the line.
    """
    given = {photo.id: photo.label for photo in photos}
    found = {}
    for row in rows:
        where = f"{path}: line {row.line}:"
        if row.id not in given:
            raise UserError(
                f"{where} no photo is called {quoted(row.id)}{_meant(row.id, given)}; correct "
                "the id, or remove the line if it is of other photos"
            )
        check_class(row, classes, path=path)
        own = classes[given[row.id]]
        if row.label == own:
            raise UserError(f"{where} {quoted(row.id)} is of class {quoted(own)} already")
        found[row.id] = Correction(row.id, row.action, own, row.label, row.reason)
    return found


def check_class(row: Row, classes: Sequence[str], *, path: Path = EXCLUDE) -> None:
    """Check a row's label.

    Raises:
        UserError: it is no class.
    """
    if row.action == "relabel" and row.label not in classes:
        raise UserError(
            f"{path}: line {row.line}: label is {quoted(row.label)}, which is no class; there are "
            f"{clipped(', '.join(classes), 300)}"
        )


def _parsed(path: Path, text: str) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [cell.strip() for cell in next(reader, [])]
        if header != HEADER:
            raise UserError(
                f"{path}: line 1 is {quoted(','.join(header))}, but should be {','.join(HEADER)}"
            )
        for cells in reader:
            # A spreadsheet may leave lines of nothing but commas.
            if any(cells := [cell.strip() for cell in cells]):
                yield _row(f"{path}: line {reader.line_num}:", reader.line_num, cells)
    except csv.Error as error:
        raise UserError(f"{path}: line {reader.line_num}: {error}") from None


def _row(where: str, line: int, cells: list[str]) -> Row:
    if len(cells) > len(HEADER):
        raise UserError(
            f"{where} it has {len(cells)} columns, not {len(HEADER)}; write a text with commas in "
            '"quotes"'
        )
    photo_id, action, label, reason = cells + [""] * (len(HEADER) - len(cells))
    match action:
        case "exclude":
            if label:
                raise UserError(
                    f"{where} action is exclude, but label is {quoted(label)}; empty it, or write "
                    "relabel"
                )
        case "relabel":
            if not label:
                raise UserError(
                    f"{where} action is relabel, but label is empty; write the right class"
                )
        case _:
            raise UserError(f"{where} action is {quoted(action)}; write exclude or relabel")
    return Row(line, photo_id, action, label, reason)


def _meant(photo_id: str, given: Mapping[str, int]) -> str:
    close = get_close_matches(photo_id, given, n=1, cutoff=0.8) if len(given) <= 20_000 else []
    return f" (did you mean {close[0]}?)" if close else ""
