"""Every backbone's reports in, reports/comparison.* and the figures across backbones out.

A stage of its own because it alone looks at all backbones.  Since dvc.yaml cannot list one
dependency per backbone, it depends on data/figures, the digests of what it reads in reports/B.
"""

from pathlib import Path

from transfer_learning import (
    comparison,
    dataset,
    extraction,
    figures,
    packages,
    paired,
    params,
    photo_grids,
    stage,
    tables,
    thumbnails,
)
from transfer_learning.metrics import Metrics

REPORTS = Path("reports")


def main() -> None:
    names = list(params.load().backbones)
    rows = [
        comparison.Row(
            name,
            packages.BackboneInfo.read(Path("data/backbones") / name),
            extraction.read_info(Path("data/features") / name),
            Metrics.read(REPORTS / name / "metrics.json"),
            tables.read_class_scores(REPORTS / name / "per_class.csv"),
        )
        for name in names
    ]
    predictions = {
        name: tables.read_predictions(REPORTS / name / "predictions.csv") for name in names
    }
    info = dataset.DatasetInfo.read()
    result = comparison.Comparison(rows, paired.compare(predictions), info.synthetic)

    stage.write_json(REPORTS / "comparison.json", result.as_json())
    stage.write_json(REPORTS / "backbones.json", result.headline_metrics())
    stage.write_text(REPORTS / "comparison.md", result.as_markdown())
    tables.stack(
        REPORTS / "curves.csv", {name: REPORTS / name / "history.csv" for name in names}, "backbone"
    )
    note = " (synthetic photos)" * info.synthetic
    figures.comparison(
        REPORTS / "comparison.png",
        names,
        accuracy=[row.metrics.accuracy for row in rows],
        intervals=[(row.metrics.accuracy_low, row.metrics.accuracy_high) for row in rows],
        multiply_adds=[row.backbone.multiply_adds for row in rows],
        title=f"Test accuracy with its 95 % interval, and cost{note}",
    )
    figures.per_class(
        REPORTS / "per_class.png",
        info.classes,
        [score.photos for score in rows[0].per_class],
        {row.name: [score.f1 for score in row.per_class] for row in rows},
        title=f"F1 by class{note}",
    )
    figures.abstain(
        REPORTS / "abstain.png",
        predictions,
        title=f"Accuracy when the least sure predictions are set aside{note}",
    )
    photo_grids.disagreements(
        REPORTS / "disagreements.png",
        predictions,
        thumbnails.read(),
        title=f"Test photos that the backbones predict differently{note}",
    )
    print(f"compare: {result.verdict()}")


if __name__ == "__main__":
    stage.run(main)
