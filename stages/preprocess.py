"""data/dataset in, data/tfrecords/R out: every photo decoded and resized to R × R, uint8.

A stage of its own, once per resolution, so that backbones of one resolution share its records.
"""

from transfer_learning.config import params, paths
from transfer_learning.photos import dataset, preprocessing, shards
from transfer_learning.runtime import cli, files, progress, timings
from transfer_learning.work import executors, units


def main() -> None:
    parameters = params.load()
    settings, resolution = parameters.preprocess, int(cli.item(parameters.resolutions))
    stage, folder = f"preprocess@{resolution}", paths.tfrecords(resolution)
    counts = {name: split.counted for name, split in dataset.DatasetInfo.read().splits.items()}
    photos = sum(counts.values())
    job = preprocessing.job(stage, resolution=resolution, settings=settings)
    with timings.timed(stage, photos=photos) as device:
        device["executor"] = executors.described()
        todo = [
            unit
            for split, count in counts.items()
            for unit in shards.units(paths.DATASET, split, count)
        ]
        with (
            progress.progress_bar(total=photos, what=stage) as bar,
            units.results(job, todo, paths.work(stage), bar.update) as results,
        ):
            done = list(results)
            folder.mkdir(parents=True, exist_ok=True)
            for unit, path in zip(todo, done, strict=True):
                path.replace(folder / f"{unit.name}.tfrecord")
    files.write_text(paths.resolution(resolution), f"{resolution}\n")
    print(f"{stage}: {photos} photos of {resolution} × {resolution} px")


if __name__ == "__main__":
    cli.run(main, interrupted=units.INTERRUPTED)
