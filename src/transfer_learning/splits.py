"""TFDS's slicing of a split, such as ``train[10%:25%]``, by TFDS's own code for every source.

The grammar and the rounding are at tensorflow.org/datasets/splits.
"""

from __future__ import annotations

from transfer_learning.errors import UserError


def parse(text: str, count: int) -> tuple[int, ...]:
    """Return the positions among ``count`` photos that the slice means, in its order.

    Raises:
        UserError: the text is no slice of ``train``, or goes beyond its photos.
    """
    # Here, because it takes 0.4 s and most of the stages do without.
    from tensorflow_datasets.core.splits import ReadInstruction, SplitInfo

    # TFDS's shards are a matter of how a data set was written; other sources have none.
    if "shard" in text:
        raise UserError(f"{text!r}: shards are not supported; write percentages or numbers")
    train = SplitInfo(name="train", shard_lengths=[count], num_bytes=0)
    try:
        parts = ReadInstruction.from_spec(text.strip()).to_absolute({"train": train})
    except (ValueError, NotImplementedError) as error:
        raise UserError(
            f"{text!r} is not a slice of the {count} photos of train; write for example "
            f"train[:10%], train[10%:25%] or train[500:] ({str(error).splitlines()[-1]})"
        ) from None
    return tuple(
        position
        for part in parts
        for position in range(part.from_ or 0, count if part.to is None else part.to)
    )


def resolve(slices: dict[str, str], count: int) -> dict[str, tuple[int, ...]]:
    """Return the positions of every split among ``count`` photos.

    Args:
        slices: split name → slice, as in ``dataset.splits``.

    Raises:
        UserError: a slice cannot be read, is empty, or shares a photo with another.
    """
    positions: dict[str, tuple[int, ...]] = {}
    for name, text in slices.items():
        try:
            positions[name] = parse(text, count)
        except UserError as error:
            raise UserError(f"params.yaml: dataset.splits.{name}: {error}") from None
        if not positions[name]:
            raise UserError(
                f"params.yaml: dataset.splits.{name} is {text!r}, which holds none of the "
                f"{count} photos; widen it or add photos"
            )
        if repeated := len(positions[name]) - len(set(positions[name])):
            raise UserError(
                f"params.yaml: dataset.splits.{name} is {text!r}, which takes {repeated} of "
                f"{count} photos twice"
            )
    names = list(positions)
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            if shared := set(positions[a]) & set(positions[b]):
                raise UserError(
                    f"params.yaml: dataset.splits.{a} ({slices[a]}) and dataset.splits.{b} "
                    f"({slices[b]}) share {len(shared)} of {count} photos; make them disjoint"
                )
    return positions
