"""``reports/summary.md``: the results, the data and the parameters, for reading where git is."""

from __future__ import annotations

from transfer_learning.config.params import Params
from transfer_learning.evaluation.choice import choose
from transfer_learning.evaluation.comparison import Comparison
from transfer_learning.photos.dataset import SPLITS, DatasetInfo, size_summary
from transfer_learning.reports.classes import photo_columns
from transfer_learning.reports.markdown import markdown

FIGURES = {
    "curves": "Accuracy and loss of {} in training",
    "predictions": "30 test photos with the predictions of {}",
    "confusion": "Confusion matrix of {}",
}


def summary(params: Params, data: DatasetInfo, comparison: Comparison) -> str:
    """Return the page as Markdown."""
    parts = [*_results(params, data, comparison), *_data(data), *_parameters(params)]
    return "\n".join(parts) + "\n"


def _results(params: Params, data: DatasetInfo, comparison: Comparison) -> list[str]:
    selected = choose(params.selected, comparison)
    metrics = comparison.backbones[selected.name].metrics
    banner = "**Synthetic data: the photos are drawn by this project.**"
    lines = [
        "# Summary",
        "",
        *([banner, ""] if comparison.synthetic else []),
        comparison.emphasised_verdict,
        "",
        *(line for text in data.warnings for line in (f"**Warning:** {text}.", "")),
        f"Selected: **{selected.name}**, test accuracy {metrics.accuracy:.3f} "
        f"({metrics.right} of {metrics.photos}; 95 % interval {metrics.accuracy_low:.3f} to "
        f"{metrics.accuracy_high:.3f}), macro-F1 {metrics.macro_f1:.3f}. "
        f"{selected.reason}",
        "",
        "Side by side: [comparison.md](comparison.md), [F1 by class](per_class.png), "
        "[where they disagree](disagreements.png), [the least confident set aside](abstain.png), "
        "[how many photos it takes](learning_curve.md). "
        "Everything on one page, with every test photo: [index.html](index.html).",
        "",
        "![Accuracy of the backbones with its 95 % interval, and their cost](comparison.png)",
        "",
    ]
    for name in comparison.backbones:
        lines += [f"## {name}", ""]
        for figure, text in FIGURES.items():
            lines += [f"![{text.format(name)}]({name}/{figure}.png)", ""]
        lines += [
            f"[Reliability]({name}/reliability.png), "
            f"[most confident mistakes]({name}/most_wrong.png), "
            f"[as the chapter prints it]({name}/chapter.md)"
            + f", [tuning]({name}/tuning.png), [what it saw]({name}/augmentation.png)"
            * (name in params.finetuned),
            "",
        ]
    return lines


def _data(data: DatasetInfo) -> list[str]:
    lines = [
        "## Data",
        "",
        f"Source `{data.source}`{' (synthetic)' * data.synthetic}: {data.found} photos found, "
        f"{len(data.photos)} kept, {len(data.rejected)} rejected; {len(data.classes)} classes.",
        "",
    ]
    if data.about:
        lines += [*markdown(["about", "the data set"], list(data.about.items())), ""]
    lines += ["![Example photos with their labels](examples.png)", ""]
    columns = photo_columns(data)
    lines += markdown(
        ["split", "slice", "declared", "counted in the records", *columns],
        [
            [
                name,
                f"`{split.slice}`",
                *map(str, (split.declared, split.counted)),
                *(str(photos[name]) for photos in columns.values()),
            ]
            for name, split in ((name, data.splits[name]) for name in SPLITS)
        ],
    )
    sizes = size_summary(data.photos)
    lines += ["", *markdown(["pixels", "smallest", "median", "largest"], _sides(sizes))]
    if data.rejected:
        rejected = [[item.id, item.reason] for item in data.rejected]
        lines += ["", *markdown(["rejected", "reason"], rejected)]
    return [*lines, ""]


def _sides(sizes: dict[str, tuple[int, int, int]]) -> list[list[str]]:
    return [[side, *map(str, values)] for side, values in sizes.items()]


def _parameters(params: Params) -> list[str]:
    sections = {
        "preprocess": params.preprocess,
        "extract": params.extract,
        "train": params.train,
    }
    rows = [
        [f"{section}.{key}", str(value)]
        for section, settings in sections.items()
        for key, value in settings.model_dump().items()
    ]
    rows += [
        [f"backbones.{name}", f"{backbone.handle} at {backbone.resolution} px"]
        for name, backbone in params.backbones.items()
    ]
    rows += [
        [f"finetuned.{name}.{key}", str(value)]
        for name, tuned in params.finetuned.items()
        for key, value in tuned.model_dump(by_alias=True).items()
    ]
    return ["## Parameters", "", *markdown(["key", "value"], rows)]
