"""The photos of the page: one JSON block, from which its script makes gallery, details and map.

Of more photos than fit ``PAGE_BYTES`` it holds a sample, in which the wrong ones come first.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from markupsafe import Markup

from transfer_learning.evaluation.neighbours import Neighbours
from transfer_learning.evaluation.predictions import Prediction
from transfer_learning.photos.dataset import DatasetInfo, PhotoEntry, PhotoList

# What a mailbox takes, and a phone opens in three seconds.
PAGE_BYTES = 10_000_000
# Of these, for the page's tables, style and script, and for pictures of training photos.
TEXT_BYTES, TRAINING_BYTES = 800_000, 1_000_000
# Classes of an answer beyond which the rest are left out; ``predictions.csv`` has all.
PROBABLE = 20
# A ``predictions.csv`` keeps three decimals.
PER_MILLE = 1000
# Where a network looked, by photo id; asked with (predicted, true) classes by photo id.
Looking = Callable[[dict[str, tuple[int, int]]], dict[str, str]]


@dataclass(frozen=True)
class Photos:
    """The block, how many test photos it holds, how many of these are wrong, and all ids in it.

    ``all_wrong`` is how many test photos are wrong, in the block or not.
    """

    json: Markup
    held: int
    wrong: int
    all_wrong: int
    ids: frozenset[str]


@dataclass(frozen=True)
class Pictures:
    """A WebP image of each test photo, and of those training photos that are neighbours, by id."""

    test: Mapping[str, bytes]
    training: Mapping[str, bytes]


def block(
    data: DatasetInfo,
    predictions: Mapping[str, Mapping[str, Prediction]],
    pictures: Pictures,
    neighbours: Neighbours,
    looking: Mapping[str, Looking],
    *,
    selected: str,
    resolutions: Sequence[int],
    taken: int,
) -> Photos:
    """Return the block.

    Args:
        data: the data summary.
        predictions: by backbone, and by photo id.
        pictures: of the photos.
        neighbours: of the selected backbone.
        looking: by backbone; those that have no feature maps may be left out.
        selected: the selected backbone.
        resolutions: of the backbones, in pixels.
        taken: bytes of the page's figures.
    """
    numbers = {name: number for number, name in enumerate(data.classes)}
    test = data.photos.of_split("test")
    wrong = _wrong(predictions.values())

    def answered(photo: PhotoEntry) -> dict[str, Any]:
        answers = [_answer(by_id[photo.id], numbers) for by_id in predictions.values()]
        return _entry(photo, pictures.test[photo.id], data) | {"answers": answers}

    for order in _telling_first(test, wrong):
        training = _training(data, pictures.training, neighbours, order)
        free = PAGE_BYTES - TEXT_BYTES - taken - sum(map(_size, training.values()))
        held = _fitting(((test[number].id, answered(test[number])) for number in order), free)
        if len(held) == len(test):
            break
    _place(held, training, neighbours)
    for number, (name, by_id) in enumerate(predictions.items()):
        _look(held, number, by_id, numbers, looking.get(name))
    tree = {
        "classes": data.classes,
        "backbones": list(predictions),
        "selected": list(predictions).index(selected),
        "resolutions": resolutions,
        "photos": [held[photo_id] for photo_id in test.ids() if photo_id in held],
        "training": list(training.values()),
    }
    return Photos(
        json=_script_safe(tree),
        held=len(held),
        wrong=len(wrong.keys() & held.keys()),
        all_wrong=len(wrong),
        ids=frozenset(held.keys() | training.keys()),
    )


def _wrong(predictions: Iterable[Mapping[str, Prediction]]) -> dict[str, float]:
    """Return the photos that some backbone gets wrong, and how sure of it the surest one is."""
    found: dict[str, float] = {}
    for by_id in predictions:
        for item in by_id.values():
            if not item.correct:
                found[item.id] = max(found.get(item.id, 0), *item.probabilities)
    return found


def _telling_first(test: PhotoList, wrong: Mapping[str, float]) -> Iterator[list[int]]:
    """Yield the photos' numbers in two orders: for where all have room, and for where not all have.

    First those that some backbone gets wrong, in the second order the surest mistakes before the
    others; then those that all get right, in a random order.
    """
    shuffled = np.random.default_rng(0).permutation(len(test)).tolist()
    sure = [wrong.get(photo_id, -1.0) for photo_id in test.ids()]
    yield sorted(shuffled, key=lambda number: sure[number] < 0)
    yield sorted(shuffled, key=lambda number: -sure[number])


def _fitting(entries: Iterable[tuple[str, dict[str, Any]]], free: int) -> dict[str, dict[str, Any]]:
    """Return the first entries that have room in so many bytes."""
    held = {}
    for photo_id, entry in entries:
        if (free := free - _size(entry)) < 0:
            break
        held[photo_id] = entry
    return held


def _training(
    data: DatasetInfo,
    pictures: Mapping[str, bytes],
    neighbours: Neighbours,
    order: Sequence[int],
) -> dict[str, dict[str, Any]]:
    """Return the training photos of the map and the neighbours of as many photos as have room."""
    named = set(neighbours.train_ids.tolist())
    entries = {photo.id: photo for photo in data.photos.of_split("train").named(named)}
    rows = {photo_id: row for row, photo_id in enumerate(neighbours.test_ids.tolist())}
    test = data.photos.of_split("test")
    nearest = (neighbours.nearest[rows[test[number].id]] for number in order)
    found: dict[str, dict[str, Any]] = {}
    free = TRAINING_BYTES
    for group in chain([neighbours.sample], nearest):
        new = {
            photo_id: _entry(entries[photo_id], pictures[photo_id], data)
            for photo_id in map(str, neighbours.train_ids[group])
            if photo_id not in found
        }
        if (free := free - sum(map(_size, new.values()))) < 0:
            break
        found |= new
    return found


def _place(
    held: Mapping[str, dict[str, Any]],
    training: Mapping[str, dict[str, Any]],
    neighbours: Neighbours,
) -> None:
    """Add each photo's place on the map, and its nearest training photos where all are there."""
    order = {photo_id: number for number, photo_id in enumerate(training)}
    names = [str(photo_id) for photo_id in neighbours.train_ids]
    for row, photo_id in enumerate(map(str, neighbours.test_ids)):
        if photo_id in held:
            held[photo_id]["place"] = neighbours.test_places[row].tolist()
            nearest = [names[number] for number in neighbours.nearest[row]]
            if all(name in order for name in nearest):
                held[photo_id]["near"] = [
                    [order[name], float(cosine)]
                    for name, cosine in zip(nearest, neighbours.similarity[row], strict=True)
                ]
    for number, place in zip(neighbours.sample, neighbours.sample_places, strict=True):
        if names[number] in training:
            training[names[number]]["place"] = place.tolist()


