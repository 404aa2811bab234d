"""``data/checkpoints/T/KEY.npz``: a tuning after each epoch, for a run that goes on with it.

It lies outside DVC's outputs, which DVC removes before it runs a stage. Its name is a digest of all
that the result depends on, so one of other photos, parameters, code or another machine is never
used, and removed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from transfer_learning.finetuning.history import TunedEpoch
from transfer_learning.runtime import files, npz
from transfer_learning.runtime.errors import UserError

LIBRARY = Path(__file__).parents[1]


@dataclass(frozen=True)
class State:
    """A tuning after some epochs.

    ``values`` are the arrays of what changes (weights, and the optimizer's), ``best`` those of the
    weights alone after the epoch that is the best so far; ``epochs`` begins with epoch 0; ``steps``
    holds the loss of each step.
    """

    values: list[np.ndarray]
    best: list[np.ndarray]
    epochs: list[TunedEpoch]
    steps: list[float]


@dataclass(frozen=True)
class Checkpoint:
    """Where one tuning's state is kept between epochs."""

    path: Path

    def write(self, state: State) -> None:
        """Replace what is there, whole or not at all, even where the machine itself fails."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_suffix(".part")
        epochs = [files.plain(epoch) for epoch in state.epochs]
        npz.write(
            temporary,
            **{f"value_{index}": value for index, value in enumerate(state.values)},
            **{f"best_{index}": value for index, value in enumerate(state.best)},
            epochs=np.array(json.dumps(epochs)),
            steps=np.array(state.steps, np.float64),
        )
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(self.path)

    def read(self) -> State | None:
        """Return what ``write`` wrote; None where there is nothing, or it is damaged."""
        try:
            arrays = npz.read_all(self.path)
        except (FileNotFoundError, UserError):
            return None
        return State(
            values=_numbered(arrays, "value"),
            best=_numbered(arrays, "best"),
            epochs=[TunedEpoch(**epoch) for epoch in json.loads(str(arrays["epochs"]))],
            steps=arrays["steps"].tolist(),
        )

    def remove_others(self) -> None:
        """Remove what earlier runs of this tuning with other inputs have left."""
        for path in self.path.parent.glob("*"):
            if path != self.path:
                path.unlink()

    def remove(self) -> None:
        """Remove it: the tuning is done."""
        shutil.rmtree(self.path.parent, ignore_errors=True)


def digest(facts: Mapping[str, object], paths: Iterable[Path]) -> str:
    """Return one digest of the facts, the files' bytes, and the library's own code.

    Args:
        facts: plain values.
        paths: of files.
    """
    whole = hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode())
    for path in [*paths, *sorted(LIBRARY.rglob("*.py"))]:
        whole.update(files.sha256(path).encode())
    return whole.hexdigest()


def _numbered(arrays: Mapping[str, np.ndarray], name: str) -> list[np.ndarray]:
    count = sum(key.startswith(f"{name}_") for key in arrays)
    return [arrays[f"{name}_{index}"] for index in range(count)]


def in_folder(folder: Path, facts: Mapping[str, object], paths: Sequence[Path]) -> Checkpoint:
    """Return the checkpoint of a tuning that depends on these facts and files."""
    return Checkpoint(folder / f"{digest(facts, paths)[:32]}.npz")
