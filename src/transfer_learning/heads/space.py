"""Settings of heads to try: what each is drawn from, at random or as every combination."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from pydantic import ValidationError

from transfer_learning.config.params import HeadKind, Train
from transfer_learning.runtime.errors import UserError, quoted

# By kind of head, the keys of ``train`` that it takes and that are varied.
VARIED: dict[HeadKind, tuple[str, ...]] = {
    "dense": ("learning_rate", "dropout", "epochs", "seed"),
    "logistic": ("strength",),
}
KEYS = ("head", *VARIED["dense"], *VARIED["logistic"])
WHOLE = ("epochs", "seed")
# Of a draw from a range, so that what is shown is what was tried.
DIGITS = 3


@dataclass(frozen=True)
class Axis:
    """What a key is drawn from: ``values``, each as likely, or a range with even logarithms."""

    values: tuple[Any, ...]
    ends: tuple[float, float] | None = None

    def draw(self, rng: np.random.Generator) -> Any:
        """Return one value."""
        if self.ends is None:
            return self.values[rng.integers(len(self.values))]
        low, high = self.ends
        drawn = float(f"{np.exp(rng.uniform(np.log(low), np.log(high))):.{DIGITS}g}")
        return min(max(drawn, low), high)


Space = Mapping[str, Axis]
RANDOM: Space = {
    "head": Axis(("dense", "logistic")),
    "learning_rate": Axis((), (1e-4, 1e-2)),
    "dropout": Axis((0.0, 0.25, 0.5, 0.75)),
    "epochs": Axis((3, 6, 12)),
    "seed": Axis((0, 1, 2)),
    "strength": Axis((), (1.0, 1e5)),
}
GRID: Space = {
    "head": Axis(("dense", "logistic")),
    "learning_rate": Axis((0.0003, 0.001, 0.003, 0.01)),
    "dropout": Axis((0.0, 0.5)),
    "epochs": Axis((6, 24)),
    "seed": Axis((0,)),
    "strength": Axis(tuple(float(f"{10 ** (step / 4):.3g}") for step in range(20, -1, -1))),
}


def axis(key: str, text: str, settings: Train) -> Axis:
    """Read what a person wants for a key: ``0.001,0.01``, or a range, ``0.001..0.01``.

    A range of whole numbers is each of them.

    Raises:
        UserError: it is neither, or the key cannot have such a value.
    """
    option = f"{_option(key)} {text}"
    parts = text.split("..") if ".." in text else text.split(",")
    values = tuple(_value(key, part.strip(), settings, option) for part in parts)
    if ".." not in text:
        return Axis(tuple(dict.fromkeys(values)))
    if key == "head" or len(values) != 2 or not values[0] <= values[1]:
        raise UserError(f"{option}: a range is two numbers, the smaller one first, as 1..10")
    low, high = values
    if key in WHOLE:
        return Axis(tuple(range(low, high + 1)))
    if low == 0:
        raise UserError(f"{option}: a range begins above 0; list values in its place, as 0,0.5")
    return Axis((), (low, high))


def _value(key: str, text: str, settings: Train, option: str) -> Any:
    try:
        value = text if key == "head" else int(text) if key in WHOLE else float(text)
        return getattr(changed(settings, **{key: value}), key)
    except ValidationError as error:
        problem = error.errors()[0]["msg"]
    except ValueError:
        problem = f"Input should be a {'whole ' * (key in WHOLE)}number"
    raise UserError(f"{option}: {quoted(text)}: {problem[0].lower()}{problem[1:]}")


def changed(settings: Train, **changes: Any) -> Train:
    """Return the settings with these changes, checked."""
    return Train.model_validate(settings.model_dump() | changes)


def draws(space: Space, settings: Train, seed: int) -> Iterator[Train]:
    """Yield settings at random, without end; the first n are the same for any n."""
    number = 0
    while True:
        rng = np.random.default_rng([seed, number])
        # Each key is drawn, so that one that is given leaves the others as they were.
        drawn = {key: space[key].draw(rng) for key in KEYS}
        yield changed(settings, **_used(drawn))
        number += 1


def grid(space: Space, settings: Train) -> Iterator[Train]:
    """Yield every combination once.

    Raises:
        UserError: a key has a range.
    """
    for key in KEYS:
        if ends := space[key].ends:
            raise UserError(
                f"{_option(key)} {ends[0]:g}..{ends[1]:g}: a grid has no range; "
                "list values, as 1,10"
            )
    for head in space["head"].values:
        keys = VARIED[head]
        for values in product(*(space[key].values for key in keys)):
            yield changed(settings, head=head, **dict(zip(keys, values, strict=True)))


def _option(key: str) -> str:
    # --seed is that of the draws.
    return f"--{'train-' * (key == 'seed')}{key.replace('_', '-')}"


def _used(drawn: dict[str, Any]) -> dict[str, Any]:
    return {"head": drawn["head"]} | {key: drawn[key] for key in VARIED[drawn["head"]]}
