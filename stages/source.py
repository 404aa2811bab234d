"""params.yaml in, data/inputs/source.txt out: the name of the source of photos.

A stage of its own, in data/inputs/dvc.yaml and before fetch, because fetch depends on
data/inputs/SOURCE.json: DVC would say of a source that nobody knows only that this file is missing.
"""

from transfer_learning.config import params, paths
from transfer_learning.runtime import cli, files


def main() -> None:
    files.write_text(paths.SOURCE_NAME, params.load().dataset.source + "\n")


if __name__ == "__main__":
    cli.run(main)