def _look(
    held: Mapping[str, dict[str, Any]],
    backbone: int,
    by_id: Mapping[str, Prediction],
    numbers: Mapping[str, int],
    looking: Looking | None,
) -> None:
    """Add where a backbone looked on the photos that it gets wrong, under its number."""
    wrong = {
        photo_id: (numbers[by_id[photo_id].predicted], numbers[by_id[photo_id].true])
        for photo_id in held
        if not by_id[photo_id].correct
    }
    for photo_id, cells in (looking(wrong) if looking else {}).items():
        held[photo_id].setdefault("looked", {})[backbone] = cells


def _entry(photo: PhotoEntry, picture: bytes, data: DatasetInfo) -> dict[str, Any]:
    entry = {
        "id": photo.id,
        "true": photo.label,
        "width": photo.width,
        "height": photo.height,
        "picture": base64.b64encode(picture).decode(),
    }
    credit = data.credits.get(photo.id)
    return entry | {"credit": credit} if credit else entry


def _answer(item: Prediction, numbers: Mapping[str, int]) -> list[int]:
    """Return class, probability in per mille, class, …: the predicted one, then the likeliest."""
    per_mille = [round(PER_MILLE * share) for share in item.probabilities]
    predicted = numbers[item.predicted]
    likeliest = sorted(
        (number for number, share in enumerate(per_mille) if share and number != predicted),
        key=lambda number: (-per_mille[number], number),
    )
    shown = [predicted, *likeliest[: PROBABLE - 1]]
    return [value for number in shown for value in (number, per_mille[number])]


def _size(entry: dict[str, Any]) -> int:
    return len(_compact(entry).encode())


def _compact(tree: object) -> str:
    return json.dumps(tree, ensure_ascii=False, separators=(",", ":"))


def _script_safe(tree: object) -> Markup:
    """Return JSON that no name in it can end: "<" begins all that the HTML parser looks for."""
    return Markup(_compact(tree).replace("<", "\\u003c"))
