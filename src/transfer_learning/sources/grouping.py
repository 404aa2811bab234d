"""``dataset.group_duplicates``: copies of one photo in one split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from transfer_learning.photos import copies
from transfer_learning.photos.dataset import Grouping
from transfer_learning.photos.looks import Looks


def together(
    splits: Mapping[str, Sequence[int]], looks: Looks, labels: Sequence[int]
) -> tuple[dict[str, list[int]], Grouping]:
    """Move photos so that each group of copies lies in one split.

    A group goes where most of its photos are or, of equals, to the earlier of ``splits``.  For each
    photo that it takes from another split, that one gets a photo without copies back, of the same
    class where there is one, the last ones first; so every split has the size that its slice says,
    unless no such photo is left.

    Args:
        splits: the positions of each split's photos, as the slices say.
        looks: of all photos, in the order of their positions.
        labels: of the same.

    Returns:
        The positions anew, in the order of the slices, the moved ones at the end; and what was
        done.
    """
    group = copies.groups(
        len(looks.ids), ((item.first, item.second) for item in copies.find(looks))
    )
    alone = np.bincount(group, minlength=len(group))[group] == 1
    before = {position: name for name, members in splits.items() for position in members}
    after = dict(before)
    by_group: dict[int, list[int]] = {}
    for position in before:
        if not alone[position]:
            by_group.setdefault(int(group[position]), []).append(position)
    by_group = {key: members for key, members in by_group.items() if len(members) > 1}
    for members in by_group.values():
        votes = [before[position] for position in members]
        after |= dict.fromkeys(members, max(splits, key=votes.count))
    taken = [position for position in before if after[position] != before[position]]
    free = [position for position in before if alone[position]]
    _give_back(before, after, taken, free, labels)
    moved = [position for position in before if after[position] != before[position]]
    result = {
        name: [position for position in members if after[position] == name]
        for name, members in splits.items()
    }
    for position in moved:
        result[after[position]].append(position)
    photos = sum(map(len, by_group.values()))
    return result, Grouping(len(by_group), photos, len(moved))


def _give_back(
    before: Mapping[int, str],
    after: dict[int, str],
    taken: Sequence[int],
    free: Sequence[int],
    labels: Sequence[int],
) -> None:
    """Move ``free`` photos so that each split has as many as before, as far as they suffice."""
    surplus = Counter(after.values())
    surplus.subtract(before.values())
    by_class: dict[tuple[str, int], list[int]] = {}
    by_split: dict[str, list[int]] = {}
    for position in free:
        by_class.setdefault((before[position], labels[position]), []).append(position)
        by_split.setdefault(before[position], []).append(position)
    given: set[int] = set()
    for same_class in (True, False):
        for position in taken:
            lacking = before[position]
            for full in [name for name, more in surplus.items() if more > 0]:
                if surplus[lacking] >= 0:
                    break
                key = full, labels[position]
                stack = by_class.get(key, []) if same_class else by_split.get(full, [])
                while stack and stack[-1] in given:
                    stack.pop()
                if stack:
                    given.add(stack[-1])
                    after[stack.pop()] = lacking
                    surplus[full] -= 1
                    surplus[lacking] += 1
                    break
