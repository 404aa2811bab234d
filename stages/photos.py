"""A folder of photos in, data/inputs/folder.json out: each file's path and md5.

A stage of its own, in data/inputs/dvc.yaml, because a stage of dvc.yaml cannot depend on a folder
only when ``dataset.source`` is ``folder``: fetch depends on data/inputs/SOURCE.json instead, so
the user's folder is looked at when it is the chosen source and not otherwise.  Looked at by this
stage, each time, and not by DVC as a dependency: one dead link, pipe or odd name would stop DVC.
"""

from transfer_learning.config import params, paths
from transfer_learning.runtime import cli, files
from transfer_learning.sources import folder


def main() -> None:
    settings = params.load().dataset.folder
    files.write_text(paths.FOLDER_MANIFEST, folder.manifest(settings))


if __name__ == "__main__":
    cli.run(main)
