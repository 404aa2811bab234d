"""Numbers as people read them: shares, intervals, differences, p-values and counts."""

from __future__ import annotations

from collections.abc import Sequence


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


def listed(names: Sequence[str]) -> str:
    """Return "a", "a and b", or "a, b and c"."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
