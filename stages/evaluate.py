"""data/models/B and data/features/B in, the metrics, class scores and predictions in reports/B out.

And the chapter's page, which shows the same head on the same photos step by step.

A stage of its own so that a new metric retrains nothing.
"""

from transfer_learning.backbones.artifact import BackboneInfo
from transfer_learning.config import params, paths
from transfer_learning.evaluation import evaluate, predictions
from transfer_learning.features.features import Features
from transfer_learning.heads import history, strengths
from transfer_learning.heads.head import Head
from transfer_learning.photos import dataset
from transfer_learning.reports import chapter_page
from transfer_learning.runtime import cli, files


def main() -> None:
    settings = params.load()
    name = cli.item(settings.competitors)
    features, reports = paths.features(name), paths.reports(name)
    test, valid = (Features.read(features / f"{split}.npz") for split in ("test", "valid"))
    head = Head.read(paths.model(name))
    path = strengths.read(paths.model(name) / "path.csv")
    refitted = settings.train.refits(name)
    validated = Head.read(paths.validated_model(name)) if refitted else None
    result = evaluate.evaluate(head, test, valid, validated=validated)
    result.metrics.write(reports / "metrics.json")
    strengths.write(reports / "path.csv", path)
    predictions.write_class_scores(reports / "per_class.csv", result.per_class)
    predictions.write_predictions(
        reports / "predictions.csv", result.predictions, head.classes.tolist()
    )
    page = chapter_page.page(
        name,
        data=dataset.DatasetInfo.read(),
        backbone=BackboneInfo.read(paths.backbone(name)),
        head=head,
        test=test,
        history=history.read(reports / "history.csv"),
        strengths=path,
        preprocess=settings.preprocess,
        train=settings.train,
    )
    files.write_text(reports / "chapter.md", page)
    metrics = result.metrics
    print(
        f"evaluate@{name}: test accuracy {metrics.accuracy:.4f} ({metrics.right} of "
        f"{metrics.photos}; 95 % {metrics.accuracy_low:.3f} to {metrics.accuracy_high:.3f}), "
        f"macro-F1 {metrics.macro_f1:.4f}"
    )


if __name__ == "__main__":
    cli.run(main)
