"""data/tuning/T and training photos' pixels in, reports/T/tuning.* and augmentation.png out.

A stage of its own so that a changed figure tunes nothing again.
"""

import shutil

from transfer_learning.backbones.artifact import BackboneInfo
from transfer_learning.config import params, paths
from transfer_learning.finetuning import history
from transfer_learning.finetuning.photos import Photos
from transfer_learning.photos import dataset, records
from transfer_learning.reports import augmentation_grid
from transfer_learning.reports.charts import tuning as chart
from transfer_learning.runtime import cli, files

FILES = ("tuning.csv", "tuning.png", "augmentation.png")


def main() -> None:
    name = cli.item()
    settings = params.load().finetuned[name]
    reports = paths.reports(name)
    reports.mkdir(parents=True, exist_ok=True)
    table = paths.tuning(name) / "tuning.csv"
    shutil.copyfile(table, reports / "tuning.csv")
    info = dataset.DatasetInfo.read()
    note = " (synthetic photos)" * info.synthetic
    epochs, kept = history.read(table)
    chart.draw(reports / "tuning.png", epochs, kept=kept.epoch, title=f"{name}: tuning{note}")
    resolution = BackboneInfo.read(paths.backbone(name)).resolution
    photos = Photos(records.shards(paths.tfrecords(resolution), "train"), resolution)
    rows: dict[int, int] = {}
    # One of each class, as far as they go.
    for number, place in enumerate(photos.places):
        rows.setdefault(place.label, number)
    shown = [rows[label] for label in sorted(rows)][: augmentation_grid.ROWS]
    augmentation_grid.draw(
        reports / "augmentation.png",
        {
            f"{info.classes[photos.places[number].label]}: {photos.places[number].id}": [
                photos.augmented(number, settings.augment, seed=settings.seed, epoch=epoch)
                for epoch in range(1, augmentation_grid.COLUMNS + 1)
            ]
            for number in shown
        },
        title=f"{name}: training photos as the first {augmentation_grid.COLUMNS} epochs see "
        f"them{note}",
    )
    digests = {path: files.sha256(reports / path) for path in FILES}
    files.write_json(paths.tuning_digests(name), digests)
    print(f"plot_tuning@{name}: tuning.png, augmentation.png")


if __name__ == "__main__":
    cli.run(main)
