"""What tuning gains, over seeds: validation and test accuracy of logistic heads, and minutes.

python -m benchmarks.tuned_seeds CLONE reads a built clone's photos, network and features, fits the
frozen backbone's logistic head, tunes from it with each seed, and fits a logistic head on each
tuned backbone's features, as the pipeline does with ``train: {head: logistic}``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

from transfer_learning.backbones.artifact import BackboneInfo
from transfer_learning.config.finetuning import Finetune
from transfer_learning.features.features import Features
from transfer_learning.features.openvino_engine import OpenVino
from transfer_learning.finetuning import history
from transfer_learning.finetuning.stage import Start, Tuning
from transfer_learning.finetuning.tuning import Watch
from transfer_learning.heads import logistic
from transfer_learning.heads.head import Head
from transfer_learning.photos import records
from transfer_learning.photos.dataset import SPLITS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clone", type=Path, help="a built clone of the project")
    parser.add_argument("--backbone", default="mobilenet_v2")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--keys", default="{}", help="of the entry of finetuned, as JSON")
    options = parser.parse_args()
    data, name = options.clone / "data", options.backbone
    resolution = BackboneInfo.read(data / "backbones" / name).resolution
    pixels = data / "tfrecords" / str(resolution)
    frozen = {split: Features.read(data / "features" / name / f"{split}.npz") for split in SPLITS}
    classes = frozen["train"].classes.tolist()
    start = _measure(frozen)
    print(f"frozen {name}: validation {start[1]:.3f}, test {start[2]:.3f}", flush=True)
    gains, minutes = [], []
    for seed in range(options.first, options.first + options.seeds):
        settings = Finetune.model_validate({"from": name, "seed": seed} | json.loads(options.keys))
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            start[0].write(folder / "head")
            begin = Start(data / "backbones" / name, folder / "head", pixels)
            began = time.perf_counter()
            tuning = Tuning("tuned", settings, begin, checkpoints=folder / "checkpoints")
            epochs = tuning.run(Watch(epoch=lambda epoch: print(f"  {epoch}", flush=True)))
            tuning.write(folder / "tuned")
            minutes.append((time.perf_counter() - began) / 60)
            engine = OpenVino(folder / "tuned")
            tuned = {
                split: engine.extract(records.shards(pixels, split), classes, lambda _: None)
                for split in SPLITS
            }
        _, valid, test = _measure(tuned)
        gains.append(valid - start[1])
        print(
            f"seed {seed}: epoch {history.best(epochs).epoch} of {len(epochs) - 1} kept; "
            f"validation {valid:.3f}, test {test:.3f}; {minutes[-1]:.1f} minutes",
            flush=True,
        )
    print(
        f"{len(gains)} seeds: validation {100 * statistics.mean(gains):+.1f} points on average "
        f"({', '.join(f'{100 * gain:+.1f}' for gain in gains)}), at most {max(minutes):.1f} minutes"
    )


def _measure(features: dict[str, Features]) -> tuple[Head, float, float]:
    """Return the logistic head, and its accuracy on the validation and the test photos."""
    head = logistic.fit(features["train"], features["valid"], strength=None, refit=False).head
    valid, test = (
        float((head.logits(item.features).argmax(axis=1) == item.labels).mean())
        for item in (features["valid"], features["test"])
    )
    return head, valid, test


if __name__ == "__main__":
    main()
