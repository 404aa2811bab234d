"""data/tfrecords/R and data/backbones/B in, data/features/B out: a feature vector per photo.

A stage of its own because the backbone is frozen: each photo goes through it once, and a changed
head retrains from these files in seconds.  `join` depends on the digests in data/extracted.
"""

from itertools import chain, islice

from transfer_learning.backbones.artifact import BackboneInfo
from transfer_learning.config import params, paths
from transfer_learning.features import extractor
from transfer_learning.photos import dataset, shards
from transfer_learning.runtime import cli, files, nvidia, progress, timings
from transfer_learning.work import executors, units


def main() -> None:
    settings = params.load()
    name = cli.item()
    stage, target = f"extract@{name}", paths.features(name)
    network = BackboneInfo.read(paths.backbone(name))
    info = dataset.DatasetInfo.read()
    counts = [info.splits[split].counted for split in dataset.SPLITS]
    photos = sum(counts)
    job = extractor.job(
        stage,
        name,
        section="finetuned" if name in settings.finetuned else "backbones",
        classes=info.classes,
        precision=settings.extract.precision,
    )
    pixels = paths.tfrecords(network.resolution)
    todo = [
        list(shards.units(pixels, split, count))
        for split, count in zip(dataset.SPLITS, counts, strict=True)
    ]
    with timings.timed(stage, photos=photos) as device:
        device["executor"] = executors.described()
        if device["executor"] == executors.LOCAL and (why := nvidia.look().unused_because):
            device["gpu_unused"] = why
        with (
            progress.progress_bar(total=photos, what=stage) as bar,
            units.results(job, chain(*todo), paths.work(stage), bar.update) as results,
        ):
            parts = [list(islice(results, len(split))) for split in todo]
            computed = extractor.write(parts, target)
    digests = {path.name: files.sha256(path) for path in sorted(target.iterdir())}
    files.write_json(paths.feature_digests(name), digests)
    print(
        f"{stage}: {photos} photos, {network.features} features each, "
        f"{computed.precision} in {computed.engine} {computed.engine_version}"
    )


if __name__ == "__main__":
    cli.run(main, interrupted=units.INTERRUPTED)
