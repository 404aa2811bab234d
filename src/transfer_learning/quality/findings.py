"""All that is found about the photos, and its file: ``data/quality/findings.json``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from transfer_learning.config.paths import QUALITY
from transfer_learning.photos.dataset import Correction, Grouping
from transfer_learning.runtime.files import read_json, write_json

FILE = "findings.json"
Likeness = Literal["same bytes", "same picture", "mirrored", "near"]
Fault = Literal["dark", "white", "blurred", "tiny", "grey", "one colour"]


@dataclass(frozen=True)
class Shown:
    """A photo that is named: where it is and what it is said to show."""

    id: str
    split: str
    label: str


@dataclass(frozen=True)
class Pair:
    """Two photos that show the same, or nearly.

    ``apart`` is their distance by the backbone that finds them least alike, in parts of how far
    the fifth nearest photo usually is.
    """

    first: Shown
    second: Shown
    likeness: Likeness
    apart: float

    @property
    def leaks(self) -> bool:
        """Whether they lie in two splits: what is tested has been learnt, in part."""
        return self.first.split != self.second.split

    @property
    def disagrees(self) -> bool:
        """Whether they have two labels, of which one is wrong."""
        return self.first.label != self.second.label


@dataclass(frozen=True)
class Suspect:
    """A photo whose label is probably wrong, by heads that have not seen it.

    ``given`` and ``other`` are the probabilities of its label and of ``suggested``; ``nearest`` the
    training photos nearest by features.
    """

    photo: Shown
    suggested: str
    given: float
    other: float
    nearest: tuple[Shown, ...]


@dataclass(frozen=True)
class Outlier:
    """A photo far from all others: ``far`` times as far as usual, by every backbone at least."""

    photo: Shown
    far: float


@dataclass(frozen=True)
class Odd:
    """A photo with a fault that is seen without a network, and the number that says so."""

    photo: Shown
    fault: Fault
    value: float


@dataclass(frozen=True)
class Findings:
    """All of ``findings.json``; every list has what a person should look at first first.

    ``common`` are faults of so many photos that they are how the photos are: the count of each.
    ``advice`` is about the classes, a sentence each.
    """

    photos: int
    synthetic: bool
    classes: tuple[str, ...]
    backbones: tuple[str, ...]
    pairs: tuple[Pair, ...]
    suspects: tuple[Suspect, ...]
    outliers: tuple[Outlier, ...]
    odd: tuple[Odd, ...]
    common: dict[Fault, int]
    advice: tuple[str, ...]
    corrections: tuple[Correction, ...]
    grouping: Grouping | None

    @property
    def leaks(self) -> list[Pair]:
        """The pairs across splits."""
        return [pair for pair in self.pairs if pair.leaks]

    @property
    def disagreements(self) -> list[Pair]:
        """The pairs with two labels."""
        return [pair for pair in self.pairs if pair.disagrees]

    def write(self, folder: Path = QUALITY) -> None:
        """Write ``findings.json``."""
        write_json(folder / FILE, self)

    @classmethod
    def read(cls, folder: Path = QUALITY) -> Findings:
        """Read ``findings.json``."""
        return read_json(folder / FILE, cls)


def shown(findings: Findings, most: int) -> list[str]:
    """Return the ids of the photos in the first ``most`` findings of each kind, each once."""

    def named() -> Iterator[Shown]:
        for pair in findings.pairs[:most]:
            yield from (pair.first, pair.second)
        for suspect in findings.suspects[:most]:
            yield from (suspect.photo, *suspect.nearest)
        yield from (item.photo for item in findings.outliers[:most])
        yield from (item.photo for item in findings.odd[:most])

    return list(dict.fromkeys(photo.id for photo in named()))
