"""reports/comparison.json in, reports/metrics.json out: the selected backbone's main metrics.

A stage of its own because ``dvc metrics diff`` compares two revisions of one path: with
``selected`` changed in an experiment, this path tells the two backbones apart.
"""

import json
from pathlib import Path

from transfer_learning import params, stage

# A column each of `dvc exp show` and a line of `dvc metrics diff`, so only what tells most.
SHOWN = (
    "accuracy",
    "top2_accuracy",
    "macro_f1",
    "log_loss",
    "ece",
    "right",
    "photos",
    "valid_accuracy",
)


def main() -> None:
    selected = params.load().selected
    compared = json.loads(Path("reports/comparison.json").read_text(encoding="utf-8"))
    metrics = compared["backbones"][selected]["metrics"]
    stage.write_json(Path("reports/metrics.json"), {key: metrics[key] for key in SHOWN})
    print(f"select: {selected}, test accuracy {metrics['accuracy']:.4f}")


if __name__ == "__main__":
    stage.run(main)
