"""The comparison: published confidence intervals, the order of the table, the synthetic note."""

from __future__ import annotations

import pytest

from transfer_learning.comparison import Row, as_json, as_markdown
from transfer_learning.evaluation import Metrics
from transfer_learning.packages import BackboneInfo

NOTE = "synthetic"


def row(name: str, right: int, photos: int = 100) -> Row:
    info = BackboneInfo(
        handle=f"pypi:{name}==1.0",
        network="mobilenet_v2",
        resolution=224,
        features=1280,
        parameters=2257984,
        sha256="0" * 64,
        licence="MIT",
    )
    return Row(name, info, Metrics(right / photos, 0.5, 1.25, right, photos, 0.625))


def table(text: str) -> list[list[str]]:
    """Return the cells of the table's lines, without the heading and the rule."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in lines}) == 1
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


# Newcombe (1998), "Two-sided confidence intervals for the single proportion", table I, method 3.
@pytest.mark.parametrize(
    ("right", "photos", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_interval_is_the_published_one(
    right: int, photos: int, low: float, high: float
) -> None:
    interval = row("net", right, photos).accuracy_interval()

    assert interval == pytest.approx((low, high), abs=5e-5)


def test_the_interval_of_no_mistakes_ends_at_1_and_starts_below() -> None:
    low, high = row("net", 20, 20).accuracy_interval()

    assert high == 1.0
    assert low == pytest.approx(1 - 0.1611, abs=5e-5)


def test_the_table_has_the_best_accuracy_first_and_equals_by_name() -> None:
    rows = [row("worst", 10), row("b_equal", 50), row("best", 90), row("a_equal", 50)]

    cells = table(as_markdown(rows, synthetic=False))

    assert [line[0] for line in cells] == ["best", "a_equal", "b_equal", "worst"]


def test_a_line_of_the_table_holds_a_backbones_numbers() -> None:
    (cells,) = table(as_markdown([row("net", 81, 263)], synthetic=False))

    assert cells == [
        "net",
        "0.308",
        "0.255 to 0.366",
        "81 / 263",
        "0.500",
        "0.625",
        "224 px",
        "2,257,984",
        "1,280",
    ]


def test_the_page_says_synthetic_when_the_photos_are() -> None:
    assert NOTE in as_markdown([row("net", 1)], synthetic=True)


def test_the_page_does_not_say_synthetic_of_real_photos() -> None:
    assert NOTE not in as_markdown([row("net", 1)], synthetic=False)


@pytest.mark.parametrize("synthetic", [True, False])
def test_the_json_holds_each_backbone_in_the_order_given(synthetic: bool) -> None:
    value = as_json([row("z", 1), row("a", 81, 263)], synthetic=synthetic)

    assert value["synthetic"] is synthetic
    assert list(value["backbones"]) == ["z", "a"]
    assert value["backbones"]["a"] == {
        "handle": "pypi:a==1.0",
        "resolution": 224,
        "parameters": 2257984,
        "features": 1280,
        "metrics": {
            "accuracy": 0.307985,
            "macro_f1": 0.5,
            "log_loss": 1.25,
            "right": 81,
            "photos": 263,
            "valid_accuracy": 0.625,
        },
        "accuracy_95": [pytest.approx(0.2553, abs=5e-5), pytest.approx(0.3662, abs=5e-5)],
    }
