"""CSV files with six decimals for every float."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from transfer_learning.runtime.files import write_text


def write_rows(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV with six decimals for every float."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([f"{cell:.6f}" if isinstance(cell, float) else cell for cell in row])
    write_text(path, text.getvalue())


def stack(path: Path, parts: Mapping[str, Path], column: str) -> None:
    """Write CSV files of one header below each other; a first ``column`` names each one's lines."""
    stacked: list[list[str]] = []
    for name, part in parts.items():
        with part.open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file)
        stacked += [[name, *row] for row in rows]
    write_rows(path, [column, *header], stacked)
