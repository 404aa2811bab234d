"""The one exception that means: the user's input is wrong, and here is what to do."""

from __future__ import annotations


class UserError(Exception):
    """Bad input.  The message names the key or file, what was found and what would be right."""
