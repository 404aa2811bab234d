"""A head of either kind, learnt from features."""

from __future__ import annotations

from dataclasses import dataclass

from transfer_learning.config.params import HeadKind, Train
from transfer_learning.features.features import Features
from transfer_learning.heads.head import Head


@dataclass(frozen=True)
class Learnt:
    """A head; ``validated`` is that head before its refit, which has seen no validation photo."""

    head: Head
    validated: Head


def learn(kind: HeadKind, train_set: Features, valid_set: Features, settings: Train) -> Learnt:
    """Return the head that the stage ``train`` makes of these features, bit by bit.

    Raises:
        UserError: a logistic head misses a class.
    """
    # Each imports what it needs: TensorFlow the dense one, scikit-learn the logistic one.
    if kind == "logistic":
        from transfer_learning.heads import logistic

        strength, refit = settings.strength, settings.refit
        fitted = logistic.fit(train_set, valid_set, strength=strength, refit=refit)
        return Learnt(fitted.head, fitted.validated)
    from transfer_learning.heads import training

    head, _ = training.train(train_set, valid_set, settings)
    return Learnt(head, head)
