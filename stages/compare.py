"""Every backbone's features and head in, reports/comparison.json and comparison.md out.

A stage of its own because it alone looks at all backbones.  It depends on data/features and
data/models as a whole, since dvc.yaml cannot list one dependency per backbone.
"""

from pathlib import Path

from transfer_learning import comparison, dataset, evaluation, packages, params, stage


def main() -> None:
    rows = [
        comparison.Row(
            name,
            packages.BackboneInfo.read(Path("data/backbones") / name),
            evaluation.evaluate(name).metrics,
        )
        for name in params.load().backbones
    ]
    synthetic = dataset.DatasetInfo.read().synthetic
    stage.write_json(Path("reports/comparison.json"), comparison.as_json(rows, synthetic=synthetic))
    stage.write_text(
        Path("reports/comparison.md"), comparison.as_markdown(rows, synthetic=synthetic)
    )
    best = max(rows, key=lambda row: row.metrics.accuracy)
    print(
        f"compare: {len(rows)} backbones, best test accuracy {best.metrics.accuracy:.4f} "
        f"({best.name})"
    )


if __name__ == "__main__":
    stage.run(main)
