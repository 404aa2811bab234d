"""data/features in, reports/learning_curve.* out: how many photos it takes.

A stage of its own because it needs many heads: they are logistic, whatever ``train`` says, so that
a changed head does not rerun it, and it needs no TensorFlow.
"""

from transfer_learning.config import params, paths
from transfer_learning.config.paths import REPORTS
from transfer_learning.evaluation import learning_curve
from transfer_learning.features.features import Features
from transfer_learning.photos import dataset
from transfer_learning.reports import learning_curve_page
from transfer_learning.reports.charts import photos_needed
from transfer_learning.runtime import cli, csv_files, files, progress, timings


def main() -> None:
    # A tuned backbone has seen all training photos: what it makes of fewer says nothing.
    names = params.load().frozen
    info = dataset.Summary.read()
    note = " (synthetic photos)" * info.synthetic
    total = len(names) * learning_curve.heads()
    curves = {}
    with (
        timings.timed("learning_curve"),
        progress.progress_bar(total=total, what="learning_curve", unit="head") as bar,
    ):
        for name in names:
            train, valid, test = (
                Features.read(paths.features(name) / f"{split}.npz") for split in dataset.SPLITS
            )
            if curve := learning_curve.measure(train, valid, test, done=bar.update):
                curves[name] = curve
    doublings = {name: learning_curve.double(curve) for name, curve in curves.items()}
    csv_files.write_rows(
        REPORTS / "learning_curve.csv",
        ["competitor", "draw", "photos", "accuracy"],
        (
            [name, draw + 1, int(photos), float(accuracy)]
            for name, curve in curves.items()
            for draw, accuracies in enumerate(curve.accuracies)
            for photos, accuracy in zip(curve.photos, accuracies, strict=True)
        ),
        decimals=csv_files.METRIC_DECIMALS,
    )
    page = learning_curve_page.page(
        curves, doublings, synthetic=info.synthetic, training=info.splits["train"].counted
    )
    files.write_text(REPORTS / "learning_curve.md", page)
    photos_needed.draw(
        REPORTS / "learning_curve.png",
        curves,
        doublings,
        title=f"Test accuracy by number of training photos{note}",
    )
    for name, doubling in doublings.items():
        print(f"learning_curve: {learning_curve_page.sentence(name, curves[name], doubling)}")


if __name__ == "__main__":
    cli.run(main)
