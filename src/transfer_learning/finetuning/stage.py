"""What the stage ``finetune`` does: a backbone's artifact in, a tuned one out."""

from __future__ import annotations

import dataclasses
import tempfile
from dataclasses import dataclass
from pathlib import Path

from transfer_learning.backbones import artifact, openvino_network
from transfer_learning.backbones.artifact import SAVED_MODEL, BackboneInfo
from transfer_learning.config.finetuning import Finetune
from transfer_learning.features import tensorflow_engine
from transfer_learning.finetuning import checkpoint, tuning
from transfer_learning.finetuning.history import TunedEpoch
from transfer_learning.finetuning.learner import Learner
from transfer_learning.finetuning.photos import Photos
from transfer_learning.finetuning.tunable import Tunable, open_tunable
from transfer_learning.finetuning.tuning import Watch
from transfer_learning.heads.head import Head
from transfer_learning.photos import records
from transfer_learning.runtime import files, hardware, nvidia
from transfer_learning.runtime.tensorflow_quiet import tf


@dataclass(frozen=True)
class Start:
    """What a tuning starts from: folders of a backbone, of its trained head, and of pixels."""

    backbone: Path
    head: Path
    tfrecords: Path


class Tuning:
    """One entry of ``finetuned``, ready to run on this machine: all that can be wrong is known."""

    def __init__(self, name: str, settings: Finetune, start: Start, *, checkpoints: Path) -> None:
        """Load the network and the head, and look at every photo once.

        Args:
            name: the entry's.
            settings: the entry.
            start: the folders.
            checkpoints: a folder for this entry's checkpoint alone.

        Raises:
            UserError: the network cannot be tuned, or a file is damaged.
        """
        self._name, self._settings = name, settings
        self._source = BackboneInfo.read(start.backbone)
        self.device = _device()
        tf.config.experimental.enable_op_determinism()
        self.precision = _precision(settings, self._source, self.device)
        dtype = "bfloat16" if self.precision == "bfloat16" else "float32"
        self._network: Tunable = open_tunable(
            name, start.backbone, self._source, settings, dtype=dtype
        )
        resolution = self._source.resolution
        shards = {split: records.shards(start.tfrecords, split) for split in ("train", "valid")}
        self.train, self._valid = (Photos(paths, resolution) for paths in shards.values())
        self._learner = Learner(
            self._network, Head.read(start.head), settings, resolution=resolution,
            device=self.device,
        )  # fmt: skip
        self._checkpoint = checkpoint.in_folder(
            checkpoints,
            settings.model_dump(by_alias=True)
            | {"device": hardware.describe(), "precision": self.precision},
            [
                *artifact.saved_model_files(start.backbone),
                *artifact.saved_model_files(start.head),
                *(path for paths in shards.values() for path in paths),
            ],
        )
        self._checkpoint.remove_others()

    @property
    def begun(self) -> bool:
        """Whether an interrupted run has left a checkpoint, with which this one goes on."""
        return self._checkpoint.path.exists()

    def forecast(self) -> str:
        """Return, from a few steps that change nothing, how long it will take, and what would less.

        Raises:
            UserError: the device has too little memory for one photo.
        """
        seconds = tuning.seconds_per_photo(self._learner, self.train, self._settings)
        epoch = seconds * len(self.train)
        most = self._settings.epochs
        text = (
            f"an epoch of {len(self.train):,} photos takes about {_duration(epoch)} on "
            f"{self.device} in {self.precision} ({1 / seconds:.0f} photos/s) and a look at "
            f"{len(self._valid):,} validation photos; {most} epochs take {_duration(most * epoch)}"
        )
        return text if self.device.startswith("GPU") else f"{text}\nfaster: {self._network.faster}"

    def run(self, watch: Watch) -> list[TunedEpoch]:
        """Tune, and return the epochs, epoch 0 first."""
        return tuning.tune(
            self._learner,
            self.train,
            self._valid,
            self._settings,
            checkpoint=self._checkpoint,
            watch=watch,
        ).epochs

    def write(self, target: Path) -> BackboneInfo:
        """Leave the tuned backbone's artifact in ``target``, whole or not at all."""
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary) / self._name
            folder.mkdir()
            network = self._network.write(folder)
            (file,) = folder.iterdir()
            info = dataclasses.replace(
                self._source,
                handle=f"{self._settings.source}, tuned ({self._source.handle})",
                network=network,
                sha256=files.sha256(file),
                multiply_adds=0,
                file_bytes=file.stat().st_size,
            )
            counted = openvino_network.multiply_adds(folder, info)
            info = dataclasses.replace(info, multiply_adds=counted)
            info.write(folder)
            artifact.move_artifact(folder, target)
        return info

    def forget(self) -> None:
        """Remove the checkpoint: everything is written."""
        self._checkpoint.remove()


def _device() -> str:
    gpu = nvidia.look()
    if gpu.unused_because:
        print(f"the GPU is not used: {gpu.unused_because}")
    return "GPU:0" if gpu.usable else "CPU:0"


def _precision(settings: Finetune, info: BackboneInfo, device: str) -> str:
    """Return in which arithmetic it will be computed, and say it where it is not the one asked."""
    tf.config.experimental.enable_tensor_float_32_execution(False)
    if settings.precision == "float32":
        return "float32"
    if reason := tensorflow_engine.without_bfloat16(on_gpu=device.startswith("GPU")):
        print(f"{reason}: it is tuned in float32")
        return "float32"
    if info.network == SAVED_MODEL:
        # Its graph fixes its own types.
        tf.config.experimental.enable_tensor_float_32_execution(True)
        return "tensorfloat32"
    return "bfloat16"


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} minutes"
