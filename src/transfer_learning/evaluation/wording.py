"""Numbers as people read them: shares, intervals, differences, p-values and counts."""

from __future__ import annotations

import re
from collections.abc import Sequence

# Shares that people have words for.
SHARES = {
    1: "as much",
    3 / 4: "about three quarters of the",
    2 / 3: "about two thirds of the",
    1 / 2: "about half the",
    1 / 3: "about a third of the",
    1 / 4: "about a quarter of the",
    1 / 5: "about a fifth of the",
    1 / 10: "about a tenth of the",
}
# The space before a unit or a counted noun, around a sign, and after p.
UNITS = re.compile(
    r"(?<=\d) (?=(?:%|px|[kMG]?B|s|points?|times?|photos?|million|billion|thousand|of \d)\b|%)"
    r"|(?<=[=<×]) (?=\d)|(?<=\bp) (?=[=<])|(?<=\d) (?=×)"
)


def hundredths(share: float) -> str:
    """Return a share of one in hundredths, for where "%" stands elsewhere: "91.2"."""
    return f"{100 * share:.1f}"


def percent(share: float) -> str:
    """Return a share of one: "91.2 %"."""
    return f"{hundredths(share)} %"


def whole_percent(share: float) -> str:
    """Return a share of one: "91 %"."""
    return f"{100 * share:.0f} %"


def interval(ends: tuple[float, float]) -> str:
    """Return an interval of shares in hundredths, without "%": "83.8 to 95.2"."""
    return " to ".join(map(hundredths, ends))


def points(difference: float) -> str:
    """Return a difference of shares in percentage points, always with its sign: "+2.5"."""
    return f"{100 * difference:+.1f}"


def p_text(p: float) -> str:
    """Return a p-value."""
    return "< 0.001" if p < 0.001 else f"{p:.2f}" if p >= 0.1 else f"{p:.3f}"


def count(number: int, noun: str) -> str:
    """Return how many there are of something, which is named in the singular: "1,200 photos"."""
    ending = "" if number == 1 else "es" if noun.endswith("s") else "s"
    return f"{number:,} {noun}{ending}"


def large(number: int) -> str:
    """Return a large number to three digits: "301 million"."""
    for size, word in ((10**9, "billion"), (10**6, "million"), (10**3, "thousand")):
        if number >= size:
            return f"{number / size:.3g} {word}"
    return str(number)


def ratio(value: float) -> str:
    """Return how much of something another needs: "2.9 times the", "as much", "about half the"."""
    for share, words in SHARES.items():
        if abs(value / share - 1) <= 0.06:
            return words
    if value < 1:
        return f"{whole_percent(value)} of the"
    return f"{value:,.{1 if value < 10 else 0}f} times the"


def unbroken(text: str) -> str:
    """Return the text with no-break spaces between numbers and what belongs to them, for HTML."""
    return UNITS.sub("\N{NO-BREAK SPACE}", text)


def listed(names: Sequence[str]) -> str:
    """Return "a", "a and b", or "a, b and c"."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
