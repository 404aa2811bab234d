"""data/models/B and data/features/B in, the metrics, class scores and predictions in reports/B out.

And the chapter's page, which shows the same head on the same photos step by step.

A stage of its own so that a new metric retrains nothing.
"""

import sys
from pathlib import Path

from transfer_learning import chapter, dataset, evaluation, packages, params, stage, tables
from transfer_learning.features import Features
from transfer_learning.head import Head


def main() -> None:
    settings = params.load()
    name = sys.argv[1]
    features, reports = Path("data/features") / name, Path("reports") / name
    test, valid = (Features.read(features / f"{split}.npz") for split in ("test", "valid"))
    head = Head.read(Path("data/models") / name)
    result = evaluation.evaluate(head, test, valid)
    result.metrics.write(reports / "metrics.json")
    tables.write_class_scores(reports / "per_class.csv", result.per_class)
    tables.write_predictions(reports / "predictions.csv", result.predictions, head.classes.tolist())
    page = chapter.page(
        name,
        data=dataset.DatasetInfo.read(),
        backbone=packages.BackboneInfo.read(Path("data/backbones") / name),
        head=head,
        test=test,
        history=tables.read_columns(reports / "history.csv"),
        preprocess=settings.preprocess,
        train=settings.train,
    )
    stage.write_text(reports / "chapter.md", page)
    metrics = result.metrics
    print(
        f"evaluate@{name}: test accuracy {metrics.accuracy:.4f} ({metrics.right} of "
        f"{metrics.photos}; 95 % {metrics.accuracy_low:.3f} to {metrics.accuracy_high:.3f}), "
        f"macro-F1 {metrics.macro_f1:.4f}"
    )


if __name__ == "__main__":
    stage.run(main)
