"""Every backbone's reports in, reports/comparison.* and the figures across backbones out.

A stage of its own because it alone looks at all backbones.  Since dvc.yaml cannot list one
dependency per backbone, it depends on data/figures, the digests of what it reads in reports/B.
"""

from transfer_learning.backbones.artifact import BackboneInfo
from transfer_learning.config import params, paths
from transfer_learning.config.paths import REPORTS
from transfer_learning.evaluation import comparison, significance
from transfer_learning.evaluation.comparison import Competitor
from transfer_learning.evaluation.metrics import Metrics
from transfer_learning.evaluation.predictions import read_class_scores, read_predictions
from transfer_learning.features.extraction import ExtractionInfo
from transfer_learning.photos import dataset, thumbnails
from transfer_learning.reports import comparison_page, photo_grids
from transfer_learning.reports.charts import across
from transfer_learning.runtime import cli, csv_files, files, timings


def main() -> None:
    settings = params.load()
    names = settings.competitors
    backbones = {
        name: Competitor.of(
            BackboneInfo.read(paths.backbone(name)),
            ExtractionInfo.read(paths.features(name)),
            Metrics.read(paths.reports(name) / "metrics.json"),
            read_class_scores(paths.reports(name) / "per_class.csv"),
            head=settings.train.head_of(name) + ", refitted" * settings.train.refits(name),
        )
        for name in names
    }
    predictions = {
        name: read_predictions(paths.reports(name) / "predictions.csv") for name in names
    }
    info = dataset.Summary.read()
    result = comparison.compare(
        backbones,
        significance.compare(predictions),
        synthetic=info.synthetic,
        tuned_from=settings.tuned_from,
    )

    result.write(REPORTS / "comparison.json")
    files.write_json(REPORTS / "backbones.json", result.headline_metrics())
    files.write_text(REPORTS / "comparison.md", comparison_page.page(result, settings.tuned_from))
    csv_files.stack(
        REPORTS / "curves.csv",
        {name: paths.reports(name) / "history.csv" for name in names},
        "backbone",
    )
    note = " (synthetic photos)" * info.synthetic
    across.comparison(
        REPORTS / "comparison.png",
        names,
        accuracy=[item.metrics.accuracy for item in backbones.values()],
        intervals=[item.accuracy_95 for item in backbones.values()],
        multiply_adds=[item.multiply_adds for item in backbones.values()],
        title=f"Test accuracy with its 95 % interval, and cost{note}",
    )
    across.per_class(
        REPORTS / "per_class.png",
        {name: item.per_class for name, item in backbones.items()},
        title=f"F1 by class{note}",
    )
    across.abstain(
        REPORTS / "abstain.png",
        predictions,
        title=f"Accuracy when the least confident predictions are set aside{note}",
    )
    photo_grids.disagreements(
        REPORTS / "disagreements.png",
        predictions,
        thumbnails.read(),
        title=f"Test photos that the backbones predict differently{note}",
    )
    print(f"compare: {result.verdict}")
    took = timings.seconds()
    for tuned in settings.tuned_from:
        if f"finetune@{tuned}" in took:
            minutes = took[f"finetune@{tuned}"] / 60
            print(f"compare: {tuned} took {minutes:.1f} minutes to tune here (reports/timings.md)")


if __name__ == "__main__":
    cli.run(main)
