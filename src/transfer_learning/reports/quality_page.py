"""``reports/quality.md`` and ``quality.csv``: what the photos themselves say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from transfer_learning.config.paths import EXCLUDE
from transfer_learning.evaluation.wording import count
from transfer_learning.photos.dataset import Correction, Grouping
from transfer_learning.quality.findings import Fault, Findings, Pair, Shown
from transfer_learning.reports import photo_grids
from transfer_learning.reports.markdown import markdown
from transfer_learning.runtime import csv_files

# Findings of a kind that the pages show; quality.csv has all.
SHOWN = 40
# Pairs in the figure; of suspect labels twice as many.
DRAWN = 6
# What each fault means, and the unit of its number.
FAULTS: dict[Fault, str] = {
    "dark": "mean grey, of 255",
    "white": "mean grey, of 255",
    "blurred": "sharpest edges, levels of 255",
    "tiny": "shorter side, pixels",
    "grey": "colour, levels of 255",
    "one colour": "spread of the colours, levels of 255",
}
HOW = {
    "same bytes": "the same file",
    "same picture": "the same picture",
    "mirrored": "the same picture, mirrored",
    "near": "nearly the same picture",
}
HEADER = (
    "finding", "id", "split", "label", "other_id", "other_split", "other_label", "detail", "value",
)  # fmt: skip


def sentence(found: Findings) -> str:
    """Return how much of each kind was found."""
    return (
        f"of {count(found.photos, 'photo')}: {count(len(found.pairs), 'pair')} of copies "
        f"({len(found.leaks)} across splits, {len(found.disagreements)} with two labels), "
        f"{count(len(found.suspects), 'suspect label')}, "
        f"{count(len(found.outliers), 'outlier')}, {count(len(found.odd), 'odd photo')}"
    )


def page(found: Findings) -> str:
    """Return ``quality.md``."""
    lines = ["# The photos", ""]
    if found.synthetic:
        lines += ["Synthetic photos: drawn by this project's own code, not photographed.", ""]
    lines += [f"Found {sentence(found)}.", ""]
    lines += [
        "Nothing is removed by itself. What a person lists in `data/exclude.csv` is "
        "(docs/quality.md); on the page, `reports/index.html`, photos can be ticked for it.",
        "",
    ]
    lines += [f"- {line}" for line in done(found)]
    lines += ["", "## Copies", ""]
    lines += _table(
        ["photo", "split", "label", "copy", "split", "label", "what it is", "distance"],
        [
            [*_cells(pair.first), *_cells(pair.second), remark(pair), f"{pair.apart:.2f}"]
            for pair in found.pairs
        ],
        "No two photos show the same.",
    )
    lines += [
        "Pairs across splits come first: what is tested has then been learnt. The distance is that "
        "of the backbone that finds them least alike; 1 is how far the fifth nearest photo usually "
        "is.",
        "",
        "## Suspect labels",
        "",
    ]
    lines += _table(
        ["photo", "split", "label", "suggested", "p(label)", "p(suggested)"],
        [
            [*_cells(item.photo), item.suggested, f"{item.given:.2f}", f"{item.other:.2f}"]
            for item in found.suspects
        ],
        "No label is suspect.",
    )
    lines += ["## Outliers", ""]
    lines += _table(
        ["photo", "split", "label", "distance"],
        [[*_cells(item.photo), f"{item.far:.2f}"] for item in found.outliers],
        "No photo is far from all others.",
    )
    lines += ["## Odd photos", ""]
    lines += _table(
        ["photo", "split", "label", "fault", "measured", "what was measured"],
        [
            [*_cells(item.photo), item.fault, f"{item.value:.0f}", FAULTS[item.fault]]
            for item in found.odd
        ],
        "No photo is dark, white, blurred, tiny, nearly grey or nearly of one colour.",
    )
    lines += [f"- {line}" for line in common(found)]
    lines += ["", "## Classes", ""]
    lines += [f"- {line}." for line in found.advice] or ["No class is small beside another."]
    return "\n".join(lines).rstrip() + "\n"


def draw(path: Path, found: Findings, thumbnails: Mapping[str, bytes]) -> None:
    """Draw the first pairs, side by side, and the first suspect labels; ``thumbnails`` by id."""
    lines = [
        (photo, [f"{photo.label} ({photo.split})", *remark(pair).replace(", ", "; ").split("; ")])
        for pair in found.pairs[:DRAWN]
        for photo in (pair.first, pair.second)
    ]
    lines += [
        (item.photo, [f"{item.photo.label} ({item.photo.split})", f"looks like {item.suggested}"])
        for item in found.suspects[: 2 * DRAWN]
    ]
    photo_grids.findings(
        path,
        [(thumbnails[photo.id], words) for photo, words in lines],
        title="Copies and suspect labels" + " (synthetic photos)" * found.synthetic,
        notes=[
            f"{count(len(found.pairs), 'pair')} of copies, the first {DRAWN} side by side; then "
            f"the first {2 * DRAWN} of {count(len(found.suspects), 'suspect label')}."
            if lines
            else f"None among {count(found.photos, 'photo')}."
        ],
    )


def remark(pair: Pair) -> str:
    """Return what two photos are to each other, in words."""
    words = HOW[pair.likeness]
    if pair.leaks:
        words += "; a leak"
    return words + ("; two labels" if pair.disagrees else "")


def done(found: Findings) -> list[str]:
    """Return what exclude.csv and ``group_duplicates`` did, a sentence each."""
    return [_corrected(found.corrections), _grouped(found.grouping, len(found.leaks))]


def common(found: Findings) -> list[str]:
    """Return a sentence for each fault of so many photos that none is listed."""
    return [
        f"{times:,} of {found.photos:,} photos are {_adjective(fault)}: that is how these photos "
        "are, so they are not listed."
        for fault, times in found.common.items()
    ]


def write_rows(path: Path, found: Findings) -> None:
    """Write ``quality.csv``: a line per finding, in the order of the page, all of them."""
    csv_files.write_rows(path, HEADER, _rows(found), decimals=2)


def _rows(found: Findings) -> Iterator[Sequence[object]]:
    none = ("", "", "")
    for pair in found.pairs:
        yield ["copy", *_cells(pair.first), *_cells(pair.second), pair.likeness, pair.apart]
    for suspect in found.suspects:
        yield ["suspect label", *_cells(suspect.photo), *none, suspect.suggested, suspect.given]
    for outlier in found.outliers:
        yield ["outlier", *_cells(outlier.photo), *none, "distance", outlier.far]
    for odd in found.odd:
        yield ["odd photo", *_cells(odd.photo), *none, odd.fault, odd.value]


def _cells(photo: Shown) -> list[str]:
    return [photo.id, photo.split, photo.label]


def _table(header: list[str], rows: list[list[str]], otherwise: str) -> list[str]:
    if not rows:
        return [otherwise, ""]
    more = [f"The first {SHOWN} of {len(rows):,}; quality.csv has all.", ""]
    return [*markdown(header, rows[:SHOWN]), "", *(more if len(rows) > SHOWN else [])]


def _corrected(corrections: Sequence[Correction]) -> str:
    if not corrections:
        return f"`{EXCLUDE}` lists no photo."
    times = Counter(item.action for item in corrections)
    return (
        f"`{EXCLUDE}` excluded {count(times['exclude'], 'photo')} and gave "
        f"{count(times['relabel'], 'photo')} another label."
    )


def _grouped(grouping: Grouping | None, leaks: int) -> str:
    if grouping is None:
        advice = f"; true keeps copies in one split, and {_compared('true')}" if leaks else ""
        return f"`dataset.group_duplicates` is false{advice}."
    return (
        f"`dataset.group_duplicates` kept {count(grouping.photos, 'photo')} of "
        f"{count(grouping.groups, 'group')} of copies together, for which "
        f"{count(grouping.moved, 'photo')} moved to another split; "
        f"{_compared('false')}."
    )


def _compared(value: str) -> str:
    return (
        f"`dvc exp run -S dataset.group_duplicates={value} -n other`, then "
        "`dvc metrics diff HEAD other`, shows how that changes the accuracy"
    )


def _adjective(fault: Fault) -> str:
    return {"grey": "nearly grey", "one colour": "nearly of one colour"}.get(fault, fault)
