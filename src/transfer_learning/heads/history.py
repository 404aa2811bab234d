"""The epochs of a head's training."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Epoch:
    """One epoch's means; training's are taken while the weights still change, with Dropout."""

    epoch: int
    accuracy: float
    val_accuracy: float
    loss: float
    val_loss: float
