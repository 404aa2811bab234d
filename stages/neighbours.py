"""data/features in, data/neighbours out: each test photo's nearest training photos, and a map.

A stage of its own because no head matters to it, so that a changed head does not rerun it; and
because the training photos that the page shows are decoded here, once for all competitors.
"""

from collections.abc import Iterator

from PIL import Image

from transfer_learning.config import params, paths
from transfer_learning.evaluation import nearest
from transfer_learning.features.features import Features
from transfer_learning.photos import pixels, records, thumbnails
from transfer_learning.runtime import cli, timings

# Pixels of the training photos' longer side, which stand five in a row: about 1 kB each.
SIDE = 64


def main() -> None:
    names = params.load().competitors
    shown: set[str] = set()
    with timings.timed("neighbours"):
        for name in names:
            train, test = (
                Features.read(paths.features(name) / f"{split}.npz") for split in ("train", "test")
            )
            found = nearest.find(train, test)
            found.write(paths.neighbours(name))
            shown.update(found.train_ids.tolist())
        thumbnails.write(paths.NEIGHBOURS, _opened(shown), side=SIDE)
    print(
        f"neighbours: of {len(test.ids)} test photos for {len(names)} competitors, "
        f"with thumbnails of {len(shown)} training photos"
    )


def _opened(shown: set[str]) -> Iterator[tuple[str, Image.Image]]:
    for record in records.read(records.shards(paths.DATASET, "train")):
        if record.id in shown:
            yield record.id, pixels.open_photo(record.image)


if __name__ == "__main__":
    cli.run(main)
