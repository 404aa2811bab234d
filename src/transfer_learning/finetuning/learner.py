"""A backbone and a head as one network that learns: its steps, and how good it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from transfer_learning.config.finetuning import Finetune
from transfer_learning.features.tensorflow_engine import is_out_of_memory
from transfer_learning.finetuning.photos import Batch
from transfer_learning.finetuning.tunable import Tunable
from transfer_learning.heads.head import Head
from transfer_learning.runtime.errors import UserError
from transfer_learning.runtime.tensorflow_quiet import tf


@dataclass(frozen=True)
class Measured:
    """Means over photos."""

    loss: float
    accuracy: float


class Learner:
    """Weights, AdamW's moments, and one graph that changes them.

    Where memory runs out, a batch is cut in two, again and again, and the parts' gradients are
    added: the step is the same but for the last digits.
    """

    def __init__(
        self, network: Tunable, head: Head, settings: Finetune, *, resolution: int, device: str
    ) -> None:
        """Start from the network and the trained head as they are: no weight is drawn by chance."""
        self._network, self._settings, self._device = network, settings, device
        self._resolution = resolution
        with tf.device(device):
            self._kernel, self._bias = tf.Variable(head.kernel), tf.Variable(head.bias)
            self.weights = [*network.variables, self._kernel, self._bias]
            self._optimizer = tf.keras.optimizers.AdamW(weight_decay=settings.weight_decay)
            self._optimizer.exclude_from_weight_decay(
                [
                    variable
                    for variable in self.weights
                    if not any(variable is one for one in (*network.decayed, self._kernel))
                ]
            )
            self._optimizer.build(self.weights)
        self.parts = 1
        # Traced anew where parts are smaller.
        self._whole = tf.function(self._learn, autograph=False)
        self._part = tf.function(self._gradients, autograph=False)
        self._apply = tf.function(self._change, autograph=False)
        self._forward = tf.function(self._logits, autograph=False)

    @property
    def values(self) -> list[np.ndarray]:
        """All that a step changes, as arrays."""
        return [variable.numpy() for variable in (*self.weights, *self._slots)]

    @values.setter
    def values(self, arrays: Iterable[np.ndarray]) -> None:
        for variable, value in zip((*self.weights, *self._slots), arrays, strict=True):
            variable.assign(value)

    @property
    def _slots(self) -> list[Any]:
        # Keras's own variables, without the rate, which each step is given.
        return [one.value for one in self._optimizer.variables[:1] + self._optimizer.variables[2:]]

    def step(self, batch: Batch, rate: float) -> Measured:
        """Learn from a batch; return its loss, as it was learnt from, and its accuracy before.

        Raises:
            UserError: not even one photo fits in the device's memory.
        """
        while True:
            try:
                return self._try(batch, tf.constant(rate, tf.float32))
            except tf.errors.OpError as error:
                if not is_out_of_memory(error):
                    raise
                said = error.message.strip().partition("\n")[0]
            if self.parts >= len(batch.labels):
                raise UserError(
                    f"{self._device} has too little memory to learn from one photo of "
                    f"{self._resolution} × {self._resolution} pixels; unfreeze fewer blocks, end "
                    f"what else uses it, or set CUDA_VISIBLE_DEVICES=-1 to use the CPU "
                    f"(TensorFlow: {said})"
                )
            self.parts *= 2
            size = -(-len(batch.labels) // self.parts)
            print(
                f"{self._device} is out of memory: going on in parts of {size} photos, whose "
                "gradients are added up"
            )

    def measure(self, batches: Iterable[Batch]) -> Measured:
        """Return cross-entropy, without label smoothing, and accuracy on photos as they are."""
        losses, right = [], []
        for batch in batches:
            with tf.device(self._device):
                logits = self._forward(batch.pixels).numpy().astype(np.float64)[: batch.count]
            labels = batch.labels[: batch.count]
            shifted = logits - logits.max(axis=1, keepdims=True)
            true = shifted[np.arange(len(labels)), labels]
            losses.append(np.log(np.exp(shifted).sum(axis=1)) - true)
            right.append(logits.argmax(axis=1) == labels)
        return Measured(float(np.concatenate(losses).mean()), float(np.concatenate(right).mean()))

    def _try(self, batch: Batch, rate: Any) -> Measured:
        # The photos' shares of the mean, so that parts of a batch add up to it.
        shares = batch.weights / batch.weights.sum()
        with tf.device(self._device):
            if self.parts == 1:
                loss, right = self._whole(batch.pixels, batch.labels, shares, rate)
                return Measured(float(loss), float(right))
            size = -(-len(shares) // self.parts)
            total, loss, right = None, 0.0, 0.0
            for start in range(0, len(shares), size):
                rows = slice(start, start + size)
                # All of one size, so that there is one graph.
                part = (
                    _filled(array[rows], size) for array in (batch.pixels, batch.labels, shares)
                )
                gradients, part_loss, part_right = self._part(*part)
                total = (
                    gradients
                    if total is None
                    else [a + b for a, b in zip(total, gradients, strict=True)]
                )
                loss, right = loss + float(part_loss), right + float(part_right)
            self._apply(total, rate)
        return Measured(loss, right)

    def _learn(self, pixels: Any, labels: Any, shares: Any, rate: Any) -> tuple[Any, Any]:
        gradients, loss, right = self._gradients(pixels, labels, shares)
        # All of them before the first weight changes: memory that runs out leaves none changed.
        with tf.control_dependencies(gradients):
            self._change(gradients, rate)
        return loss, right

    def _gradients(self, pixels: Any, labels: Any, shares: Any) -> tuple[list[Any], Any, Any]:
        with tf.GradientTape() as tape:
            logits = self._logits(pixels)
            classes = logits.shape[1]
            smoothing = self._settings.label_smoothing
            targets = tf.one_hot(labels, classes) * (1 - smoothing) + smoothing / classes
            losses = tf.nn.softmax_cross_entropy_with_logits(targets, logits)
            own = self._network.regularisation()
            loss = tf.reduce_sum(losses * shares) + own * tf.reduce_sum(shares)
        gradients = tape.gradient(loss, self.weights, unconnected_gradients="zero")
        correct = tf.cast(tf.argmax(logits, axis=1) == labels, tf.float32)
        return gradients, loss, tf.reduce_sum(correct * shares)

    def _change(self, gradients: list[Any], rate: Any) -> None:
        self._optimizer.learning_rate.assign(rate)
        self._optimizer.apply(gradients, self.weights)

    def _logits(self, pixels: Any) -> Any:
        features = self._network.features(tf.cast(pixels, tf.float32) / 255.0)
        return features @ self._kernel + self._bias


def _filled(array: np.ndarray, size: int) -> np.ndarray:
    """Return the rows, and zeros after them."""
    return np.concatenate([array, np.zeros((size - len(array), *array.shape[1:]), array.dtype)])
