"""data/models/B and data/features/B in, reports/B/metrics.json and predictions.csv out.

A stage of its own so that a new metric retrains nothing.
"""

import sys
from pathlib import Path

from transfer_learning import evaluation, params, stage, tables


def main() -> None:
    params.load()
    name = sys.argv[1]
    result = evaluation.evaluate(name)
    stage.write_json(Path(f"reports/{name}/metrics.json"), result.metrics.as_dict())
    tables.write_predictions(
        Path(f"reports/{name}/predictions.csv"), result.predictions, result.classes
    )
    metrics = result.metrics
    print(
        f"evaluate@{name}: test accuracy {metrics.accuracy:.4f} ({metrics.right} of "
        f"{metrics.photos}), macro-F1 {metrics.macro_f1:.4f}"
    )


if __name__ == "__main__":
    stage.run(main)
