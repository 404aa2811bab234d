"""A head of either kind, learnt from features."""

from __future__ import annotations

import contextlib
import io

from transfer_learning.config.params import HeadKind, Train
from transfer_learning.features.features import Features
from transfer_learning.heads.head import Head


def learn(kind: HeadKind, train_set: Features, valid_set: Features, settings: Train) -> Head:
    """Return the head that the stage ``train`` makes of these features, bit by bit.

    Raises:
        UserError: a logistic head misses a class.
    """
    # Each imports what it needs: TensorFlow the dense one, scikit-learn the logistic one.
    if kind == "logistic":
        from transfer_learning.heads import logistic

        strength, refit = settings.strength, settings.refit
        return logistic.fit(train_set, valid_set, strength=strength, refit=refit).head
    from transfer_learning.heads import training

    with contextlib.redirect_stdout(io.StringIO()):  # Keras tells of each epoch.
        return training.train(train_set, valid_set, settings)[0]
