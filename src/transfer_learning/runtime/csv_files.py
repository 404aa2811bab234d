"""CSV files, and how many decimals are kept."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from transfer_learning.runtime.damage import damaged
from transfer_learning.runtime.files import write_text

T = TypeVar("T")

# Of what processors compute differently, so many digits are kept that they hardly ever show it
# (docs/portability.md).
METRIC_DECIMALS, PROBABILITY_DECIMALS = 4, 3


def write_rows(
    path: Path, header: Sequence[str], rows: Iterable[Sequence[object]], *, decimals: int = 6
) -> None:
    """Write a CSV with as many decimals for every float."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow(
            [f"{cell:.{decimals}f}" if isinstance(cell, float) else cell for cell in row]
        )
    write_text(path, text.getvalue())


def read_rows(path: Path, parse: Callable[[list[str]], T]) -> list[T]:
    """Return what ``parse`` makes of each line after the header.

    Raises:
        FileNotFoundError: the file is missing.
        UserError: it is no CSV with a header, or a line of it cannot be parsed.
    """
    return _read(path, parse)[1]


def _read(path: Path, parse: Callable[[list[str]], T]) -> tuple[list[str], list[T]]:
    """Return the header and what ``parse`` makes of each other line."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            lines = csv.reader(file, strict=True)
            return next(lines), [parse(line) for line in lines]
    except StopIteration:
        raise damaged(path, "it is empty") from None
    # What int(), float(), a dataclass and the reader say to what they cannot take.
    except (ValueError, TypeError, IndexError, csv.Error) as error:
        raise damaged(path, str(error)) from None


def append_row(path: Path, row: Sequence[object]) -> None:
    """Add a line to a CSV, at once: it is there whatever ends the program."""
    with path.open("a", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerow(row)


def stack(path: Path, parts: Mapping[str, Path], column: str) -> None:
    """Write CSV files of one header below each other; a first ``column`` names each one's lines."""
    stacked: list[list[str]] = []
    for name, part in parts.items():
        header, rows = _read(part, list)
        stacked += [[name, *row] for row in rows]
    write_rows(path, [column, *header], stacked)
