"""data/backbones/B, its trained head and its photos' pixels in; data/backbones/T out, tuned.

A stage of its own because it is the only one in which a backbone learns: what it leaves is a
backbone like any other, and all that comes after is the same.  Its curves are in data/tuning/T: in
tuning.csv and, step by step, as DVCLive writes them.  An interrupted run goes on from
data/checkpoints/T, which is no output.
"""

from tqdm import tqdm

from transfer_learning.backbones.artifact import BackboneInfo
from transfer_learning.config import params, paths
from transfer_learning.finetuning import history
from transfer_learning.finetuning.history import TunedEpoch
from transfer_learning.finetuning.stage import Start, Tuning
from transfer_learning.finetuning.tuning import Watch
from transfer_learning.runtime import cli, timings
from transfer_learning.runtime.live import RoundedLive, open_live
from transfer_learning.runtime.progress import progress_bar

INTERRUPTED = "interrupted: run it again, and it goes on after the last whole epoch"


def main() -> None:
    name = cli.item()
    settings = params.load().finetuned[name]
    source = settings.source
    backbone, validated = paths.backbone(source), paths.validated_model(source)
    start = Start(
        backbone=backbone,
        # A refitted head has learnt from the validation photos, which end the tuning.
        head=validated if validated.is_dir() else paths.model(source),
        tfrecords=paths.tfrecords(BackboneInfo.read(backbone).resolution),
    )
    live = open_live(paths.tuning(name) / "live")
    with timings.timed(f"finetune@{name}") as noted:
        tuning = Tuning(name, settings, start, checkpoints=paths.checkpoints(name))
        noted["precision"] = tuning.precision
        if tuning.begun:
            noted["resumed"] = "yes: only the rest was measured"
            print(f"finetune@{name}: goes on where an interrupted run has ended")
        print(f"finetune@{name}: {tuning.forecast()}")
        total = settings.epochs * len(tuning.train)
        with progress_bar(total=total, what=f"finetune@{name}") as bar:
            epochs = tuning.run(_watch(live, bar))
        live.end()
        noted["epochs"] = str(len(epochs) - 1)
        info = tuning.write(paths.backbone(name))
        history.write(paths.tuning(name) / "tuning.csv", epochs)
    tuning.forget()
    kept = history.best(epochs)
    print(
        f"finetune@{name}: epoch {kept.epoch} of {len(epochs) - 1} kept, validation loss "
        f"{epochs[0].val_loss:.3f} → {kept.val_loss:.3f}, accuracy {epochs[0].val_accuracy:.3f} → "
        f"{kept.val_accuracy:.3f}; sha256 {info.sha256[:12]}…"
    )
    if kept.epoch == 0:
        print(f"finetune@{name}: nothing was gained, so it is {source} as it was")


def _watch(live: RoundedLive, bar: tqdm) -> Watch:
    def before(photos: int) -> None:
        # So that they do not count for photos/s.
        bar.initial = photos
        bar.update(photos)

    def step(loss: float) -> None:
        live.log_metric("train/loss", loss)
        live.next_step()

    def epoch(done: TunedEpoch) -> None:
        live.log_metric("valid/loss", done.val_loss)
        live.log_metric("valid/accuracy", done.val_accuracy)

    return Watch(photos=bar.update, before=before, step=step, epoch=epoch)


if __name__ == "__main__":
    cli.run(main, interrupted=INTERRUPTED)
