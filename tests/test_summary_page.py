"""The summary page: what it says of the data, the results and the parameters."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import report_folder

from transfer_learning.photos.dataset import Rejected
from transfer_learning.reports.summary_page import summary

BANNER = "**Synthetic data: the photos are drawn by this project.**"


def page(folder: Path, **options: Any) -> str:
    inputs = report_folder.build(folder, **options)
    return summary(inputs.params, inputs.data, inputs.comparison)


def tables(text: str) -> list[list[str]]:
    """Return the lines of each table."""
    found: list[list[str]] = [[]]
    for line in text.splitlines():
        if line.startswith("|"):
            found[-1].append(line)
        elif found[-1]:
            found.append([])
    return [lines for lines in found if lines]


def test_the_page_names_the_source_and_its_counts(tmp_path: Path) -> None:
    text = page(tmp_path, rejected=(Rejected("rose/x.jpg", "cut"),))

    assert "Source `folder`: 29 photos found, 28 kept, 1 rejected; 3 classes." in text


def test_synthetic_photos_are_called_so_above_the_results_and_at_the_source(tmp_path: Path) -> None:
    text = page(tmp_path, source="rendered")

    assert BANNER in text.split("Selected:")[0]
    assert "Source `rendered` (synthetic): " in text


def test_real_photos_are_not_called_synthetic(tmp_path: Path) -> None:
    text = page(tmp_path)

    assert "synthetic" not in text.lower()


def test_the_verdict_and_the_selected_backbones_numbers_come_first(tmp_path: Path) -> None:
    text = page(tmp_path, verdict="Use large. It is better by 2.5 points.")

    assert text.startswith(
        "# Summary\n\n**Use large.** It is better by 2.5 points.\n\n"
        "Selected: **small**, test accuracy 0.625 (5 of 8; 95 % interval 0.306 to 0.863), "
        "macro-F1 0.611."
    )


def test_the_best_on_validation_is_named_with_the_reason(tmp_path: Path) -> None:
    inputs = report_folder.build(tmp_path)
    params = inputs.params.model_copy(update={"selected": "best"})
    large = inputs.comparison.backbones["large"]
    leads = replace(large, metrics=replace(large.metrics, valid_accuracy=0.75))
    comparison = replace(
        inputs.comparison, backbones=inputs.comparison.backbones | {"large": leads}
    )

    text = summary(params, inputs.data, comparison)

    assert "Selected: **large**, test accuracy 0.750" in text
    assert "The best of 2 by accuracy on the validation photos, 75.0 %" in text
    assert "The test photos played no part in the choice." in text


@pytest.mark.parametrize("figure", ["curves", "predictions", "confusion"])
def test_every_backbones_figures_are_shown(figure: str, tmp_path: Path) -> None:
    text = page(tmp_path)

    assert f"](small/{figure}.png)" in text
    assert f"](large/{figure}.png)" in text


@pytest.mark.parametrize(
    "file",
    [
        "index.html",
        "comparison.md",
        "per_class.png",
        "disagreements.png",
        "abstain.png",
        "small/reliability.png",
        "large/most_wrong.png",
        "large/chapter.md",
    ],
)
def test_the_other_reports_are_linked(file: str, tmp_path: Path) -> None:
    text = page(tmp_path)

    assert f"]({file})" in text


def test_a_split_is_shown_as_declared_and_as_counted_by_class(tmp_path: Path) -> None:
    text = page(tmp_path, classes=("daisy", "rose|white", "tulips"))

    assert "| split | slice | declared | counted in the records | daisy | rose\\|white |" in text
    assert "| train | `train[25%:]` | 20 | 20 | 7 | 7 | 6 |" in text
    assert "| valid | `train[10%:25%]` | 0 | 0 | 0 | 0 | 0 |" in text
    assert "| test | `train[:10%]` | 8 | 8 | 4 | 3 | 1 |" in text


def test_the_photos_sizes_are_shown(tmp_path: Path) -> None:
    text = page(tmp_path)

    assert "| width | 320 | 500 | 500 |" in text
    assert "| height | 240 | 333 | 333 |" in text


def test_what_the_source_says_of_itself_is_shown_on_one_line_each(tmp_path: Path) -> None:
    text = page(tmp_path, about={"version": "3.0.1", "citation": "@ONLINE {tfflowers,\n a | b }"})

    assert "| version | 3.0.1 |" in text
    assert "| citation | @ONLINE {tfflowers, a \\| b } |" in text


def test_rejected_photos_are_listed_with_their_reasons_on_one_line_each(tmp_path: Path) -> None:
    rejected = (
        Rejected("daisy/a|b.jpg", "image file is truncated\n(3 bytes | 1 block)"),
        Rejected("rose/empty.jpg", "an empty file"),
    )

    text = page(tmp_path, rejected=rejected)

    assert "| daisy/a\\|b.jpg | image file is truncated (3 bytes \\| 1 block) |" in text
    assert "| rose/empty.jpg | an empty file |" in text


def test_tables_without_lines_are_left_out(tmp_path: Path) -> None:
    text = page(tmp_path)

    assert "| rejected |" not in text
    assert "| about |" not in text


def test_the_parameters_are_listed(tmp_path: Path) -> None:
    text = page(tmp_path)

    for line in (
        "| preprocess.method | bicubic |",
        "| preprocess.antialias | True |",
        "| extract.precision | float32 |",
        "| train.epochs | 6 |",
        "| train.learning_rate | 0.001 |",
        "| train.seed | 11 |",
        "| backbones.small | pypi:small==1.0 at 224 px |",
        "| backbones.large | pypi:large==1.0 at 224 px |",
    ):
        assert line in text


def test_every_line_of_a_table_has_as_many_cells_as_its_heading(tmp_path: Path) -> None:
    text = page(tmp_path, rejected=(Rejected("a|b.jpg", "x | y"),), about={"a|b": "c"})

    for lines in tables(text):
        assert len({line.replace("\\|", "").count("|") for line in lines}) == 1
    assert len(tables(text)) == 5


def test_of_many_classes_the_splits_have_their_smallest_median_and_largest(tmp_path: Path) -> None:
    inputs = report_folder.build(tmp_path, classes=[f"class {n}" for n in range(41)])
    counts = (0, 0, *[5] * 38, 9)
    splits = {name: replace(split, per_class=counts) for name, split in inputs.data.splits.items()}

    text = summary(inputs.params, replace(inputs.data, splits=splits), inputs.comparison)

    (table,) = [lines for lines in tables(text) if lines[0].startswith("| split")]
    assert table[0].endswith("| smallest class | median class | largest class | classes without |")
    assert [line.split(" | ")[-4:] for line in table[2:]] == [["0", "5", "9", "2 |"]] * 3


def test_what_weakens_the_figures_stands_below_the_verdict(tmp_path: Path) -> None:
    text = page(tmp_path, warnings=("only 8 test photos; add some",))

    assert text.index("**Use ") < text.index("**Warning:** only 8 test photos; add some.\n")
    assert text.index("**Warning:**") < text.index("Selected:")
