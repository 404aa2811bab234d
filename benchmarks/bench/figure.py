"""The results as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure


def draw_figure(results: dict[str, Any], path: Path) -> None:
    """Draw the whole run against the chapter's way, and the stages over the number of photos."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for index, result in enumerate(results.get("chapter", {}).values()):
        for offset, (way, colour) in enumerate((("chapter", "#d55e00"), ("ours", "#0072b2"))):
            value = result["seconds"][way]
            label = {"chapter": "chapter's way", "ours": "pipeline, cold"}[way]
            left.barh(index + 0.38 * offset, value, 0.36, color=colour, label=label)
            left.text(value, index + 0.38 * offset, f" {value:.0f} s", va="center")
    names = [
        f"{name}\n{result['photos']} photos" for name, result in results.get("chapter", {}).items()
    ]
    left.set_yticks([index + 0.19 for index in range(len(names))], names)
    left.set(xlabel="seconds, whole run", title="Against the chapter's way")
    left.margins(x=0.15)  # for the numbers
    left.invert_yaxis()
    handles, labels = left.get_legend_handles_labels()
    if handles:
        figure.legend(handles[:2], labels[:2], loc="outside lower left", ncols=2)
    growth = results.get("growth", {})
    for stage in ("fetch", "preprocess@224", "extract@mobilenet_v2", "train@mobilenet_v2"):
        if growth:
            right.plot(
                [int(size) for size in growth],
                [value["stages"][stage] for value in growth.values()],
                "o-",
                label=stage,
            )
    right.set(xlabel="photos", ylabel="seconds", title="Stages over the number of photos")
    right.set(xlim=(0, None), ylim=(0, None))
    if growth:
        right.legend()
    figure.savefig(path, dpi=110, metadata={"Software": None})
