"""The epochs of a tuning: learnt, measured, kept in a checkpoint, and ended early."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from transfer_learning.config.finetuning import Finetune
from transfer_learning.finetuning import history, schedule
from transfer_learning.finetuning.checkpoint import Checkpoint, State
from transfer_learning.finetuning.history import TunedEpoch
from transfer_learning.finetuning.learner import Learner
from transfer_learning.finetuning.photos import Photos
from transfer_learning.runtime import hardware

# After a step that builds the graph; more of them would tell little more.
TIMED_STEPS = 2


@dataclass(frozen=True)
class Tuned:
    """``epochs`` with epoch 0 first, and the loss of each step."""

    epochs: list[TunedEpoch]
    steps: list[float]


@dataclass(frozen=True)
class Watch:
    """What is told while it goes on: photos done, each step's loss, and each finished epoch.

    A run that goes on from a checkpoint first tells all that was before, its photos by ``before``.
    """

    photos: Callable[[int], object] = lambda count: None
    before: Callable[[int], object] = lambda count: None
    step: Callable[[float], object] = lambda loss: None
    epoch: Callable[[TunedEpoch], object] = lambda epoch: None


def tune(
    learner: Learner,
    train: Photos,
    valid: Photos,
    settings: Finetune,
    *,
    checkpoint: Checkpoint,
    watch: Watch,
) -> Tuned:
    """Let the learner learn, from where the checkpoint ends; leave the best weights in it.

    The best are those after the epoch with the lowest validation loss, of which the first may be
    epoch 0: what the learner starts from.

    Raises:
        UserError: the device has too little memory for one photo.
    """
    steps = -(-len(train) // settings.batch_size)
    state = checkpoint.read()
    if state is None:
        measured = learner.measure(valid.in_order(batch=settings.batch_size))
        start = TunedEpoch(0, None, None, measured.loss, measured.accuracy)
        state = State(learner.values, _weights(learner), [start], [])
        watch.epoch(start)
    else:
        learner.values = state.values
        for epoch in state.epochs:
            for loss in state.steps[max(0, epoch.epoch - 1) * steps : epoch.epoch * steps]:
                watch.step(loss)
            watch.epoch(epoch)
        watch.before((len(state.epochs) - 1) * len(train))
    with ThreadPoolExecutor(hardware.cores()) as executor:
        while not _finished(state.epochs, settings):
            state = _epoch(learner, train, valid, settings, executor, state, steps, watch)
            checkpoint.write(state)
            watch.epoch(state.epochs[-1])
    for variable, value in zip(learner.weights, state.best, strict=True):
        variable.assign(value)
    return Tuned(state.epochs, state.steps)


def seconds_per_photo(learner: Learner, train: Photos, settings: Finetune) -> float:
    """Return how long learning from a photo takes here, from a few steps that are then undone."""
    before = learner.values
    with ThreadPoolExecutor(hardware.cores()) as executor:
        batches = train.epoch(
            executor, settings.augment, batch=settings.batch_size, seed=settings.seed, epoch=0
        )
        batch = next(batches)
    learner.step(batch, 0.0)
    start = time.perf_counter()
    for _ in range(TIMED_STEPS):
        learner.step(batch, 0.0)
    seconds = time.perf_counter() - start
    learner.values = before
    return seconds / (TIMED_STEPS * len(batch.labels))


def _epoch(
    learner: Learner,
    train: Photos,
    valid: Photos,
    settings: Finetune,
    executor: Any,
    state: State,
    steps: int,
    watch: Watch,
) -> State:
    number = len(state.epochs)
    losses, loss, accuracy = [], 0.0, 0.0
    batches = train.epoch(
        executor, settings.augment, batch=settings.batch_size, seed=settings.seed, epoch=number
    )
    for index, batch in enumerate(batches):
        rate = schedule.rate((number - 1) * steps + index, settings, steps=steps)
        step = learner.step(batch, rate)
        losses.append(step.loss)
        watch.step(step.loss)
        loss += step.loss * batch.count / len(train)
        accuracy += step.accuracy * batch.count / len(train)
        watch.photos(batch.count)
    measured = learner.measure(valid.in_order(batch=settings.batch_size))
    done = TunedEpoch(number, loss, accuracy, measured.loss, measured.accuracy)
    epochs = [*state.epochs, done]
    best = _weights(learner) if history.best(epochs) is done else state.best
    return State(learner.values, best, epochs, [*state.steps, *losses])


def _finished(epochs: list[TunedEpoch], settings: Finetune) -> bool:
    last = epochs[-1].epoch
    if settings.patience is not None and last - history.best(epochs).epoch >= settings.patience:
        return True
    return last == settings.epochs


def _weights(learner: Learner) -> list[Any]:
    return [variable.numpy() for variable in learner.weights]
