"""TFDS's slicing of a split, such as ``train[10%:25%]``.

Grammar and rounding after TFDS's ``ReadInstruction`` (tensorflow.org/datasets/splits): a bound is
a percentage or a number of examples, negative ones count from the end, and a percentage is
rounded to the closest example.
"""

from __future__ import annotations

import re

from transfer_learning.errors import UserError

_SLICE = re.compile(r"train(?:\[(?P<start>-?\d+%?)?:(?P<stop>-?\d+%?)?\])?")


def parse(text: str, count: int) -> range:
    """Return the positions among ``count`` photos that the slice means.

    Raises:
        UserError: the text is no slice of ``train``, or a percentage is beyond 100.
    """
    match = _SLICE.fullmatch(text.replace(" ", ""))
    if match is None:
        raise UserError(
            f"{text!r} is not a slice of train; write for example train[:10%], train[10%:25%] "
            "or train[500:]"
        )
    start = _bound(match["start"], count, default=0)
    stop = _bound(match["stop"], count, default=count)
    return range(start, max(start, stop))


def _bound(text: str | None, count: int, *, default: int) -> int:
    if text is None:
        return default
    if text.endswith("%"):
        percent = int(text[:-1])
        if abs(percent) > 100:
            raise UserError(f"{text} is beyond 100%")
        position = round(percent * count / 100)
    else:
        position = int(text)
    return min(max(position + count if position < 0 else position, 0), count)


def resolve(slices: dict[str, str], count: int) -> dict[str, range]:
    """Return the positions of every split among ``count`` photos.

    Args:
        slices: split name → slice, as in ``dataset.splits``.

    Raises:
        UserError: a slice cannot be read, is empty, or shares a photo with another.
    """
    ranges: dict[str, range] = {}
    for name, text in slices.items():
        try:
            ranges[name] = parse(text, count)
        except UserError as error:
            raise UserError(f"params.yaml: dataset.splits.{name}: {error}") from None
        if not ranges[name]:
            raise UserError(
                f"params.yaml: dataset.splits.{name} is {text!r}, which holds none of the "
                f"{count} photos; widen it or add photos"
            )
    names = list(ranges)
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            shared = range(
                max(ranges[a].start, ranges[b].start), min(ranges[a].stop, ranges[b].stop)
            )
            if shared:
                raise UserError(
                    f"params.yaml: dataset.splits.{a} ({slices[a]}) and dataset.splits.{b} "
                    f"({slices[b]}) share {len(shared)} of {count} photos; make them disjoint"
                )
    return ranges
