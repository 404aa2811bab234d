"""Training of the head on cached features: the chapter's Dropout and Dense, with Keras."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np

from transfer_learning.config.params import Train
from transfer_learning.features.features import Features
from transfer_learning.heads.head import Head
from transfer_learning.heads.history import Epoch
from transfer_learning.runtime.rows import blocks
from transfer_learning.runtime.tensorflow_quiet import tf

# Photos whose features are in memory at a time: 42 MB of 1,280 each, and as float64 twice that.
CHUNK = 8192
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
    batch_size = tf.constant(settings.batch_size, tf.int64)
    epochs = []
    for number in range(1, settings.epochs + 1):
        sums = tf.zeros(2, tf.float64)
        for photos, labels in _chunks(train_set, order, settings.batch_size):
            sums = network.learn(photos, labels, batch_size, sums)
        loss, accuracy = sums.numpy() / len(train_set.labels)
        val_loss, val_accuracy = _measured(network, valid_set)
        epochs.append(Epoch(number, *map(float, (accuracy, val_accuracy, loss, val_loss))))
        after_epoch(epochs[-1])
    kernel, bias = (value.numpy().astype("float32") for value in network.weights)
    return Head(kernel, bias, train_set.classes), epochs


def _chunks(photos: Features, order: np.ndarray, batch_size: int) -> Iterator[tuple[Any, Any]]:
    """Yield features and labels in this order, whole batches at a time: of few photos all."""
    step = max(1, CHUNK // batch_size) * batch_size
    for start in range(0, len(order), step):
        rows = order[start : start + step]
        yield tf.constant(photos.features[rows]), tf.constant(photos.labels[rows])


def _measured(network: _Network, photos: Features) -> tuple[float, float]:
    """Return the mean loss and the accuracy of photos that nothing is learnt from."""
    begin, sums = 0, np.zeros(2)
    for block in blocks(photos.features, CHUNK):
        labels = photos.labels[begin : begin + len(block)]
        sums += network.measure(tf.constant(block), tf.constant(labels)).numpy() * len(labels)
        begin += len(block)
    loss, accuracy = sums / begin
    return float(loss), float(accuracy)


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

    def start(self, settings: Train, photos: int) -> np.ndarray:
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
        return np.asarray(next(iter(orders)))

    @tf.function(reduce_retracing=True)
    def learn(self, features: Any, labels: Any, batch_size: Any, sums: Any) -> Any:
        """Go through the photos once, batch by batch; add their losses, and how many are right."""
        loss, right = sums[0], sums[1]
        for begin in tf.range(0, tf.size(labels, tf.int64), batch_size):
            batch, answers = (part[begin : begin + batch_size] for part in (features, labels))
            with tf.GradientTape() as tape:
                logits = self._model(batch, training=True)
                mean = self._loss(answers, logits)
            self._adam.apply(tape.gradient(mean, self.weights), self.weights)
            loss += mean * tf.cast(tf.size(answers), tf.float64)
            right += _right(answers, logits)
        return tf.stack([loss, right])

    @tf.function(reduce_retracing=True)
    def measure(self, features: Any, labels: Any) -> Any:
        """Return the mean loss and the accuracy of photos that nothing is learnt from."""
        logits = self._model(features, training=False)
        photos = tf.cast(tf.size(labels), tf.float64)
        return tf.stack([self._loss(labels, logits), _right(labels, logits) / photos])


_network = lru_cache(NETWORKS)(_Network)


def _right(labels: Any, logits: Any) -> Any:
    guesses = tf.argmax(logits, axis=1, output_type=labels.dtype)
    return tf.reduce_sum(tf.cast(guesses == labels, tf.float64))
