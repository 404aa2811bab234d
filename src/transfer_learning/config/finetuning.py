"""The section ``finetuned`` of ``params.yaml``: a backbone's name, and how it is tuned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import Field

from transfer_learning.config.section import Section
from transfer_learning.config.values import Text
from transfer_learning.runtime.errors import quoted

# Of values: what a computer can hold, and finish in a person's time.
EPOCHS = 1_000
BATCH_SIZE = 4_096
SEEDS = 2**32
# In the place of a number of blocks.
ALL = "all"


class Augment(Section):
    """How a training photo differs from epoch to epoch; ``finetuning.augmentation`` does it.

    ``crop`` is the smallest share of the photo's area that a crop has, 1 crops nothing; ``flip``
    mirrors every second photo; ``colour`` is by how much brightness, contrast and saturation are
    changed at most, 0.2 is to 80 to 120 %.
    """

    crop: float = Field(default=0.5, gt=0, le=1)
    flip: bool = True
    colour: float = Field(default=0.2, ge=0, lt=1)


class Finetune(Section):
    """How one backbone is tuned from another; ``docs/finetuning.md`` says what the keys do.

    ``warmup`` is in epochs; ``unfreeze`` is a number of blocks from the end, or ``all``;
    ``patience`` is after how many epochs without a lower validation loss it ends, null never.
    """

    source: Text = Field(alias="from")
    epochs: int = Field(default=8, ge=1, le=EPOCHS)
    batch_size: int = Field(default=32, ge=1, le=BATCH_SIZE)
    learning_rate: float = Field(default=1e-4, gt=0, le=1, allow_inf_nan=False)
    warmup: float = Field(default=1.0, ge=0, le=EPOCHS, allow_inf_nan=False)
    weight_decay: float = Field(default=0.01, ge=0, le=10, allow_inf_nan=False)
    unfreeze: Annotated[int, Field(ge=1, le=1000)] | Literal["all"] = "all"
    label_smoothing: float = Field(default=0.1, ge=0, lt=1)
    patience: Annotated[int, Field(ge=1, le=EPOCHS)] | None = 4
    seed: int = Field(default=0, ge=0, lt=SEEDS)
    precision: Literal["float32", "bfloat16"] = "float32"
    augment: Augment = Augment()


def problems(finetuned: Mapping[str, Finetune], backbones: Mapping[str, object]) -> Iterator[str]:
    """Yield what is wrong of the section beside ``backbones``, a line each."""
    for name, settings in finetuned.items():
        key = f"finetuned.{name}"
        if name in backbones:
            yield f"backbones and finetuned both have {name}; rename one"
        if settings.source not in backbones:
            yield (
                f"{key}.from is {quoted(settings.source)}, but backbones has only "
                f"{', '.join(backbones)}"
            )
        if settings.warmup > settings.epochs:
            yield (
                f"{key}.warmup is {settings.warmup:g} epochs, but {key}.epochs is "
                f"{settings.epochs}; it cannot be longer"
            )
