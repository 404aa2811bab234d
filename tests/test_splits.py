"""Slices of ``train``: their bounds, rounding and disjointness."""

from __future__ import annotations

import pytest

from transfer_learning.errors import UserError
from transfer_learning.splits import parse, resolve

SLICES = {"train": "train[25%:]", "valid": "train[10%:25%]", "test": "train[:10%]"}


def test_3670_photos_split_into_the_known_counts() -> None:
    ranges = resolve(SLICES, 3670)

    # TFDS rounds 25% of 3,670 (917.5) to 918.
    assert {name: (r.start, r.stop) for name, r in ranges.items()} == {
        "test": (0, 367),
        "valid": (367, 918),
        "train": (918, 3670),
    }
    assert [len(ranges[name]) for name in ("test", "valid", "train")] == [367, 551, 2752]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("train", range(40)),
        ("train[:]", range(40)),
        ("train[5:]", range(5, 40)),
        ("train[:5]", range(5)),
        ("train[5:9]", range(5, 9)),
        ("train[-5:]", range(35, 40)),
        ("train[:-5]", range(35)),
        ("train[-10:-4]", range(30, 36)),
        ("train[-25%:]", range(30, 40)),
        ("train[:-25%]", range(30)),
        ("train[10%:30]", range(4, 30)),
        ("train[0%:100%]", range(40)),
        ("train[:99]", range(40)),
        ("train[-99:3]", range(3)),
        ("train[ 10% : 20% ]", range(4, 8)),
    ],
)
def test_a_slice_means_these_positions_of_40(text: str, expected: range) -> None:
    assert parse(text, 40) == expected


@pytest.mark.parametrize(
    ("count", "percent", "position"),
    [(10, 14, 1), (10, 16, 2), (3, 50, 2), (7, 50, 4), (999, 10, 100), (1001, 10, 100), (4, 12, 0)],
)
def test_a_percentage_is_rounded_to_the_closest_photo(
    count: int, percent: int, position: int
) -> None:
    assert parse(f"train[:{percent}%]", count) == range(position)
    assert parse(f"train[{percent}%:]", count) == range(position, count)


@pytest.mark.parametrize("text", ["train[5:5]", "train[9:5]", "train[99:]", "train[:0%]"])
def test_a_slice_without_photos_is_empty(text: str) -> None:
    assert len(parse(text, 40)) == 0


@pytest.mark.parametrize("text", ["train[:101%]", "train[-101%:]", "train[200%:]"])
def test_a_percentage_beyond_100_is_refused(text: str) -> None:
    with pytest.raises(UserError, match=r"-?\d+% is beyond 100%"):
        parse(text, 40)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "test",
        "training",
        "train[",
        "train[]",
        "train[5]",
        "train[1.5%:]",
        "train[a:b]",
        "train[1:2:3]",
        "train[:10%]+train[20%:]",
        "train[%:]",
        "train[:10%]\n",
    ],
)
def test_text_that_is_no_slice_is_refused_and_quoted(text: str) -> None:
    with pytest.raises(UserError) as caught:
        parse(text, 40)

    assert f"{text!r} is not a slice of train" in str(caught.value)


@pytest.mark.parametrize("count", [7, 10, 15, 33, 1000, 3670, 3671])
def test_adjoining_slices_cover_every_photo_once(count: int) -> None:
    ranges = resolve(SLICES, count)

    assert sorted(position for r in ranges.values() for position in r) == list(range(count))


@pytest.mark.parametrize(
    ("change", "count", "parts"),
    [
        ({"valid": "10%"}, 40, ["dataset.splits.valid", "'10%' is not a slice"]),
        ({"train": "train[25%:120%]"}, 40, ["dataset.splits.train", "120% is beyond 100%"]),
        ({"test": "train[:0]"}, 40, ["dataset.splits.test", "'train[:0]'", "none of the 40"]),
        ({}, 4, ["dataset.splits.test", "'train[:10%]'", "none of the 4 photos"]),
        (
            {"test": "train[:15%]"},
            40,
            [
                "dataset.splits.valid (train[10%:25%])",
                "dataset.splits.test (train[:15%])",
                "share 2 of 40 photos",
            ],
        ),
        (
            {"test": "train[-3:]"},
            40,
            ["dataset.splits.train (train[25%:])", "dataset.splits.test", "share 3 of 40"],
        ),
        ({"test": "train"}, 40, ["dataset.splits.train", "dataset.splits.test", "share 30 of 40"]),
    ],
)
def test_a_wrong_slice_is_named_with_its_key(
    change: dict[str, str], count: int, parts: list[str]
) -> None:
    with pytest.raises(UserError) as caught:
        resolve(SLICES | change, count)

    for part in ["params.yaml: ", *parts]:
        assert part in str(caught.value)


def test_slices_need_not_cover_every_photo() -> None:
    ranges = resolve({"train": "train[10:20]", "valid": "train[20:25]", "test": "train[:3]"}, 40)

    assert [len(r) for r in ranges.values()] == [10, 5, 3]
