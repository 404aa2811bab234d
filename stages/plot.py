"""reports/B/history.csv, predictions.csv and the test photos in, reports/B/*.png out.

A stage of its own so that a changed figure measures nothing again.
"""

import sys
from pathlib import Path

from transfer_learning import dataset, figures, params, stage, tables

GRID = 30


def main() -> None:
    params.load()
    name = sys.argv[1]
    folder = Path("reports") / name
    info = dataset.DatasetInfo.read()
    note = " (synthetic photos)" * info.synthetic
    predictions = tables.read_predictions(folder / "predictions.csv")
    by_id = {item.id: item for item in predictions}
    shown = [photo for photo in info.photos if photo.split == "test"][:GRID]

    figures.curves(
        folder / "curves.png",
        tables.read_columns(folder / "history.csv"),
        title=f"{name}: training and validation{note}",
    )
    figures.prediction_grid(
        folder / "predictions.png",
        [dataset.read_photo(photo) for photo in shown],
        [by_id[photo.id] for photo in shown],
        title=f"{name}: predictions on the test set, predicted (actual) where wrong{note}",
    )
    figures.confusion(
        folder / "confusion.png", predictions, info.classes, title=f"{name}: test photos{note}"
    )
    print(f"plot@{name}: curves.png, predictions.png ({len(shown)} photos), confusion.png")


if __name__ == "__main__":
    stage.run(main)
