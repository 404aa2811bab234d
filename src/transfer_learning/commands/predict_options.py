"""The command line of ``transfer-learning predict``; read at each command, so it loads nothing."""

from __future__ import annotations

import argparse
from pathlib import Path

from transfer_learning.config.paths import EXPORT

FORMATS = ("table", "csv", "jsonl")


def add(command: argparse.ArgumentParser) -> None:
    """Add the arguments of ``predict``."""
    command.add_argument(
        "photos", nargs="+", metavar="PHOTO|FOLDER|-", help="- is one photo on standard input"
    )
    command.add_argument(
        "--model", type=Path, default=EXPORT, metavar="FOLDER", help=f"the classifier ({EXPORT})"
    )
    command.add_argument(
        "--format", choices=FORMATS, default="table", help="of the answers (table)"
    )
    command.add_argument(
        "--top", type=_count, default=3, metavar="N", help="how many classes of each photo (3)"
    )
    command.add_argument(
        "--threshold",
        type=_probability,
        metavar="T",
        help="below this probability an answer is unsure (by default chosen on validation)",
    )


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 on")
    return int(text)


def _probability(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 to 1")
    return found
