"""The learning rate of each step."""

from __future__ import annotations

import math

from transfer_learning.config.finetuning import Finetune


def rate(step: int, settings: Finetune, *, steps: int) -> float:
    """Return the learning rate of a step, from 0: linear warm-up, then half a cosine down to 0.

    Source: Loshchilov and Hutter 2017, "SGDR", equation 5, without restarts.

    Args:
        step: counted from the first epoch's first.
        settings: rate, warm-up and epochs.
        steps: those of an epoch.
    """
    warm, total = settings.warmup * steps, settings.epochs * steps
    if step < warm:
        return settings.learning_rate * (step + 1) / (warm + 1)
    return settings.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - warm) / (total - warm)))
