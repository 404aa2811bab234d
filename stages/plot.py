"""The tables of reports/B and thumbnails in, reports/B/*.png out.

A stage of its own so that a changed figure measures nothing again.  It is the last that writes to
reports/B, so it notes the digests of what stands there in data/figures/B.json: `compare` and
`report`, which read every backbone's reports, depend on that folder, since dvc.yaml cannot list
one dependency per backbone.
"""

import numpy as np

from transfer_learning.config import params, paths
from transfer_learning.evaluation import calibration
from transfer_learning.evaluation.metrics import Metrics
from transfer_learning.evaluation.predictions import read_predictions
from transfer_learning.heads import history, strengths
from transfer_learning.photos import dataset, thumbnails
from transfer_learning.reports import photo_grids
from transfer_learning.reports.charts import backbone as charts
from transfer_learning.reports.charts import confusion
from transfer_learning.runtime import cli, files

TABLES = ("history.csv", "path.csv", "metrics.json", "per_class.csv", "predictions.csv")
FIGURES = ("curves.png", "predictions.png", "confusion.png", "reliability.png", "most_wrong.png")


def main() -> None:
    name = cli.item(params.load().competitors)
    folder = paths.reports(name)
    info = dataset.DatasetInfo.read()
    note = " (synthetic photos)" * info.synthetic
    metrics = Metrics.read(folder / "metrics.json")
    predictions = read_predictions(folder / "predictions.csv")
    by_id = {item.id: item for item in predictions}
    shown = [by_id[photo.id] for photo in info.photos.of_split("test")[: photo_grids.GRID]]
    photos = thumbnails.read()
    probabilities = np.array([item.probabilities for item in predictions])
    correct = np.array([item.correct for item in predictions])
    temperature = metrics.temperature
    fitted = calibration.temperature_text(temperature)
    cooled = calibration.apply_temperature(probabilities, temperature)

    epochs, path = history.read(folder / "history.csv"), strengths.read(folder / "path.csv")
    title = f"{name}: training and validation{note}"
    if path:
        charts.strength_path(folder / "curves.png", path, title=title)
    else:
        charts.curves(folder / "curves.png", epochs, title=title)
    photo_grids.prediction_grid(
        folder / "predictions.png",
        shown,
        photos,
        title=f"{name}: predictions on the test set, predicted (actual) where wrong{note}",
    )
    confusion.draw(
        folder / "confusion.png",
        predictions,
        info.classes,
        title=f"{name}: test photos, and % of each true class{note}",
    )
    charts.reliability(
        folder / "reliability.png",
        {
            f"as trained, ECE {metrics.ece:.3f}": calibration.reliability_bins(
                probabilities.max(axis=1), correct
            ),
            f"temperature {fitted}, ECE {metrics.ece_calibrated:.3f}": (
                calibration.reliability_bins(cooled.max(axis=1), correct)
            ),
        },
        title=f"{name}: is it as often right as it is confident?{note}",
    )
    photo_grids.most_wrong(
        folder / "most_wrong.png",
        predictions,
        photos,
        title=f"{name}: most confident mistakes{note}",
    )
    digests = {file: files.sha256(folder / file) for file in (*TABLES, *FIGURES)}
    files.write_json(paths.figure_digests(name), digests)
    print(f"plot@{name}: {', '.join(FIGURES)}")


if __name__ == "__main__":
    cli.run(main)
