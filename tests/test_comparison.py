"""The comparison: verdicts in words, the files' contents, the order, the synthetic note."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from competitors import competitor
from test_metrics import METRICS

from transfer_learning.evaluation.comparison import Comparison, Competitor, compare
from transfer_learning.evaluation.metrics import Metrics
from transfer_learning.evaluation.predictions import ClassScore
from transfer_learning.evaluation.significance import Pair
from transfer_learning.reports import comparison_page
from transfer_learning.runtime.errors import UserError

NOTE = "synthetic"


def row(name: str, right: int, photos: int = 100) -> tuple[str, Competitor]:
    """Return a backbone with an interval of 4 points to either side."""
    accuracy = right / photos
    return name, competitor(
        name,
        replace(
            Metrics(**METRICS.as_dict()),
            accuracy=accuracy,
            accuracy_low=accuracy - 0.04,
            accuracy_high=accuracy + 0.04,
            right=right,
            photos=photos,
        ),
        [ClassScore("rose", 60, 0.9, 0.8, 0.85), ClassScore("tulip|iris", 40, 0.7, 0.6, 2 / 3)],
    )


def compared(
    rows: list[tuple[str, Competitor]], pairs: list[Pair], *, synthetic: bool
) -> Comparison:
    return compare(dict(rows), pairs, synthetic=synthetic)


def pair(a: str, b: str, difference: float, p: float) -> Pair:
    """Return a pair with an interval of 4 points to either side."""
    interval = (difference - 0.04, difference + 0.04)
    return Pair(a, b, 80, 4, 10, 6, difference, interval, p / 2, p)


def table(text: str, heading: str) -> list[list[str]]:
    """Return the cells of the table under the heading, without its own heading and rule."""
    section = text.split(f"## {heading}\n")[1].split("## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    assert len({len(cells) for cells in rows}) == 1
    return rows[2:]


def cells(text: str) -> list[str]:
    return [cell.replace("_", " ") for cell in text.split()]


def test_the_tables_have_the_best_accuracy_first_and_equals_by_name() -> None:
    rows = [row("worst", 10), row("b_equal", 50), row("best", 90), row("a_equal", 50)]
    pairs = [pair("best", name, -0.4, 0.01) for name in ("worst", "a_equal", "b_equal")]

    text = comparison_page.page(compared(rows, pairs, synthetic=False))

    for heading in ("How good", "What each costs"):
        names = [line[0] for line in table(text, heading)]
        assert names == ["best", "a_equal", "b_equal", "worst"]


def test_the_tables_hold_a_backbones_numbers() -> None:
    text = comparison_page.page(compared([row("net", 81)], [], synthetic=False))

    assert table(text, "How good") == [
        cells("net 81.0 77.0_to_85.0 81_of_100 100.0 100.0 0.143 1.235 0.125 1.50 0.062 dense")
    ]
    assert table(text, "What each costs") == [
        cells(
            "net 224_px 2.26_M 301_M 8.9_MB 1,280_(5,120_bytes) openvino,_float32 pypi:net==1.0 MIT"
        )
    ]
    assert "Photo by photo" not in text


def test_numbers_from_before_a_refit_are_said_to_be_so() -> None:
    name, plain = row("net", 81)
    refitted = replace(plain, head="logistic, refitted")

    with_refit = comparison_page.page(compared([(name, refitted)], [], synthetic=False))
    without = comparison_page.page(compared([(name, plain)], [], synthetic=False))

    assert table(with_refit, "How good")[0][-1] == "logistic, refitted"
    assert "its validation accuracy and its temperature are those of the same head" in with_refit
    assert "refitted" not in without


def test_the_class_table_has_a_column_per_backbone() -> None:
    rows, pairs = [row("net", 81), row("other", 80)], [pair("net", "other", -0.01, 0.9)]

    text = comparison_page.page(compared(rows, pairs, synthetic=False))

    assert table(text, "Class by class") == [
        ["rose", "60", "0.850", "0.850"],
        [r"tulip\|iris", "40", "0.667", "0.667"],
    ]


def test_of_many_classes_the_table_has_the_worst_and_says_how_many_are_left_out() -> None:
    scores = [ClassScore(f"class {n}", n, 0, 0, (n + 1) / 50) for n in range(50)]
    name, competing = row("net", 81)

    text = comparison_page.page(
        compared([(name, replace(competing, per_class=scores))], [], synthetic=False)
    )

    lines = table(text, "Class by class")
    # The first has no test photos, so its F1 is not the lowest: it has none.
    assert [line[0] for line in lines] == [f"class {n}" for n in range(1, 21)]
    assert "30 are left out" in text


def test_a_class_without_test_photos_has_a_dash_for_its_f1() -> None:
    name, competing = row("net", 81)
    scores = [ClassScore("rose", 5, 1, 1, 1.0), ClassScore("iris", 0, None, None, None)]

    text = comparison_page.page(
        compared([(name, replace(competing, per_class=scores))], [], synthetic=False)
    )

    assert table(text, "Class by class") == [["rose", "5", "1.000"], ["iris", "0", "–"]]


def test_the_pair_table_shows_the_corrected_p_value_where_there_are_more_pairs() -> None:
    rows, pairs = [row("a", 84), row("b", 90)], [pair("a", "b", 0.06, 0.18)]
    first = cells("a b 80 4 10 6 +6.0 +2.0_to_+10.0 0.090")
    words = "no evidence of a difference (p = 0.18)"

    one = comparison_page.page(compared(rows, pairs, synthetic=False))
    more = comparison_page.page(compared([*rows, row("c", 1)], [*pairs, *pairs], synthetic=False))

    assert table(one, "Photo by photo") == [[*first, words]]
    assert table(more, "Photo by photo")[0] == [*first, "0.18", words]
    assert "Holm" not in one
    assert "Holm" in more


def test_the_page_says_synthetic_when_the_photos_are() -> None:
    assert NOTE in comparison_page.page(compared([row("net", 1)], [], synthetic=True))


def test_the_page_does_not_say_synthetic_of_real_photos() -> None:
    assert NOTE not in comparison_page.page(compared([row("net", 1)], [], synthetic=False))


@pytest.mark.parametrize("synthetic", [True, False])
def test_the_json_holds_each_backbone_in_the_order_given(synthetic: bool, tmp_path: Path) -> None:
    rows, pairs = [row("z", 84), row("a", 90)], [pair("z", "a", 0.2 / 3, 0.18)]

    result = compared(rows, pairs, synthetic=synthetic)
    result.write(tmp_path / "comparison.json")

    value = json.loads((tmp_path / "comparison.json").read_text(encoding="utf-8"))

    assert list(value) == ["synthetic", "photos", "verdict", "backbones", "pairs"]
    assert (value["synthetic"], value["photos"]) == (synthetic, 100)
    assert value["verdict"] == result.verdict
    assert list(value["backbones"]) == ["z", "a"]
    assert value["backbones"]["a"] == {
        "handle": "pypi:a==1.0",
        "resolution": 224,
        "parameters": 2257984,
        "features": 1280,
        "multiply_adds": 300774272,
        "file_bytes": 8947712,
        "feature_bytes": 5120,
        "engine": "openvino",
        "precision": "float32",
        "licence": "MIT",
        "head": "dense",
        "metrics": rows[1][1].metrics.as_dict(),
        "accuracy_95": [0.86, 0.94],
        "per_class": [
            {"class": "rose", "photos": 60, "precision": 0.9, "recall": 0.8, "f1": 0.85},
            {"class": "tulip|iris", "photos": 40, "precision": 0.7, "recall": 0.6, "f1": 0.666667},
        ],
    }
    assert value["pairs"] == [
        {
            "a": "z",
            "b": "a",
            "both_right": 80,
            "only_a": 4,
            "only_b": 10,
            "both_wrong": 6,
            "difference": 0.066667,
            "difference_95": [0.026667, 0.106667],
            "p_value": 0.09,
            "p_holm": 0.18,
            "verdict": "no evidence of a difference (p = 0.18)",
        }
    ]


def test_dvcs_table_has_two_metrics_per_backbone() -> None:
    result = compared([row("z", 84), row("a", 90)], [pair("z", "a", 0.06, 0.18)], synthetic=False)

    assert result.headline_metrics() == {
        "z": {"accuracy": 0.84},
        "a": {"accuracy": 0.9},
    }


def test_what_was_read_is_written_with_the_same_bytes(tmp_path: Path) -> None:
    rows, pairs = [row("z", 84), row("a", 90)], [pair("z", "a", 0.06, 0.18)]
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    compared(rows, pairs, synthetic=False).write(first)

    read = Comparison.read(first)
    read.write(second)

    assert second.read_bytes() == first.read_bytes()
    assert read.pairs[0].only_b == 10
    assert read.backbones["a"].per_class[1].name == "tulip|iris"


def test_a_damaged_file_names_itself_and_the_field(tmp_path: Path) -> None:
    path = tmp_path / "comparison.json"
    path.write_text('{"synthetic": true, "photos": "many"}', encoding="utf-8")

    with pytest.raises(UserError, match=r"comparison\.json is damaged .*photos"):
        Comparison.read(path)
