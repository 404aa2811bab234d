"""data/features/B in; data/models/B out, the trained head, and its curves under reports/B.

A stage of its own because it depends on the parameters under ``train`` and on no photo.
A dense head has epochs: history.csv, and live/ beside the head, DVCLive's curves that grow while it
trains.  A logistic head has strengths: path.csv.  The files of the other kind hold a header alone.
"""

import dataclasses

from transfer_learning.config import params, paths
from transfer_learning.config.params import Train
from transfer_learning.features.features import Features
from transfer_learning.heads import history, strengths
from transfer_learning.heads.history import Epoch
from transfer_learning.heads.strengths import Strength
from transfer_learning.runtime import cli, hardware, timings
from transfer_learning.runtime.progress import progress_bar


def main() -> None:
    parameters = params.load()
    settings, name = parameters.train, cli.item(parameters.competitors)
    folder = paths.features(name)
    train_set, valid_set = (Features.read(folder / f"{split}.npz") for split in ("train", "valid"))
    epochs: list[Epoch] = []
    path: list[Strength] = []
    with timings.timed(f"train@{name}"):
        if settings.head_of(name) == "dense":
            epochs = _train_dense(name, train_set, valid_set, settings)
            done = f"{epochs[-1].val_accuracy:.3f} after {len(epochs)} epochs"
        else:
            path = _fit_logistic(name, train_set, valid_set, settings)
            best = strengths.chosen(path)
            done = f"{best.val_accuracy:.3f} with strength {best.strength:g}, of {len(path)}"
            if settings.refit:
                done += ", before the refit on training and validation photos"
    history.write(paths.reports(name) / "history.csv", epochs)
    # An uncached file among its outputs would keep the stage out of DVC's run cache: evaluate
    # puts it among the reports.
    strengths.write(paths.model(name) / "path.csv", path)
    print(f"train@{name}: validation accuracy {done}")


def _fit_logistic(
    name: str, train_set: Features, valid_set: Features, settings: Train
) -> list[Strength]:
    # Here because a dense head does without scikit-learn.
    from transfer_learning.heads import logistic

    fitted = logistic.fit(train_set, valid_set, strength=settings.strength, refit=settings.refit)
    fitted.head.write(paths.model(name))
    if settings.refit:
        fitted.validated.write(paths.validated_model(name))
    return fitted.path


def _train_dense(
    name: str, train_set: Features, valid_set: Features, settings: Train
) -> list[Epoch]:
    # A head is so small that a GPU's start takes longer (docs/performance.md).
    hardware.hide_gpu()
    # Here because a logistic head does without them.
    from transfer_learning.heads import training
    from transfer_learning.runtime.live import open_live

    live = open_live(paths.model(name) / "live")
    with live, progress_bar(total=settings.epochs, what=f"train@{name}", unit="epoch") as bar:

        def log(epoch: Epoch) -> None:
            for metric, value in dataclasses.asdict(epoch).items():
                if metric != "epoch":
                    split, _, what = metric.rpartition("_")
                    live.log_metric(f"{'eval' if split else 'train'}/{what}", value)
            live.next_step()
            bar.update()

        head, epochs = training.train(train_set, valid_set, settings, log)
    head.write(paths.model(name))
    return epochs


if __name__ == "__main__":
    cli.run(main)
