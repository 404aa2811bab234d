"""data/dataset and data/features in; data/quality out, what the photos themselves say, and reports.

A stage of its own because it asks about photos and labels, whatever head is trained: a changed head
does not rerun it, and it needs no TensorFlow.
"""

from functools import partial

from transfer_learning.config import params, paths
from transfer_learning.config.paths import QUALITY, REPORTS
from transfer_learning.features.features import Features
from transfer_learning.features.subsets import joined
from transfer_learning.photos import dataset, looks, pixels, records, thumbnails
from transfer_learning.quality import findings, inspection
from transfer_learning.reports import quality_page
from transfer_learning.runtime import cli, files, timings

# Pixels of the thumbnails' longer side: about 2 kB each.
SIDE = 128


def main() -> None:
    info = dataset.DatasetInfo.read()
    with timings.timed("quality", photos=len(info.photos)):
        names = params.load().backbones
        found = inspection.inspect(
            info, looks.Looks.read(), {name: partial(_features, name) for name in names}
        )
        found.write()
        shown = set(findings.shown(found, quality_page.SHOWN))
        photos = (photo for photo in records.read(dataset.record_files()) if photo.id in shown)
        opened = ((photo.id, pixels.open_photo(photo.image)) for photo in photos)
        thumbnails.write(QUALITY, opened, side=SIDE)
        quality_page.draw(REPORTS / "quality.png", found, thumbnails.read(QUALITY))
        quality_page.write_rows(REPORTS / "quality.csv", found)
        files.write_text(REPORTS / "quality.md", quality_page.page(found))
    print(f"quality: {quality_page.sentence(found)}")


def _features(name: str) -> Features:
    return joined([Features.read(paths.features(name) / f"{part}.npz") for part in dataset.SPLITS])


if __name__ == "__main__":
    cli.run(main)
