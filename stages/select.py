"""reports/comparison.json and data/models in; the selected one's metrics and head out.

A stage of its own because ``dvc metrics diff`` compares two revisions of one path: with
``selected`` changed in an experiment, reports/metrics.json tells the two backbones apart.
data/selected has its head and its name under one path, whichever it is.
"""

from transfer_learning.config import params, paths
from transfer_learning.config.paths import REPORTS
from transfer_learning.evaluation import choice
from transfer_learning.evaluation.comparison import Comparison
from transfer_learning.heads.head import Head
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
    comparison = Comparison.read(REPORTS / "comparison.json")
    selected = choice.choose(params.load().selected, comparison)
    metrics = comparison.backbones[selected.name].metrics
    Head.read(paths.model(selected.name)).write(paths.SELECTED)
    files.write_json(paths.SELECTED / "selected.json", selected)
    files.write_json(REPORTS / "metrics.json", {key: metrics.as_dict()[key] for key in SHOWN})
    print(f"select: {selected.name}, test accuracy {metrics.accuracy:.4f}. {selected.reason}")


if __name__ == "__main__":
    cli.run(main)
