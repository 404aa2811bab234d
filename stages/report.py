"""The data summary, the comparison and the parameters in, reports/summary.md out.

A stage of its own because it is for reading: nothing depends on it.
"""

import json
from pathlib import Path

from transfer_learning import dataset, params, report, stage


def main() -> None:
    compared = json.loads(Path("reports/comparison.json").read_text(encoding="utf-8"))
    page = report.summary(params.load(), dataset.DatasetInfo.read(), compared)
    stage.write_text(Path("reports/summary.md"), page)
    print("report: reports/summary.md")


if __name__ == "__main__":
    stage.run(main)
