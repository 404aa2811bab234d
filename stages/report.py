"""Everything in reports and the photos in, reports/index.html, summary.md and examples.png out.

A stage of its own because it is for reading: nothing depends on it.
"""

from functools import partial
from itertools import islice

from transfer_learning.config import params, paths
from transfer_learning.config.paths import DATASET, REPORTS
from transfer_learning.evaluation import choice
from transfer_learning.evaluation.comparison import Comparison
from transfer_learning.evaluation.feature_maps import FeatureMaps
from transfer_learning.evaluation.neighbours import Neighbours
from transfer_learning.heads.head import Head
from transfer_learning.photos import dataset, records, thumbnails
from transfer_learning.quality.findings import Findings
from transfer_learning.reports import photo_grids, summary_page
from transfer_learning.reports.html import page, quality
from transfer_learning.reports.html.photos import Pictures
from transfer_learning.runtime import cli, files


def main() -> None:
    settings = params.load()
    info = dataset.DatasetInfo.read()
    compared = Comparison.read(REPORTS / "comparison.json")
    first = records.read(records.shards(DATASET, "train"))
    shown = list(islice(first, photo_grids.EXAMPLES))
    photo_grids.examples(
        REPORTS / "examples.png",
        [photo.image for photo in shown],
        [info.classes[photo.label] for photo in shown],
        title="Training examples" + " (synthetic)" * info.synthetic,
    )
    pictures = Pictures(test=thumbnails.read(), training=thumbnails.read(paths.NEIGHBOURS))
    selected = choice.choose(settings.selected, compared).name
    neighbours = Neighbours.read(paths.neighbours(selected))
    looking = {
        name: partial(
            FeatureMaps.read(paths.feature_maps(name)).looked, Head.read(paths.model(name))
        )
        # Joined and tuned ones have no maps of their own.
        for name in settings.backbones
    }
    photos = quality.section(Findings.read(), thumbnails.read(paths.QUALITY))
    html = page.html(
        settings, info, compared, pictures, neighbours, looking, photos, reports=REPORTS
    )
    files.write_text(REPORTS / "index.html", html)
    files.write_text(REPORTS / "summary.md", summary_page.summary(settings, info, compared))
    print(f"report: reports/index.html ({len(html.encode()) / 1e6:.1f} MB), reports/summary.md")


if __name__ == "__main__":
    cli.run(main)
