"""data/features of the members in, data/features/J and data/backbones/J out: joined backbones.

A stage of its own so that a joined competitor's head is trained like any other's.  Since dvc.yaml
cannot list one dependency per member, it depends on data/extracted, the digests of every backbone's
features: another backbone's rerun it, but not what comes after it.
"""

from transfer_learning.backbones.artifact import BackboneInfo
from transfer_learning.config import params, paths
from transfer_learning.features import joining
from transfer_learning.features.extraction import ExtractionInfo
from transfer_learning.features.features import Features
from transfer_learning.photos import dataset
from transfer_learning.runtime import cli


def main() -> None:
    joined = params.load().joined
    name = cli.item(joined)
    members = joined[name]
    for split in dataset.SPLITS:
        file = f"{split}.npz"
        features = joining.features(
            {member: Features.read(paths.features(member) / file) for member in members}
        )
        features.write(paths.features(name) / file)
    infos = [ExtractionInfo.read(paths.features(member)) for member in members]
    joining.extraction(infos).write(paths.features(name))
    backbones = [BackboneInfo.read(paths.backbone(member)) for member in members]
    joining.backbone(backbones).write(paths.backbone(name))
    print(f"join@{name}: {features.features.shape[1]} features of {' and '.join(members)}")


if __name__ == "__main__":
    cli.run(main)
