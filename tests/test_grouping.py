"""``dataset.group_duplicates``: copies in one split, and the splits' sizes kept."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from test_copies import CHANGES, jpeg, photo, table

from transfer_learning.config.params import Dataset, Folder, Rendered, Splits, Tfds
from transfer_learning.photos.dataset import DatasetInfo, Grouping
from transfer_learning.sources.fetching import fetch
from transfer_learning.sources.grouping import together

SPLITS = {"train": list(range(8, 20)), "valid": list(range(4, 8)), "test": list(range(4))}
LABELS = [number % 2 for number in range(20)]
FILES = [jpeg(photo(seed)) for seed in range(20)]


def files(*copied: tuple[int, int]) -> list[bytes]:
    """Twenty photos, some of which are copies (number, of which)."""
    changed = list(FILES)
    for number, original in copied:
        changed[number] = CHANGES["re-encoded"](photo(original))
    return changed


def split_of(result: dict[str, list[int]]) -> dict[int, str]:
    return {position: name for name, members in result.items() for position in members}


def test_without_copies_nothing_moves() -> None:
    result, grouping = together(SPLITS, table(files()), LABELS)

    assert result == SPLITS
    assert grouping == Grouping(0, 0, 0)


def test_copies_come_together_and_the_sizes_stay() -> None:
    result, grouping = together(SPLITS, table(files((1, 10), (12, 3), (6, 15), (14, 13))), LABELS)

    split = split_of(result)
    for one, other in ((1, 10), (3, 12), (6, 15), (13, 14)):
        assert split[one] == split[other]
    assert {name: len(members) for name, members in result.items()} == {
        name: len(members) for name, members in SPLITS.items()
    }
    assert sorted(split) == list(range(20))
    # Three come to a copy, and three without one go back; 13 and 14 lay together.
    assert grouping == Grouping(groups=4, photos=8, moved=6)


def test_what_goes_back_is_of_the_same_class() -> None:
    result, _ = together(SPLITS, table(files((1, 10))), LABELS)

    for name, members in SPLITS.items():
        before, after = (Counter(LABELS[i] for i in part) for part in (members, result[name]))
        assert before == after


def test_a_group_goes_where_most_of_it_is() -> None:
    result, _ = together(SPLITS, table(files((1, 0), (2, 0), (9, 0))), LABELS)

    split = split_of(result)
    assert {split[number] for number in (0, 1, 2, 9)} == {"test"}
    assert len(result["test"]) == 4


def test_where_only_groups_are_left_sizes_are_as_near_as_they_allow() -> None:
    splits = {"train": [0, 1, 2], "valid": [3], "test": [4]}
    same = [jpeg(photo(0)), *(CHANGES["re-encoded"](photo(0)) for _ in range(4))]

    result, grouping = together(splits, table(same), [0, 0, 1, 1, 0])

    assert result == {"train": [0, 1, 2, 3, 4], "valid": [], "test": []}
    assert grouping == Grouping(1, 5, 2)


def test_photos_that_no_slice_takes_stay_out() -> None:
    splits = {"train": [10, 11, 12], "valid": [4], "test": [0, 1]}

    result, grouping = together(splits, table(files((5, 0), (11, 1))), LABELS)

    assert sorted(split_of(result)) == [0, 1, 4, 10, 11, 12]
    assert grouping.groups == 1


@pytest.mark.parametrize("seed", range(5))
def test_no_group_is_torn_whatever_the_splits(seed: int) -> None:
    order = np.random.default_rng(seed).permutation(20).tolist()
    splits = {"train": order[10:], "valid": order[5:10], "test": order[:5]}

    result, _ = together(splits, table(files((1, 10), (2, 10), (12, 3), (6, 15))), LABELS)

    split = split_of(result)
    assert split[1] == split[2] == split[10]
    assert split[3] == split[12]
    assert split[6] == split[15]
    assert [len(result[name]) for name in splits] == [10, 5, 5]


def test_fetch_groups_where_it_is_asked_to_and_says_so(tmp_path: Path) -> None:
    for number, file in enumerate(files((1, 10), (12, 3))):
        path = tmp_path / "photos" / "ab"[number % 2] / f"{number:02d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file)
    settings = Dataset(
        source="folder",
        rendered=Rendered(images_per_class=1, seed=0),
        folder=Folder(path=str(tmp_path / "photos"), classes=None),
        tfds=Tfds(name="tf_flowers", data_dir=None),
        splits=Splits(train="train[50%:]", valid="train[25%:50%]", test="train[:25%]"),
    )

    plain = fetch(settings, tmp_path / "plain", work=tmp_path / "work")
    grouped = fetch(
        settings.model_copy(update={"group_duplicates": True}),
        tmp_path / "grouped",
        work=tmp_path / "work",
    )
    again = fetch(
        settings.model_copy(update={"group_duplicates": True}),
        tmp_path / "again",
        work=tmp_path / "work",
    )

    assert plain.grouping is None
    assert grouped.grouping is not None
    assert (grouped.grouping.groups, grouped.grouping.photos) == (2, 4)
    split = {photo.id: photo.split for photo in grouped.photos}
    assert split["b/01.jpg"] == split["a/10.jpg"]
    assert split["b/03.jpg"] == split["a/12.jpg"]
    assert again == grouped == DatasetInfo.read(tmp_path / "grouped")
    for file in (tmp_path / "grouped").iterdir():
        assert (tmp_path / "again" / file.name).read_bytes() == file.read_bytes()
