"""The page's section on the photos: copies, suspect labels, outliers, odd photos, each to tick."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from transfer_learning.quality.findings import Findings, Shown
from transfer_learning.reports import quality_page
from transfer_learning.reports.html.figures import data_uri

# Findings of a kind that the page shows.
SHOWN = quality_page.SHOWN
# Digits of a share.
PERCENT = "{:.0f} %"


@dataclass(frozen=True)
class Tick:
    """What a person may ask for a photo: a line of exclude.csv."""

    id: str
    action: str
    label: str
    reason: str
    words: str


@dataclass(frozen=True)
class Card:
    """A photo, its picture's address, and what may be asked for it."""

    photo: Shown
    picture: str
    ticks: list[Tick]


@dataclass(frozen=True)
class Row:
    """A finding: what it is in words, its photos, and photos beside it for comparison."""

    words: str
    cards: list[Card]
    beside: list[Card]


@dataclass(frozen=True)
class Part:
    """A kind of finding: its title, what it means, its first rows and how many there are."""

    title: str
    meaning: str
    none: str
    rows: list[Row]
    total: int


@dataclass(frozen=True)
class Section:
    """All that the template shows; ``kept`` are the lines of exclude.csv in force, as JSON."""

    sentence: str
    done: list[str]
    parts: list[Part]
    common: list[str]
    advice: Sequence[str]
    kept: str
    ids: list[str]
    size: int


def section(found: Findings, pictures: Mapping[str, bytes]) -> Section:
    """Return the section.

    Args:
        found: the findings.
        pictures: a WebP image of each photo that is shown, by its id.
    """
    shown = {id: data_uri(picture, "webp") for id, picture in pictures.items()}
    far = [(item.photo, f"{item.far:.2f} times as far as usual") for item in found.outliers]
    faults = [(item.photo, item.fault) for item in found.odd]
    parts = [
        Part(
            "Copies",
            "Two photos that show the same. Across splits they leak: what is tested has been "
            "learnt. Those come first, then those with two labels.",
            "No two photos show the same.",
            _pairs(found, shown),
            len(found.pairs),
        ),
        Part(
            "Suspect labels",
            "Photos that heads which have not seen them take for another class, more surely than "
            "is usual for it; beside each the training photos nearest to it.",
            "No label is suspect.",
            _suspects(found, shown),
            len(found.suspects),
        ),
        Part(
            "Outliers",
            "Photos far from all others, by every backbone: of another subject, perhaps.",
            "No photo is far from all others.",
            _alone(far, shown, reason="outlier"),
            len(found.outliers),
        ),
        Part(
            "Odd photos",
            "Too dark, white, blurred, tiny, nearly grey or nearly of one colour.",
            "None is dark, white, blurred, tiny, nearly grey or nearly of one colour.",
            _alone(faults, shown),
            len(found.odd),
        ),
    ]
    kept = [[item.id, item.action, item.label, item.reason] for item in found.corrections]
    cards = [card for part in parts for row in part.rows for card in (*row.cards, *row.beside)]
    return Section(
        sentence=quality_page.sentence(found),
        done=[line.replace("`", "") for line in quality_page.done(found)],
        parts=parts,
        common=quality_page.common(found),
        advice=found.advice,
        kept=json.dumps(kept),
        ids=sorted({card.photo.id for card in cards}),
        size=sum(len(card.picture) for card in cards),
    )


def _pairs(found: Findings, shown: Mapping[str, str]) -> list[Row]:
    rows = []
    for pair in found.pairs[:SHOWN]:
        cards = [
            Card(
                one,
                shown[one.id],
                [
                    _leave_out(one, f"{quality_page.HOW[pair.likeness]} as {other.id}"),
                    *[_relabel(one, other.label, f"as {other.id}")] * pair.disagrees,
                ],
            )
            for one, other in ((pair.first, pair.second), (pair.second, pair.first))
        ]
        rows.append(Row(quality_page.remark(pair), cards, []))
    return rows


def _suspects(found: Findings, shown: Mapping[str, str]) -> list[Row]:
    reason = "suspect label"
    rows = []
    for item in found.suspects[:SHOWN]:
        photo = item.photo
        ticks = [_leave_out(photo, reason), _relabel(photo, item.suggested, reason)]
        words = (
            f"labelled {photo.label} ({PERCENT.format(100 * item.given)}), looks like "
            f"{item.suggested} ({PERCENT.format(100 * item.other)})"
        )
        nearest = [Card(near, shown[near.id], []) for near in item.nearest]
        rows.append(Row(words, [Card(photo, shown[photo.id], ticks)], nearest))
    return rows


def _alone(
    found: Sequence[tuple[Shown, str]], shown: Mapping[str, str], *, reason: str | None = None
) -> list[Row]:
    """Return findings of one photo each, given with its words, which are the reason by default."""
    return [
        Row(words, [Card(photo, shown[photo.id], [_leave_out(photo, reason or words)])], [])
        for photo, words in found[:SHOWN]
    ]


def _leave_out(photo: Shown, reason: str) -> Tick:
    return Tick(photo.id, "exclude", "", reason, "leave out")


def _relabel(photo: Shown, label: str, reason: str) -> Tick:
    return Tick(photo.id, "relabel", label, reason, f"is {label}")
