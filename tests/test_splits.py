"""Slices of ``train``: TFDS's bounds and rounding; that they are disjoint and not empty."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from transfer_learning.runtime.errors import UserError
from transfer_learning.sources.splits import check, resolve, stratified

SLICES = {"train": "train[25%:]", "valid": "train[10%:25%]", "test": "train[:10%]"}


def positions_of(text: str, count: int) -> tuple[int, ...]:
    return resolve({"some": text}, count)["some"]


def test_3670_photos_split_into_the_known_counts() -> None:
    positions = resolve(SLICES, 3670)

    # TFDS rounds 25% of 3,670 (917.5) to 918.
    assert {name: (p[0], p[-1] + 1) for name, p in positions.items()} == {
        "test": (0, 367),
        "valid": (367, 918),
        "train": (918, 3670),
    }
    assert [len(positions[name]) for name in ("test", "valid", "train")] == [367, 551, 2752]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("train", range(40)),
        ("all", range(40)),
        ("train[5:]", range(5, 40)),
        ("train[:5]", range(5)),
        ("train[5:9]", range(5, 9)),
        ("train[-5:]", range(35, 40)),
        ("train[:-5]", range(35)),
        ("train[-10:-4]", range(30, 36)),
        ("train[-25%:]", range(30, 40)),
        ("train[:-25%]", range(30)),
        ("train[0%:100%]", range(40)),
        ("train[2.5%:5%]", range(1, 2)),
        (" train[:5] ", range(5)),
        ("train[:10%]+train[95%:]", [0, 1, 2, 3, 38, 39]),
        ("train[38:] + train[:2]", [38, 39, 0, 1]),
    ],
)
def test_a_slice_means_these_positions_of_40(text: str, expected: range | list[int]) -> None:
    assert positions_of(text, 40) == tuple(expected)


@pytest.mark.parametrize(
    ("count", "percent", "position"),
    [(10, 14, 1), (10, 16, 2), (3, 50, 2), (7, 50, 4), (999, 10, 100), (1001, 10, 100), (4, 13, 1)],
)
def test_a_percentage_is_rounded_to_the_closest_photo(
    count: int, percent: int, position: int
) -> None:
    slices = {"some": f"train[:{percent}%]", "rest": f"train[{percent}%:]"}

    assert resolve(slices, count) == {
        "some": tuple(range(position)),
        "rest": tuple(range(position, count)),
    }


@pytest.mark.parametrize("text", ["train[5:5]", "train[9:5]", "train[40:]", "train[:0%]"])
def test_a_slice_without_photos_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="holds none of the 40 photos"):
        positions_of(text, 40)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "test",
        "training",
        "train[",
        "train[]",
        "train[:]",
        "train[5]",
        "train[a:b]",
        "train[1:2:3]",
        "train[%:]",
        "train[:41]",
        "train[-41:]",
        "train[:101%]",
        "train[:10%]+",
        "all[:10%]",
    ],
)
def test_text_that_is_no_slice_is_refused_and_quoted(text: str) -> None:
    with pytest.raises(UserError) as caught:
        positions_of(text, 40)

    assert f"dataset.splits.some is {text!r}, which is not a slice" in str(caught.value)


def test_shards_are_refused() -> None:
    with pytest.raises(UserError, match=r"'train\[:1shard\]'; shards are not supported"):
        positions_of("train[:1shard]", 40)


@pytest.mark.parametrize("count", [7, 10, 15, 33, 1000, 3670, 3671])
def test_adjoining_slices_cover_every_photo_once(count: int) -> None:
    positions = resolve(SLICES, count)

    assert sorted(position for p in positions.values() for position in p) == list(range(count))


@pytest.mark.parametrize(
    ("change", "count", "parts"),
    [
        ({"valid": "10%"}, 40, ["dataset.splits.valid", "'10%'", "not a slice"]),
        ({"train": "train[25%:120%]"}, 40, ["dataset.splits.train", "in [-100, 100]"]),
        ({"train": "train[10:50]"}, 40, ["dataset.splits.train", "incompatible with 40"]),
        ({"test": "train[:0]"}, 40, ["dataset.splits.test", "'train[:0]'", "none of the 40"]),
        ({}, 4, ["dataset.splits.test", "'train[:10%]'", "none of the 4 photos"]),
        (
            {"test": "train[:4]+train[2:4]"},
            40,
            ["dataset.splits.test", "takes 2 of 40 photos twice"],
        ),
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


def test_slices_are_checked_before_the_number_of_photos_is_known() -> None:
    check(SLICES | {"test": "train[:400]"})

    with pytest.raises(UserError, match=r"dataset\.splits\.valid is 'train\[10-25\]'"):
        check(SLICES | {"valid": "train[10-25]"})


def test_slices_need_not_cover_every_photo() -> None:
    positions = resolve({"train": "train[10:20]", "valid": "train[20:25]", "test": "train[:3]"}, 40)

    assert [len(p) for p in positions.values()] == [10, 5, 3]


def test_slices_are_resolved_without_tensorflow() -> None:
    code = (
        "import sys; from transfer_learning.sources import splits; "
        "splits.resolve({'a': 'train'}, 4); "
        "sys.exit('tensorflow' in sys.modules)"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}

    done = subprocess.run([sys.executable, "-c", code], env=environment, check=False)

    assert done.returncode == 0


def test_a_slice_of_very_many_parts_is_refused_in_a_short_message() -> None:
    with pytest.raises(UserError, match="at most 100 parts joined by") as caught:
        check(SLICES | {"train": "+".join(["train[:1]"] * 2000)})

    assert len(str(caught.value)) < 200


def test_a_slice_that_takes_every_photo_many_times_is_refused() -> None:
    with pytest.raises(UserError, match="takes 3960 of 40 photos twice"):
        positions_of("+".join(["train"] * 100), 40)


def test_a_stratified_order_spreads_every_class_evenly() -> None:
    assert stratified([0, 0, 0, 0, 1, 1]) == (0, 4, 1, 2, 5, 3)


@pytest.mark.parametrize("sizes", [(700, 200, 100), (100, 100, 100), (90, 7, 3), (1, 50)])
def test_every_slice_of_a_stratified_order_has_its_share_of_each_class(
    sizes: tuple[int, ...],
) -> None:
    labels = [label for label, size in enumerate(sizes) for _ in range(size)]
    order = stratified(labels)
    assert sorted(order) == list(range(len(labels)))

    for positions in resolve(SLICES, len(labels)).values():
        share = len(positions) / len(labels)
        found = [labels[order[position]] for position in positions]
        for label, size in enumerate(sizes):
            assert abs(found.count(label) - share * size) <= 1


def test_the_photos_of_a_class_keep_their_order() -> None:
    labels = [0, 1, 1, 0, 2, 1, 0]
    order = stratified(labels)

    for label in set(labels):
        of_class = [position for position in order if labels[position] == label]
        assert of_class == sorted(of_class)
