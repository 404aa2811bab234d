"""data/tfrecords/R and data/backbones/B in, data/features/B out: a feature vector per photo.

A stage of its own because the backbone is frozen: each photo goes through it once, and a changed
head retrains from these files in seconds.
"""

import sys
from pathlib import Path

from transfer_learning import backbones, dataset, extraction, packages, params, stage


def main() -> None:
    params.load()
    name = sys.argv[1]
    folder = Path("data/backbones") / name
    resolution = packages.BackboneInfo.read(folder).resolution
    info = dataset.DatasetInfo.read()
    photos = len(info.photos)
    with stage.timed(f"extract@{name}", photos=photos):
        extractor = backbones.load(folder)
        bar = stage.progress_bar(total=photos, what=f"extract@{name}")
        for split in dataset.SPLITS:
            batches = []
            path = Path(f"data/tfrecords/{resolution}/{split}.tfrecord")
            for batch in extraction.extract(
                path, extractor, resolution=resolution, classes=info.classes
            ):
                batches.append(batch)
                bar.update(len(batch.labels))
            features = extraction.joined(batches)
            features.write(Path(f"data/features/{name}/{split}.npz"))
        bar.close()
    print(f"extract@{name}: {photos} photos, {features.features.shape[1]} features each")


if __name__ == "__main__":
    stage.run(main)
