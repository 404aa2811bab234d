"""``reports/export.md``: the formats of the export, side by side with the pipeline's answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from transfer_learning.classifier.manifest import Manifest
from transfer_learning.evaluation.wording import percent
from transfer_learning.export.comparison import FALL, Compared
from transfer_learning.reports.markdown import markdown

# The least that a difference is said to be below: under it, processors differ from each other.
LEAST = 1e-4


def below(difference: float) -> str:
    """Return the power of ten that a difference is below, which no processor changes."""
    bound = LEAST
    while difference >= bound:
        bound *= 10
    return f"below {bound:.4f}".rstrip("0").rstrip(".")


def page(
    manifest: Manifest, formats: Sequence[Compared], left_out: Mapping[str, str], *, photos: int
) -> str:
    """Return the page as Markdown.

    Args:
        manifest: of the export.
        formats: what was compared.
        left_out: why, by the name of a format that the export has not.
        photos: how many test photos there are.
    """
    rows = [
        [
            item.format.name,
            f"{item.size / 1e6:.1f}" if item.size else "–",
            percent(item.accuracy),
            str(item.changed),
            below(item.largest),
        ]
        for item in formats
    ]
    lines = [
        "# Export",
        "",
        *(["**Synthetic data: the photos are drawn by this project.**", ""] * manifest.synthetic),
        f"`data/export` holds **{manifest.name}** for {len(manifest.classes)} classes. Each "
        f"format, in a process of its own, answered the {photos} test photos from their encoded "
        "bytes:",
        "",
        *markdown(
            ["format", "MB", "test accuracy", "other answers than predictions.csv", "differences"],
            rows,
        ),
        "",
        "*Differences* are those of calibrated probabilities, the largest over all photos and "
        "classes. Where a format with float32 weights has one other answer, the export fails; so "
        f"it does where float16 weights cost more than {FALL * 100:g} point of accuracy.",
        "",
        *_left_out(left_out),
        threshold_sentence(manifest),
        "",
        f"Temperature: {manifest.temperature:g} (the logits are divided by it). Pixels: "
        f"{', '.join(f'{member.name} {member.resolution} px' for member in manifest.members)}, "
        f"{manifest.resize.method}"
        f"{', smoothed where the photo shrinks' if manifest.resize.antialias else ''}.",
    ]
    return "\n".join(lines) + "\n"


def _left_out(left_out: Mapping[str, str]) -> list[str]:
    if not left_out:
        return []
    return ["Left out:", "", *(f"- {name}: {why}" for name, why in left_out.items()), ""]


def threshold_sentence(manifest: Manifest) -> str:
    """Return from which probability on an answer is sure, and what that means."""
    asked = percent(manifest.sure_accuracy)
    if not manifest.sure_share:
        return f"*Sure*: never. No threshold makes {asked} of the validation photos above it right."
    return (
        f"*Sure* from a probability of {manifest.threshold:g} on: {asked} or more of such "
        f"validation photos are right, and {percent(manifest.sure_share)} of all are such."
    )
