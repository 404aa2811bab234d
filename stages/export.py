"""The selected head and its backbones in, data/export out: a classifier that works by itself.

A stage in a dvc.yaml of its own (data/outputs/dvc.yaml), because it takes longer than everything
that a changed head reruns: ``make export`` runs it, and plain ``dvc repro`` does not.
"""

from transfer_learning.config import params, paths
from transfer_learning.export import gathering, openvino_format
from transfer_learning.runtime import cli


def main() -> None:
    settings = params.load()
    gathered = gathering.gather(settings)
    folder = paths.EXPORT
    gathered.parts.head.write(folder)
    openvino_format.write(gathered.parts, folder)
    gathering.manifest(gathered, folder).write(folder)
    print(f"export: {gathered.name} in {folder}")


if __name__ == "__main__":
    cli.run(main)
