"""Training of the head on cached features: the chapter's Dropout and Dense, with Keras."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from transfer_learning.config.params import Train
from transfer_learning.features.features import Features
from transfer_learning.heads.head import Head
from transfer_learning.heads.history import Epoch
from transfer_learning.runtime.tensorflow_quiet import tf


def train(
    train_set: Features, valid_set: Features, settings: Train, callbacks: Sequence[Any] = ()
) -> tuple[Head, list[Epoch]]:
    """Train Dropout + Dense logits with Adam on sparse categorical cross-entropy.

    The same arithmetic as a frozen backbone inside the model, because Dropout comes after the
    features (chapter: Dropout(0.5), Dense(classes), Adam, 6 epochs).

    Args:
        train_set: features of the photos to learn from.
        valid_set: features of the photos that are measured after each epoch.
        settings: the section ``train`` of ``params.yaml``.
        callbacks: Keras callbacks, such as a logger of the epochs.

    Returns:
        The head, and one ``Epoch`` per epoch.
    """
    keras = tf.keras
    keras.utils.set_random_seed(settings.seed)
    tf.config.experimental.enable_op_determinism()
    # In float64, because processors sum in different orders and so round differently: what that
    # changes is lost when the weights become float32, and the head is the same bits everywhere.
    glorot = keras.initializers.GlorotUniform()
    dense = keras.layers.Dense(
        len(train_set.classes),
        name="logits",
        dtype="float64",
        # The same first weights as of a layer in float32.
        kernel_initializer=lambda shape, dtype: keras.ops.cast(glorot(shape, "float32"), dtype),
    )
    model = keras.Sequential(
        [
            keras.Input(train_set.features.shape[1:], name="features"),
            keras.layers.Dropout(settings.dropout),
            dense,
        ]
    )
    model.compile(
        optimizer=keras.optimizers.Adam(settings.learning_rate),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True, dtype="float64"),
        metrics=["accuracy"],
    )
    history = model.fit(
        train_set.features,
        train_set.labels,
        batch_size=settings.batch_size,
        epochs=settings.epochs,
        validation_data=(valid_set.features, valid_set.labels),
        callbacks=list(callbacks),
        verbose=0,
    ).history
    kernel, bias = (value.numpy().astype("float32") for value in dense.trainable_variables)
    epochs = [
        Epoch(
            epoch + 1,
            *(history[key][epoch] for key in ("accuracy", "val_accuracy", "loss", "val_loss")),
        )
        for epoch in range(settings.epochs)
    ]
    return Head(kernel, bias, train_set.classes), epochs


def after_each_epoch(call: Callable[[], object]) -> Any:
    """Return a Keras callback that calls when an epoch is done, such as a bar's ``update``."""
    return tf.keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: call())
