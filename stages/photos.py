"""A folder of photos in, data/inputs/folder.json out: each file's path and md5.

A stage of its own, in data/inputs/dvc.yaml, because a stage of dvc.yaml cannot depend on a folder
only when ``dataset.source`` is ``folder``: fetch depends on data/inputs/SOURCE.json instead, so
the user's folder is looked at when it is the chosen source and not otherwise.
"""

from pathlib import Path

from transfer_learning import params, stage
from transfer_learning.sources import registry


def main() -> None:
    settings = params.load().dataset.folder
    stage.write_text(Path("data/inputs/folder.json"), registry.manifest(Path(settings.path)))


if __name__ == "__main__":
    stage.run(main)
