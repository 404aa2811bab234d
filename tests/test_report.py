"""The summary page: what it says of the data, the results and the parameters."""

from __future__ import annotations

from typing import Any

import pytest

from transfer_learning import params
from transfer_learning.dataset import DatasetInfo, PhotoEntry, Rejected, SplitSummary
from transfer_learning.report import summary

BANNER = "**Synthetic data: the photos are drawn by this project.**"


def settings() -> params.Params:
    return params.Params.model_validate(
        {
            "dataset": {
                "source": "folder",
                "rendered": {"images_per_class": 4, "seed": 0},
                "folder": {"path": "data/photos", "classes": None},
                "tfds": {"name": "tf_flowers", "data_dir": None},
                "splits": {"train": "train[25%:]", "valid": "train[10%:25%]", "test": "train[:2]"},
            },
            "preprocess": {"method": "bicubic", "antialias": True},
            "resolutions": [224],
            "backbones": {
                "small": {"handle": "pypi:small==1.0", "resolution": 224},
                "local": {"handle": "models/a|b", "resolution": 224},
            },
            "train": {
                "epochs": 6,
                "batch_size": 32,
                "dropout": 0.5,
                "learning_rate": 0.001,
                "seed": 11,
            },
            "selected": "small",
        }
    )


def data(*, synthetic: bool = False, rejected: tuple[Rejected, ...] = ()) -> DatasetInfo:
    sizes = [(320, 200), (500, 240), (1024, 333)]
    return DatasetInfo(
        source="rendered" if synthetic else "folder",
        synthetic=synthetic,
        classes=("daisy", "rose|white"),
        found=3 + len(rejected),
        splits={
            "train": SplitSummary("train[25%:]", declared=9, counted=7, per_class=(4, 3)),
            "valid": SplitSummary("train[10%:25%]", declared=5, counted=5, per_class=(3, 2)),
            "test": SplitSummary("train[:2]", declared=2, counted=1, per_class=(0, 1)),
        },
        rejected=rejected,
        photos=tuple(
            PhotoEntry(f"daisy/{n}.jpg", 0, "train", width, height, 0, 0)
            for n, (width, height) in enumerate(sizes)
        ),
    )


def compared(*, synthetic: bool = False) -> dict[str, Any]:
    def backbone(right: int, low: float, high: float) -> dict[str, Any]:
        metrics = {"accuracy": right / 263, "macro_f1": 0.25, "right": right, "photos": 263}
        return {"metrics": metrics, "accuracy_95": [low, high]}

    backbones = {"small": backbone(81, 0.2553, 0.3662), "local": backbone(200, 0.70, 0.81)}
    return {"synthetic": synthetic, "backbones": backbones}


def tables(page: str) -> list[list[str]]:
    """Return the lines of each table."""
    found: list[list[str]] = [[]]
    for line in page.splitlines():
        if line.startswith("|"):
            found[-1].append(line)
        elif found[-1]:
            found.append([])
    return [lines for lines in found if lines]


def test_the_page_names_the_source_and_its_counts() -> None:
    page = summary(settings(), data(rejected=(Rejected("rose/x.jpg", "cut"),)), compared())

    assert "Source `folder`: 4 photos found, 3 kept, 1 rejected; 2 classes." in page


def test_synthetic_photos_are_called_so_above_the_results_and_at_the_source() -> None:
    page = summary(settings(), data(synthetic=True), compared(synthetic=True))

    assert BANNER in page.split("Selected:")[0]
    assert "Source `rendered` (synthetic): " in page


def test_real_photos_are_not_called_synthetic() -> None:
    page = summary(settings(), data(), compared())

    assert "synthetic" not in page.lower()


def test_the_selected_backbones_numbers_come_first() -> None:
    page = summary(settings(), data(), compared())

    assert (
        "Selected: **small**, test accuracy 0.308 (81 of 263; 95 % interval 0.255 to 0.366), "
        "macro-F1 0.250."
    ) in page


@pytest.mark.parametrize("figure", ["curves", "predictions", "confusion"])
def test_every_backbones_figures_are_shown(figure: str) -> None:
    page = summary(settings(), data(), compared())

    assert f"(small/{figure}.png)" in page
    assert f"(local/{figure}.png)" in page


def test_a_split_is_shown_as_declared_and_as_counted_by_class() -> None:
    page = summary(settings(), data(), compared())

    assert "| split | slice | declared | counted in the records | daisy | rose\\|white |" in page
    assert "| train | `train[25%:]` | 9 | 7 | 4 | 3 |" in page
    assert "| valid | `train[10%:25%]` | 5 | 5 | 3 | 2 |" in page
    assert "| test | `train[:2]` | 2 | 1 | 0 | 1 |" in page


def test_the_photos_sizes_are_shown() -> None:
    page = summary(settings(), data(), compared())

    assert "| width | 320 | 500 | 1024 |" in page
    assert "| height | 200 | 240 | 333 |" in page


def test_rejected_photos_are_listed_with_their_reasons_on_one_line_each() -> None:
    rejected = (
        Rejected("daisy/a|b.jpg", "image file is truncated\n(3 bytes | 1 block)"),
        Rejected("rose/empty.jpg", "an empty file"),
    )

    page = summary(settings(), data(rejected=rejected), compared())

    assert "| daisy/a\\|b.jpg | image file is truncated (3 bytes \\| 1 block) |" in page
    assert "| rose/empty.jpg | an empty file |" in page


def test_without_rejected_photos_there_is_no_such_table() -> None:
    page = summary(settings(), data(), compared())

    assert "| rejected |" not in page


def test_the_parameters_are_listed() -> None:
    page = summary(settings(), data(), compared())

    for line in (
        "| preprocess.method | bicubic |",
        "| preprocess.antialias | True |",
        "| train.epochs | 6 |",
        "| train.learning_rate | 0.001 |",
        "| train.seed | 11 |",
        "| backbones.small | pypi:small==1.0 at 224 px |",
        "| backbones.local | models/a\\|b at 224 px |",
    ):
        assert line in page


def test_every_line_of_a_table_has_as_many_cells_as_its_heading() -> None:
    rejected = (Rejected("a|b.jpg", "x | y"),)

    page = summary(settings(), data(rejected=rejected), compared())

    for lines in tables(page):
        assert len({line.replace("\\|", "").count("|") for line in lines}) == 1
    assert len(tables(page)) == 4
