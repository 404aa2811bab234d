"""How far two versions of one output are apart, and how far they may be.

What may differ, and why (measured figures in docs/verify.md):

* What ``fetch``, ``preprocess`` and ``backbone`` make: nothing.  They copy, decode and resize in
  integers or in arithmetic that rounds alike everywhere, so that another byte is another photo.
* Features: 1e-3 of the largest.  Other CPU kernels and engines move them by 1e-6 to 5e-6 of it,
  GPUs by up to 1e-4; bfloat16 by 5e-2, which is another experiment.
* Heads: 3e-2 of the largest weight.  Adam divides by the size of the gradient, so the weights of
  rarely active features move a hundred times as far as the features, and count as little.
* Numbers in tables and pages: 1e-3, absolute up to 1 and relative above: below what one photo in
  a thousand changes.  A whole number, a label, a name and the order of rows must be equal, so a
  photo that changes its class is a difference even where its two classes were all but equal.
* The learning curves: 1e-2.  While the head trains, photos at the boundary change sides, and
  nothing is decided by them.
* In pages, which round: one unit of the last digit.
* Pictures: 1 % of full scale, root mean square over the pixels.  The numbers that they draw are
  compared themselves; what is left is where a line falls between two pixels.

Versions, engine names, digests and embedded pictures in a text are passed over: the former are of
the environment, the latter of files that are compared themselves.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from dataclasses import dataclass

import numpy as np
from PIL import Image

EXACT_STAGES = ("fetch", "preprocess", "backbone")
FEATURES = 1e-3
HEADS = 3e-2
NUMBERS = 1e-3
CURVES = 1e-2
PIXELS = 1e-2

# What NumPy, Pillow and the decoding of texts say of damaged files.
UNREADABLE = (ValueError, OSError, EOFError, KeyError, SyntaxError, zipfile.BadZipFile, zlib.error)
CURVE_FILES = ("history.csv", "curves.csv", ".tsv")
PAGES = (".md", ".html")
TEXTS = (".csv", ".tsv", ".json", *PAGES)
NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
PASSED_OVER = re.compile(
    r"data:[\w/+.-]+;base64,[A-Za-z0-9+/=]+|\b[0-9a-f]{32,64}\b|\bopenvino\b|\btensorflow\b"
    r"|\b\d+(?:\.\d+){2,}\w*"
)


@dataclass(frozen=True)
class Difference:
    """What differs between two versions of a file, in words, and whether that much may."""

    within: bool
    text: str


def compare(path: str, old: bytes, new: bytes, *, stage: str) -> Difference | None:
    """Compare two versions of an output of ``stage``; None where they are the same bits."""
    if old == new:
        return None
    if is_exact(stage):
        return _bytes(old, new)
    try:
        return _look_into(path, old, new, stage=stage)
    except UNREADABLE as error:
        return Difference(False, f"cannot be read: {error}")


def _look_into(path: str, old: bytes, new: bytes, *, stage: str) -> Difference:
    if path.endswith(".npz"):
        return _arrays(old, new, FEATURES if stage.startswith("extract") else HEADS)
    if path.endswith(".png"):
        return _pixels(old, new)
    if path.endswith(TEXTS):
        tolerance = CURVES if path.endswith(CURVE_FILES) else NUMBERS
        return _texts(old.decode(), new.decode(), tolerance, rounded=path.endswith(PAGES))
    return _bytes(old, new)


def is_exact(stage: str) -> bool:
    """Return whether what the stage makes must be the same bits everywhere."""
    return stage.partition("@")[0] in EXACT_STAGES


def _bytes(old: bytes, new: bytes) -> Difference:
    if len(old) != len(new):
        return Difference(False, f"{len(old):,} bytes became {len(new):,}")
    where = np.flatnonzero(np.frombuffer(old, np.uint8) != np.frombuffer(new, np.uint8))
    first = where[0]
    return Difference(
        False,
        f"{len(where):,} of {len(old):,} bytes differ; "
        f"the first, at {first:,}, was {old[first]} and is {new[first]}",
    )


def _arrays(old: bytes, new: bytes, tolerance: float) -> Difference:
    before, after = (dict(np.load(io.BytesIO(data), allow_pickle=False)) for data in (old, new))
    shapes = [{name: (a.shape, a.dtype) for name, a in x.items()} for x in (before, after)]
    if shapes[0] != shapes[1]:
        return Difference(False, f"arrays {shapes[0]} became {shapes[1]}")
    within, texts = True, []
    for name in before:
        a, b = before[name], after[name]
        if a.tobytes() == b.tobytes():
            continue
        if a.dtype.kind != "f":
            count = np.count_nonzero(a != b)
            within, text = False, f"{name}: {count:,} of {a.size:,} values differ"
        else:
            largest = float(np.abs(a).max(initial=0)) or 1.0
            apart = float(np.abs(a.astype(np.float64) - b).max()) / largest
            # A NaN is never within.
            within &= apart <= tolerance
            text = (
                f"{name}: {np.count_nonzero(a != b):,} of {a.size:,} numbers differ, "
                f"by up to {apart:.1e} of the largest (allowed {tolerance:.0e})"
            )
        texts.append(text)
    return Difference(within, "; ".join(texts) or "the same arrays, stored otherwise")


def _pixels(old: bytes, new: bytes) -> Difference:
    before, after = (
        np.asarray(Image.open(io.BytesIO(data)).convert("RGBA"), np.float64) for data in (old, new)
    )
    if before.shape != after.shape:
        height, width = before.shape[:2]
        return Difference(
            False, f"{width} × {height} pixels became {after.shape[1]} × {after.shape[0]}"
        )
    apart = float(np.sqrt(np.mean((before - after) ** 2))) / 255
    if not apart:
        return Difference(True, "the same pixels, stored otherwise")
    count = np.count_nonzero((before != after).any(axis=2))
    return Difference(
        apart <= PIXELS,
        f"{count:,} pixels differ, {apart:.1e} of full scale over all (allowed {PIXELS:.0e})",
    )


def _texts(old: str, new: str, tolerance: float, *, rounded: bool) -> Difference:
    before, after = (PASSED_OVER.sub("…", text) for text in (old, new))
    words = [NUMBER.split(text) for text in (before, after)]
    if words[0] != words[1]:
        pairs = zip(before.split("\n"), after.split("\n"), strict=False)
        number, (a, b) = next(
            ((i, pair) for i, pair in enumerate(pairs, 1) if _words(pair[0]) != _words(pair[1])),
            (before.count("\n") + 1, ("(end)", "(more)")),
        )
        return Difference(False, f"line {number}: {_short(a)} became {_short(b)}")
    changed, worst, worst_text, within = 0, -1.0, "", True
    for match, other in zip(NUMBER.finditer(before), NUMBER.findall(after), strict=True):
        if match[0] == other:
            continue
        changed += 1
        excess = _excess(match[0], other, tolerance, rounded=rounded)
        within &= excess <= 1
        if excess > worst:
            line = before.count("\n", 0, match.start()) + 1
            worst, worst_text = excess, f"line {line}: {match[0]} became {other}"
    if not changed:
        return Difference(True, "only versions, engine names, digests or embedded pictures")
    return Difference(
        within, f"{changed:,} numbers differ, most in {worst_text} (allowed {tolerance:.0e})"
    )


def _excess(old: str, new: str, tolerance: float, *, rounded: bool) -> float:
    """Return how often the allowed difference two numbers are apart; whole ones may not be."""
    if old.lstrip("+-").isdigit() and new.lstrip("+-").isdigit():
        return np.inf
    a, b = float(old), float(new)
    allowed = tolerance * max(1.0, abs(a), abs(b))
    if rounded:
        allowed = max(allowed, 10.0 ** -min(len(x.partition(".")[2]) for x in (old, new)))
    # Decimal numbers are not exact in binary: 0.123 and 0.124 are one in a thousand apart.
    return abs(a - b) / allowed * (1 - 1e-9)


def _words(line: str) -> list[str]:
    return NUMBER.split(line)


def _short(text: str) -> str:
    return f"“{text if len(text) <= 60 else text[:60] + '…'}”"
