"""reports/comparison.json in, reports/metrics.json out: the selected backbone's main metrics.

A stage of its own because ``dvc metrics diff`` compares two revisions of one path: with
``selected`` changed in an experiment, this path tells the two backbones apart.
"""

from transfer_learning.config import params
from transfer_learning.config.paths import REPORTS
from transfer_learning.evaluation.comparison import Comparison
from transfer_learning.runtime import cli, files

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
    metrics = Comparison.read(REPORTS / "comparison.json").backbones[selected].metrics
    files.write_json(REPORTS / "metrics.json", {key: metrics.as_dict()[key] for key in SHOWN})
    print(f"select: {selected}, test accuracy {metrics.accuracy:.4f}")


if __name__ == "__main__":
    cli.run(main)
