"""reports/comparison.json in, reports/metrics.json out: the selected backbone's metrics.

A stage of its own because ``dvc metrics diff`` compares two revisions of one path: with
``selected`` changed in an experiment, this path tells the two backbones apart.
"""

import json
from pathlib import Path

from transfer_learning import params, stage


def main() -> None:
    selected = params.load().selected
    compared = json.loads(Path("reports/comparison.json").read_text(encoding="utf-8"))
    metrics = compared["backbones"][selected]["metrics"]
    stage.write_json(Path("reports/metrics.json"), metrics)
    print(f"select: {selected}, test accuracy {metrics['accuracy']:.4f}")


if __name__ == "__main__":
    stage.run(main)
