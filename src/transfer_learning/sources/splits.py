"""TFDS's slicing of a split, such as ``train[10%:25%]``, by TFDS's own code for every source.

The grammar and the rounding are described at tensorflow.org/datasets/splits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations

from transfer_learning.runtime.errors import UserError, clipped, quoted

# Of one slice; TFDS's own parser calls itself once more for each.
PARTS = 100


def check(slices: dict[str, str]) -> None:
    """Check what can be known of the slices before the number of photos is.

    Raises:
        UserError: a slice cannot be read.
    """
    for name, text in slices.items():
        _parts(name, text, 10**9)


def resolve(slices: dict[str, str], count: int) -> dict[str, tuple[int, ...]]:
    """Return the positions of every split among ``count`` photos.

    Args:
        slices: split name → slice, as in ``dataset.splits``.

    Raises:
        UserError: a slice cannot be read, goes beyond the photos, is empty, or takes a photo
            twice or one of another's.
    """
    positions: dict[str, tuple[int, ...]] = {}
    for name, text in slices.items():
        parts = _parts(name, text, count)
        distinct = len(set().union(*parts))
        if not distinct:
            raise UserError(
                f"params.yaml: dataset.splits.{name} is {quoted(text)}, which holds none of the "
                f"{count} photos; widen it or add photos"
            )
        if repeated := sum(map(len, parts)) - distinct:
            raise UserError(
                f"params.yaml: dataset.splits.{name} is {quoted(text)}, which takes {repeated} of "
                f"{count} photos twice; make its parts disjoint"
            )
        positions[name] = tuple(i for part in parts for i in part)
    for a, b in combinations(slices, 2):
        if shared := set(positions[a]) & set(positions[b]):
            raise UserError(
                f"params.yaml: dataset.splits.{a} ({clipped(slices[a])}) and dataset.splits.{b} "
                f"({clipped(slices[b])}) share {len(shared)} of {count} photos; make them disjoint"
            )
    return positions


def stratified(labels: Sequence[int]) -> tuple[int, ...]:
    """Return an order of the photos in which every slice has its share of every class.

    The photos of a class keep their order and are spread evenly: the k-th of n stands at
    (k + ½) / n of the way.  A slice then has the photos of a class that its length asks for, up to
    one at either end.

    Args:
        labels: of all photos, in the order of the source.

    Returns:
        The positions of the photos; of equals the lower label comes first.
    """
    sizes = Counter(labels)
    seen: Counter[int] = Counter()
    places = []
    for position, label in enumerate(labels):
        # A fraction, not a float, so that what is equal is seen to be.
        places.append((Fraction(2 * seen[label] + 1, 2 * sizes[label]), label, position))
        seen[label] += 1
    return tuple(position for _, _, position in sorted(places))


def _parts(name: str, text: str, count: int) -> list[range]:
    """Return the positions that each part of a slice means; it has parts where it has a ``+``."""
    # Here, because it takes 0.3 s and most of the stages do without.
    from tensorflow_datasets.core.splits import ReadInstruction, SplitInfo

    key = f"params.yaml: dataset.splits.{name} is {quoted(text)}"
    if text.count("+") >= PARTS:
        raise UserError(f"{key}; a slice has at most {PARTS} parts joined by +")
    # Shards say how TFDS wrote a data set; other sources have none.
    if "shard" in text:
        raise UserError(f"{key}; shards are not supported, write percentages or numbers")
    train = SplitInfo(name="train", shard_lengths=[count], num_bytes=0)
    try:
        parts = ReadInstruction.from_spec(text.strip()).to_absolute({"train": train})
    except (NotImplementedError, ValueError) as error:
        raise UserError(
            f"{key}, which is not a slice of train; write for example train[:10%], "
            f"train[10%:25%] or train[500:] ({clipped(str(error).splitlines()[-1])})"
        ) from None
    return [range(part.from_ or 0, count if part.to is None else part.to) for part in parts]
