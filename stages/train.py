"""data/features/B in; data/models/B out, the trained head, and its curves under reports/B.

A stage of its own because it depends on the parameters under ``train`` and on no photo.
reports/B/live is DVCLive's: its curves grow while the head trains.
"""

from typing import Any

from scmrepo.exceptions import SCMError

from transfer_learning.config import params, paths
from transfer_learning.features.features import Features
from transfer_learning.heads import history
from transfer_learning.runtime import cli, csv_files, hardware, timings
from transfer_learning.runtime.errors import UserError


def main() -> None:
    # A head is so small that a GPU's start takes longer (docs/performance.md).
    hardware.hide_gpu()
    # Its callback imports TensorFlow, which tensorflow_quiet must have done before.
    from dvclive.keras import DVCLiveCallback
    from dvclive.live import Live

    from transfer_learning.heads import training

    class RoundedLive(Live):
        """Keeps as many decimals as history.csv."""

        def log_metric(self, name: str, val: float | str, *options: Any, **named: Any) -> None:
            super().log_metric(
                name, round(float(val), csv_files.METRIC_DECIMALS), *options, **named
            )

    settings = params.load().train
    name = cli.item()
    folder = paths.features(name)
    train_set, valid_set = (Features.read(folder / f"{split}.npz") for split in ("train", "valid"))
    try:
        live = RoundedLive(f"reports/{name}/live", save_dvc_exp=False, dvcyaml=None)
    except SCMError as error:
        raise UserError(
            f"DVCLive cannot read this folder's Git repository: {error}; if it has no commit yet, "
            'run git add -A && git commit -m "start", then dvc repro'
        ) from None
    with timings.timed(f"train@{name}"):
        head, epochs = training.train(
            train_set, valid_set, settings, callbacks=[DVCLiveCallback(live=live)]
        )
    head.write(paths.model(name))
    history.write(paths.reports(name) / "history.csv", epochs)
    print(
        f"train@{name}: validation accuracy {epochs[-1].val_accuracy:.3f} "
        f"after {len(epochs)} epochs"
    )


if __name__ == "__main__":
    cli.run(main)
