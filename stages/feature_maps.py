"""data/tfrecords/R and data/backbones/B in, data/feature_maps/B out: what features are means of.

A stage of its own because no head matters to it: where a network looked for a wrong answer then
costs a changed head next to nothing.  Of the first ``MOST`` test photos, each of which takes 63 kB
at 224 pixels.
"""

from collections.abc import Iterator
from itertools import islice

import numpy as np

from transfer_learning.backbones import last_maps
from transfer_learning.backbones.artifact import BackboneInfo
from transfer_learning.config import params, paths
from transfer_learning.evaluation.feature_maps import FeatureMaps
from transfer_learning.photos import records
from transfer_learning.photos.records import Record
from transfer_learning.runtime import cli, progress, timings

MOST = 1000
# Photos that go through the network at a time.
BATCH = 8


def main() -> None:
    params.load()
    name = cli.item()
    info = BackboneInfo.read(paths.backbone(name))
    shards = records.shards(paths.tfrecords(info.resolution), "test")
    photos = list(islice(records.read(shards), MOST))
    with timings.timed(f"feature_maps@{name}", photos=len(photos)):
        run = last_maps.load(paths.backbone(name), info)
        if run is None:
            photos = []
        with progress.progress_bar(total=len(photos), what=f"feature_maps@{name}") as bar:
            maps = (
                each
                for batch in _batches(photos, info.resolution)
                for each in progress.progress(run(batch) if run else (), bar)
            )
            FeatureMaps.of([photo.id for photo in photos], maps).write(paths.feature_maps(name))
    print(
        f"feature_maps@{name}: of {len(photos)} test photos"
        if run
        else f"feature_maps@{name}: none, for its features are no means of maps"
    )


def _batches(photos: list[Record], resolution: int) -> Iterator[np.ndarray]:
    for start in range(0, len(photos), BATCH):
        pixels = [np.frombuffer(photo.image, np.uint8) for photo in photos[start : start + BATCH]]
        images = np.stack(pixels).reshape(-1, resolution, resolution, 3)
        yield images.astype(np.float32) / 255


if __name__ == "__main__":
    cli.run(main)
