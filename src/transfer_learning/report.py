"""``reports/summary.md``: the data, the parameters and the results, on one page."""

from __future__ import annotations

from typing import Any

from transfer_learning.dataset import SPLITS, DatasetInfo, size_summary
from transfer_learning.params import Params


def summary(params: Params, data: DatasetInfo, comparison: dict[str, Any]) -> str:
    """Return the page as Markdown."""
    return "\n".join([*_results(params, comparison), *_data(data), *_parameters(params)]) + "\n"


def _results(params: Params, comparison: dict[str, Any]) -> list[str]:
    selected = comparison["backbones"][params.selected]
    metrics = selected["metrics"]
    low, high = selected["accuracy_95"]
    lines = [
        "# Summary",
        "",
        *(
            ["**Synthetic data: the photos are drawn by this project.**", ""]
            * comparison["synthetic"]
        ),
        f"Selected: **{params.selected}**, test accuracy {metrics['accuracy']:.3f} "
        f"({metrics['right']} of {metrics['photos']}; 95 % interval {low:.3f} to {high:.3f}), "
        f"macro-F1 {metrics['macro_f1']:.3f}. All backbones: [comparison.md](comparison.md).",
        "",
    ]
    for name in comparison["backbones"]:
        lines += [
            f"## {name}",
            "",
            f"![Accuracy and loss of {name} by epoch]({name}/curves.png)",
            "",
            f"![30 test photos with the predictions of {name}]({name}/predictions.png)",
            "",
            f"![Confusion matrix of {name}]({name}/confusion.png)",
            "",
        ]
    return lines


def _data(data: DatasetInfo) -> list[str]:
    kept = len(data.photos)
    lines = [
        "## Data",
        "",
        f"Source `{data.source}`{' (synthetic)' * data.synthetic}: {data.found} photos found, "
        f"{kept} kept, {len(data.rejected)} rejected; {len(data.classes)} classes.",
        "",
        "![Example photos with their labels](examples.png)",
        "",
        "| split | slice | declared | counted in the records | "
        + " | ".join(map(_cell, data.classes))
        + " |",
        "|---" * (4 + len(data.classes)) + "|",
    ]
    for name in SPLITS:
        split = data.splits[name]
        lines.append(
            f"| {name} | `{split.slice}` | {split.declared} | {split.counted} | "
            + " | ".join(map(str, split.per_class))
            + " |"
        )
    lines += ["", "| pixels | smallest | median | largest |", "|---|---|---|---|"]
    for side, sizes in size_summary(data.photos).items():
        lines.append(f"| {side} | " + " | ".join(map(str, sizes)) + " |")
    if data.rejected:
        lines += ["", "| rejected | reason |", "|---|---|"]
        lines += [f"| {_cell(item.id)} | {_cell(item.reason)} |" for item in data.rejected]
    return [*lines, ""]


def _parameters(params: Params) -> list[str]:
    train = params.train.model_dump()
    preprocess = params.preprocess.model_dump()
    return [
        "## Parameters",
        "",
        "| key | value |",
        "|---|---|",
        *(f"| preprocess.{key} | {value} |" for key, value in preprocess.items()),
        *(f"| train.{key} | {value} |" for key, value in train.items()),
        *(
            f"| backbones.{name} | {_cell(backbone.handle)} at {backbone.resolution} px |"
            for name, backbone in params.backbones.items()
        ),
    ]


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
