"""data/dataset in, data/tfrecords/R out: every photo decoded and resized to R × R, uint8.

A stage of its own, once per resolution, so that backbones of one resolution share its records.
"""

from itertools import islice

from transfer_learning.config import params, paths
from transfer_learning.photos import dataset, records
from transfer_learning.runtime import cli, files, hardware, progress, timings


def main() -> None:
    parameters = params.load()
    settings, resolution = parameters.preprocess, int(cli.item(parameters.resolutions))
    hardware.hide_gpu()
    # It loads TensorFlow, which takes a GPU at once where it sees one.
    from transfer_learning.photos import preprocessing

    hardware.schedule_as_batch()
    info = dataset.DatasetInfo.read()
    photos = len(info.photos)
    with timings.timed(f"preprocess@{resolution}", photos=photos):
        folder = paths.tfrecords(resolution)
        encoded = dataset.record_files()
        pixels = preprocessing.preprocess(encoded, resolution=resolution, settings=settings)
        with progress.progress_bar(total=photos, what=f"preprocess@{resolution}") as bar:
            done = progress.progress(pixels, bar)
            for split in dataset.SPLITS:
                count = info.splits[split].counted
                records.write_shards(folder, split, islice(done, count), photos=count)
            if next(done, None) is not None:
                raise ValueError("data/dataset holds more photos than its dataset.json says")
    files.write_text(paths.resolution(resolution), f"{resolution}\n")
    print(f"preprocess@{resolution}: {photos} photos of {resolution} × {resolution} px")


if __name__ == "__main__":
    cli.run(main)
