"""data/tfrecords/R and data/backbones/B in, data/features/B out: a feature vector per photo.

A stage of its own because the backbone is frozen: each photo goes through it once, and a changed
head retrains from these files in seconds.
"""

import sys
from pathlib import Path

from transfer_learning import dataset, engines, packages, params, records, stage
from transfer_learning.extraction import ExtractionInfo


def main() -> None:
    settings = params.load().extract
    name = sys.argv[1]
    backbone, target = Path("data/backbones") / name, Path("data/features") / name
    resolution = packages.BackboneInfo.read(backbone).resolution
    info = dataset.DatasetInfo.read()
    photos = len(info.photos)
    with stage.timed(f"extract@{name}", photos=photos):
        engine = engines.open_engine(backbone, settings.precision)
        with stage.progress_bar(total=photos, what=f"extract@{name}") as bar:
            for split in dataset.SPLITS:
                paths = records.shards(Path(f"data/tfrecords/{resolution}"), split)
                features = engine.extract(paths, info.classes, bar.update)
                features.write(target / f"{split}.npz")
        ExtractionInfo(engine.name, engine.version, engine.precision).write(target)
    print(
        f"extract@{name}: {photos} photos, {features.features.shape[1]} features each, "
        f"{engine.precision} in {engine.name} {engine.version}"
    )


if __name__ == "__main__":
    stage.run(main)
