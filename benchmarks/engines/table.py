"""The results as Markdown."""

from __future__ import annotations

from typing import Any

from benchmarks.engines.candidates import CORES


def as_markdown(rows: list[dict[str, Any]], absent: dict[str, list[str]]) -> str:
    """Return the table; ratios are to the engine as the pipeline has it."""
    lines = [
        f"{CORES} cores. Photos/s: median over rounds and, because a shared machine only ever "
        "takes time away, the best. The ratio is to OpenVINO as the pipeline has it, by rounds. "
        "Error: of the largest feature, from TensorFlow.",
        "",
        "| network | engine | batch | at a time | photos/s | best | ratio | photos per CPU s "
        "| process to first batch, s | conversion, s | peak MB | installed MB | error "
        "| same bytes |",
        "|---" * 14 + "|",
    ]
    for row in rows:
        size, conversion = row["installed_mb"], row["convert"]
        lines.append(
            f"| {row['network']} | {row['engine']} | {row['batch']} | {row['at_a_time']} "
            f"| {row['photos_per_second']:.1f} | {row['best']:.1f} | {row['ratio']:.2f} "
            f"| {row['photos_per_cpu_second']:.1f} | {row['start']:.1f} "
            f"| {'–' if conversion is None else f'{conversion:.1f}'} | {row['peak_mb']:.0f} "
            f"| {'–' if size is None else f'{size:.0f}'} | {row['error']:.1e} "
            f"| {'yes' if row['same_bytes'] else 'no'} |"
        )
    lines += [f"\nNot measured: {name}, for want of {', '.join(x)}." for name, x in absent.items()]
    return "\n".join(lines) + "\n"
