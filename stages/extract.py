"""data/tfrecords/R and data/backbones/B in, data/features/B out: a feature vector per photo.

A stage of its own because the backbone is frozen: each photo goes through it once, and a changed
head retrains from these files in seconds.  `join` depends on the digests in data/extracted.
"""

from transfer_learning.backbones.artifact import BackboneInfo
from transfer_learning.config import params, paths
from transfer_learning.features.engine import open_engine
from transfer_learning.features.extraction import ExtractionInfo
from transfer_learning.photos import dataset, records
from transfer_learning.runtime import cli, files, nvidia, progress, timings

REMEDY = (
    "its weights may be damaged, its normalisation may be wrong, or numbers grow too large for "
    "extract.precision (float32 is the safest); correct params.yaml or choose another backbone"
)


def main() -> None:
    settings = params.load()
    name = cli.item()
    section = "finetuned" if name in settings.finetuned else "backbones"
    backbone, target = paths.backbone(name), paths.features(name)
    network = BackboneInfo.read(backbone)
    info = dataset.DatasetInfo.read()
    photos = len(info.photos)
    with timings.timed(f"extract@{name}", photos=photos) as device:
        engine = open_engine(backbone, settings.extract.precision, info=network)
        if why := nvidia.look().unused_because:
            device["gpu_unused"] = why
        with progress.progress_bar(total=photos, what=f"extract@{name}") as bar:
            features = {}
            for split in dataset.SPLITS:
                shards = records.shards(paths.tfrecords(network.resolution), split)
                features[split] = engine.extract(shards, info.classes, bar.update)
                features[split].check_finite(
                    f"{section}.{name} ({network.handle}) makes, in {engine.precision},", REMEDY
                )
        for split, vectors in features.items():
            vectors.write(target / f"{split}.npz")
        ExtractionInfo(engine.name, engine.version, engine.precision).write(target)
    digests = {path.name: files.sha256(path) for path in sorted(target.iterdir())}
    files.write_json(paths.feature_digests(name), digests)
    print(
        f"extract@{name}: {photos} photos, {network.features} features each, "
        f"{engine.precision} in {engine.name} {engine.version}"
    )


if __name__ == "__main__":
    cli.run(main)
