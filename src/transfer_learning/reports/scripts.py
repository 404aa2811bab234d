"""Text of any script in figures: more fonts than DejaVu Sans, right-to-left and joined letters.

Pillow alone draws what DejaVu Sans has letter for letter.  Of the rest, matplotlib 3.11 and later
order and shape the letters themselves; an earlier one, which Python 3.10 has, draws them as they
come.  The fonts come with packages, so that a figure has the same bytes everywhere; one of the
machine is used only for letters that none of these has.
"""

from __future__ import annotations

import sys
import unicodedata
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from transfer_learning.runtime.errors import quoted

if TYPE_CHECKING:
    from matplotlib.backends.backend_agg import RendererAgg
    from matplotlib.font_manager import FontProperties

DEJAVU = "DejaVu Sans"
# Packages of fonts; where two of these have a letter, the first one's is drawn.
PACKAGES = ("manimgx_fonts", "noto_cjk_sans_jp_regular")
# Below it DejaVu Sans has every letter; and the signs beyond it that the figures themselves use.
LATIN, SIGNS = "\u0250", frozenset("–—’“”…→−≤≥✓✗")
# Bidirectional classes and general categories of what is not drawn letter after letter.
RIGHT_TO_LEFT = frozenset(["R", "AL", "AN"])
JOINED = frozenset(["Mn", "Mc", "Me", "Cf"])
LEFT_TO_RIGHT_MARK = "\u200e"
DPI = 72
# The first words of what was warned of.
SAID: set[str] = set()


def plain(text: str) -> bool:
    """Whether DejaVu Sans has all of the text, to be drawn letter after letter."""
    return all(
        letter < LATIN or letter in SIGNS or (not _shaped(letter) and letter in _letters(_dejavu()))
        for letter in text
    )


def isolated(text: str) -> str:
    """Return the text with marks that keep what stands beside it from being ordered with it."""
    return text if plain(text) else f"{LEFT_TO_RIGHT_MARK}{text}{LEFT_TO_RIGHT_MARK}"


def families(text: str) -> list[str]:
    """Return the names under which matplotlib knows the fonts that the text needs, DejaVu first.

    What no font has is drawn as boxes, of which stderr says so once.
    """
    missing = {letter for letter in text if letter >= LATIN and _seen(letter)}
    names = [DEJAVU]
    for name, path in _fonts(missing):
        if not missing:
            break
        if found := missing & _letters(path):
            missing -= found
            names += [name] * (name != DEJAVU)
    if missing:
        _say_once(
            f"no font here has {quoted(''.join(sorted(missing)))}, which figures show as boxes; "
            "install one, such as fonts-noto-core or fonts-noto-cjk on Debian and Ubuntu"
        )
    if any(map(_shaped, text)) and not shapes():
        _say_once(
            "matplotlib before 3.11, which needs Python 3.11, draws right-to-left and joined "
            "letters in figures one by one, from left to right"
        )
    return names


def shapes() -> bool:
    """Whether the matplotlib that is installed orders and shapes letters."""
    from matplotlib import ft2font

    return hasattr(ft2font, "__libraqm_version__")


def length(text: str, size: int) -> float:
    """Return the width in pixels of text that is not plain."""
    with unwarned():
        width, _, _ = _renderer(1, 1).get_text_width_height_descent(
            text, _properties(text, size), ismath=False
        )
    return width


def draw(page: Image.Image, place: tuple[int, int], text: str, *, size: int, colour: str) -> None:
    """Draw text that is not plain with the left end of its baseline at a place in pixels."""
    text = text if _shaped(text[0]) else LEFT_TO_RIGHT_MARK + text
    width, height = round(length(text, size)) + 4 * size, 4 * size
    renderer = _renderer(width, height)
    with unwarned():
        renderer.draw_text(
            renderer.new_gc(), size, 2 * size, text, _properties(text, size), angle=0
        )
    mask = Image.fromarray(np.asarray(renderer.buffer_rgba())[..., 3])
    ImageDraw.Draw(page).bitmap((place[0] - size, place[1] - 2 * size), mask, fill=colour)


@contextmanager
def unwarned() -> Iterator[None]:
    """Keep matplotlib from a warning for each letter that no font has."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        yield


def _say_once(words: str) -> None:
    if words.split()[0] not in SAID:
        SAID.add(words.split()[0])
        print(f"warning: {words}", file=sys.stderr)


def _shaped(letter: str) -> bool:
    """Whether a letter's form or place depends on the others."""
    return (
        unicodedata.bidirectional(letter) in RIGHT_TO_LEFT or unicodedata.category(letter) in JOINED
    )


def _seen(letter: str) -> bool:
    """Whether a letter is to be seen: no direction mark, joiner or variation selector."""
    return not letter.isspace() and unicodedata.category(letter) not in ("Cf", "Cc", "Mn")


def _renderer(width: int, height: int) -> RendererAgg:
    # Here, and below, because matplotlib takes longer to start than most figures without it.
    from matplotlib.backends.backend_agg import RendererAgg

    return RendererAgg(width, height, DPI)


def _properties(text: str, size: int) -> FontProperties:
    from matplotlib.font_manager import FontProperties

    return FontProperties(family=families(text), size=size)


@lru_cache
def _dejavu() -> Path:
    package = find_spec("matplotlib")
    assert package is not None and package.origin is not None
    return Path(package.origin).parent / "mpl-data/fonts/ttf/DejaVuSans.ttf"


@cache
def _letters(path: Path) -> frozenset[str]:
    from matplotlib.ft2font import FT2Font

    try:
        return frozenset(map(chr, FT2Font(str(path)).get_charmap()))
    except RuntimeError:  # A font of the machine that FreeType cannot read.
        return frozenset()


def _fonts(missing: set[str]) -> Iterator[tuple[str, Path]]:
    """Yield name and file of DejaVu Sans, then others as long as letters are missing."""
    yield DEJAVU, _dejavu()
    if missing:
        yield from _packaged()
    if missing:
        yield from _of_the_machine()


@lru_cache
def _packaged() -> tuple[tuple[str, Path], ...]:
    paths: list[Path] = []
    for name in PACKAGES:
        package = find_spec(name)
        if package is not None and package.origin is not None:
            folder = Path(package.origin).parent
            paths += sorted(path for path in folder.glob("*.[ot]tf") if "Italic" not in path.name)
    return tuple(_named(paths))


@lru_cache
def _of_the_machine() -> tuple[tuple[str, Path], ...]:
    from matplotlib.font_manager import fontManager

    known = {_dejavu(), *(path for _, path in _packaged())}
    entries = sorted(
        fontManager.ttflist,
        # Upright and regular ones first; some weights are words.
        key=lambda entry: (entry.style != "normal", str(entry.weight) != "400", entry.fname),
    )
    paths = dict.fromkeys(Path(entry.fname) for entry in entries)
    # matplotlib's own last resort has a box for every letter.
    return tuple(_named(p for p in paths if p not in known and "LastResort" not in p.name))


def _named(paths: Iterable[Path]) -> Iterator[tuple[str, Path]]:
    """Make fonts known to matplotlib under names that no other font of the machine has."""
    from matplotlib.font_manager import FontEntry, fontManager

    for path in paths:
        name = f"file {path}"
        fontManager.ttflist.append(FontEntry(fname=str(path), name=name))
        yield name, path
