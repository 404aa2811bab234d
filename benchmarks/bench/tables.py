"""The results as Markdown."""

from __future__ import annotations

import statistics
from typing import Any


def as_markdown(results: dict[str, Any]) -> str:
    """Return the tables."""
    machine = results["machine"]
    lines = [
        "# Benchmarks",
        "",
        ", ".join(f"{key} {value}" for key, value in machine.items())
        + f". Photos: {results['photos']}. Medians of {results['repeats']}; `make bench` makes "
        "this file.",
        "",
        f"The last run measured {', '.join(results['last']['parts'])} with "
        f"{', '.join(results['last']['backbones'])}; what else is here is of earlier runs.",
        "",
    ]
    if "chapter" in results:
        lines += _chapter_table(results["chapter"])
    if "stages" in results:
        lines += _stages_table(results["stages"])
    if "rebuilds" in results:
        lines += ["## Rebuilds", "", "Whole `dvc repro`, two backbones.", ""]
        lines += ["| changed | seconds |", "|---|---|"]
        lines += [
            f"| {what} | {statistics.median(seconds):.1f} |"
            for what, seconds in results["rebuilds"].items()
        ]
        lines.append("")
    if "growth" in results:
        lines += _growth_tables(results["growth"])
    return "\n".join(lines)


def _chapter_table(chapter: dict[str, Any]) -> list[str]:
    lines = [
        "## Against the chapter's way",
        "",
        "Whole processes: the chapter's way with its network at hand, the pipeline from an empty "
        "cache.",
        "",
        "| backbone | what | chapter's way | pipeline | ratio |",
        "|---|---|---|---|---|",
    ]
    for name, result in chapter.items():
        seconds, photo = result["seconds"], result["per_photo"]
        epoch, fixed = result["per_epoch"], result["fixed"]
        head = f"| {name} | a changed head parameter, s | {seconds['chapter']:.1f} "
        rows = [
            (f"{result['photos']} photos, s", seconds["chapter"], seconds["ours"]),
            ("each further photo, ms", 1000 * photo["chapter"], 1000 * photo["ours"]),
            ("each further epoch, s", epoch["chapter"], epoch["ours"]),
        ]
        lines += [f"| {name} | {what} | {a:.3g} | {b:.3g} | {a / b:.1f} |" for what, a, b in rows]
        # The chapter's few seconds are lost in the noise of its minutes, even below zero.
        lines.append(f"| {name} | fixed part, s | – | {fixed['ours']:.3g} | – |")
        lines.append(
            f"{head}| {result['changed']:.1f} | {seconds['chapter'] / result['changed']:.1f} |"
        )
    return [*lines, ""]


def _stages_table(stages: dict[str, Any]) -> list[str]:
    lines = [
        "## Stages against their limit",
        "",
        "Photos/s, median and fastest of the rounds. The ratio is that of the fastest: a virtual "
        "machine may put all threads of a round on one core, which halves that round of either.",
        "",
        "| stage | median | fastest | its limit | median | fastest | ratio |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in stages.values():
        ours, limit = row["ours"], row["limit"]
        cells = [f"{statistics.median(rates):.0f} | {max(rates):.0f}" for rates in (ours, limit)]
        lines.append(
            f"| {row['stage']} | {cells[0]} | {row['what']} | {cells[1]} "
            f"| {max(ours) / max(limit):.2f} |"
        )
    return [*lines, ""]


def _growth_tables(growth: dict[int, dict[str, Any]]) -> list[str]:
    sizes = list(growth)
    head = "| stage | " + " | ".join(f"{size} photos" for size in sizes) + " |"
    lines = ["## Growth", ""]
    for key, what in (("stages", "Seconds, DVC's own work included."), ("peak_mb", "Peak MB.")):
        lines += [what, "", head, "|---" * (len(sizes) + 1) + "|"]
        for stage in growth[sizes[0]][key]:
            if stage != "start":
                cells = [growth[size][key].get(stage, 0.0) for size in sizes]
                lines.append(f"| {stage} | " + " | ".join(f"{cell:.1f}" for cell in cells) + " |")
        if key == "stages":
            cells = [growth[size]["seconds"] for size in sizes]
            lines.append("| all | " + " | ".join(f"{cell:.1f}" for cell in cells) + " |")
        lines.append("")
    return lines
