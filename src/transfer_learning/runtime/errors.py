"""The one exception that means: the user's input is wrong, and here is what to do."""

from __future__ import annotations


class UserError(Exception):
    """Bad input.  The message names the key or file, what was found and what would be right."""


# Characters of a value that a message shows.
QUOTED = 80


def clipped(text: str, length: int = QUOTED) -> str:
    """Return the text, of at most ``length`` characters, the last … where some are left out."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def one_line(value: object) -> str:
    """Return its text with one space for all white space, line ends too."""
    return " ".join(str(value).split())


def quoted(value: object) -> str:
    """Return ``repr(value)``, clipped, for a message."""
    try:
        return clipped(repr(value))
    except ValueError:  # An integer of more digits than Python writes out.
        return "a number of thousands of digits"
