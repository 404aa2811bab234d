"""Training of the head on cached features: the chapter's Dropout and Dense, with Keras."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from transfer_learning.config.params import Train
from transfer_learning.features.features import Features
from transfer_learning.heads.head import Head
from transfer_learning.heads.history import Epoch
from transfer_learning.runtime.tensorflow_quiet import tf

# Networks that are kept, for heads that differ in nothing but dropout.
NETWORKS = 16


def train(
    train_set: Features,
    valid_set: Features,
    settings: Train,
    after_epoch: Callable[[Epoch], object] = lambda _: None,
) -> tuple[Head, list[Epoch]]:
    """Train Dropout + Dense logits with Adam on sparse categorical cross-entropy.

    The same arithmetic as a frozen backbone inside the model, because Dropout comes after the
    features (chapter: Dropout(0.5), Dense(classes), Adam, 6 epochs), and the same bits as from
    Keras's ``fit``, whose work on each batch takes five times as long as the batch itself.

    Args:
        train_set: features of the photos to learn from.
        valid_set: features of the photos that are measured after each epoch.
        settings: the section ``train`` of ``params.yaml``.
        after_epoch: called with each epoch when it is done.

    Returns:
        The head, and one ``Epoch`` per epoch.
    """
    tf.config.experimental.enable_op_determinism()
    network = _network(train_set.features.shape[1], len(train_set.classes), settings.dropout)
    order = network.start(settings, len(train_set.labels))
    train_photos, valid_photos = (
        (tf.constant(photos.features), tf.constant(photos.labels))
        for photos in (train_set, valid_set)
    )
    epochs = []
    for number in range(1, settings.epochs + 1):
        batches = order, tf.constant(settings.batch_size, tf.int64)
        loss, accuracy = network.learn(*train_photos, *batches)
        val_loss, val_accuracy = network.measure(*valid_photos)
        epochs.append(Epoch(number, *map(float, (accuracy, val_accuracy, loss, val_loss))))
        after_epoch(epochs[-1])
    kernel, bias = (value.numpy().astype("float32") for value in network.weights)
    return Head(kernel, bias, train_set.classes), epochs


class _Network:
    """Dropout and Dense with their optimizer: one head after another is trained with them.

    What TensorFlow compiles, it compiles for the first one.
    """

    def __init__(self, features: int, classes: int, dropout: float) -> None:
        keras = tf.keras
        self._dropout = keras.layers.Dropout(dropout)
        # In float64, because processors sum in different orders and so round differently: what
        # that changes is lost when the weights become float32, and the head is the same bits
        # everywhere.
        self._dense = keras.layers.Dense(classes, name="logits", dtype="float64")
        self._model = keras.Sequential(
            [keras.Input((features,), name="features"), self._dropout, self._dense]
        )
        self.weights = self._model.trainable_variables
        self._loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, dtype="float64")
        self._adam = keras.optimizers.Adam()
        self._adam.build(self.weights)

    def start(self, settings: Train, photos: int) -> Any:
        """Take the weights and all else that a new network has; return the order of the photos.

        The order, int64 [N], is the same in each epoch, as in Keras's ``fit`` when a seed is set.
        """
        keras = tf.keras
        keras.utils.set_random_seed(settings.seed)
        # The same first weights as of a layer in float32.
        first = keras.initializers.GlorotUniform()(self._dense.kernel.shape, "float32")
        self._dense.kernel.assign(keras.ops.cast(first, "float64"))
        self._dense.bias.assign(keras.ops.zeros_like(self._dense.bias))
        if self._dropout.rate:
            self._dropout.seed_generator.state.assign(keras.random.SeedGenerator().state)
        for variable in self._adam.variables:
            variable.assign(keras.ops.zeros_like(variable))
        self._adam.learning_rate = settings.learning_rate
        # In a data set's graph, for there its seed counts from the beginning.
        orders = tf.data.Dataset.range(1).map(
            lambda _: tf.random.shuffle(tf.range(photos, dtype=tf.int64))
        )
        return next(iter(orders))

    @tf.function(reduce_retracing=True)
    def learn(self, features: Any, labels: Any, order: Any, batch_size: Any) -> Any:
        """Go through all photos once, in this order; return their mean loss and accuracy."""
        photos = tf.size(order, tf.int64)
        loss, right = tf.constant(0.0, tf.float64), tf.constant(0.0, tf.float64)
        for begin in tf.range(0, photos, batch_size):
            rows = order[begin : begin + batch_size]
            batch, answers = tf.gather(features, rows), tf.gather(labels, rows)
            with tf.GradientTape() as tape:
                logits = self._model(batch, training=True)
                mean = self._loss(answers, logits)
            self._adam.apply(tape.gradient(mean, self.weights), self.weights)
            loss += mean * tf.cast(tf.size(rows), tf.float64)
            right += _right(answers, logits)
        return loss / tf.cast(photos, tf.float64), right / tf.cast(photos, tf.float64)

    @tf.function(reduce_retracing=True)
    def measure(self, features: Any, labels: Any) -> Any:
        """Return the mean loss and the accuracy of photos that nothing is learnt from."""
        logits = self._model(features, training=False)
        photos = tf.cast(tf.size(labels), tf.float64)
        return self._loss(labels, logits), _right(labels, logits) / photos


_network = lru_cache(NETWORKS)(_Network)


def _right(labels: Any, logits: Any) -> Any:
    guesses = tf.argmax(logits, axis=1, output_type=labels.dtype)
    return tf.reduce_sum(tf.cast(guesses == labels, tf.float64))
