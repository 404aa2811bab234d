"""A source of photos in, data/dataset out: encoded photos by split, thumbnails, dataset.json.

A stage of its own because only it may need a network or the user's folder: everything after it
reads what DVC tracks.
"""

from transfer_learning.commands import check
from transfer_learning.config import paths
from transfer_learning.runtime import cli, timings
from transfer_learning.sources import fetching
from transfer_learning.work import executors, units


def main() -> None:
    # It runs first in a new clone, so a wrong handle is found here and not minutes later.
    settings = check.check().dataset
    with timings.timed("fetch") as device:
        device["executor"] = executors.described()
        info = fetching.fetch(settings, paths.DATASET, work=paths.work("fetch"))
    counts = ", ".join(f"{name} {split.counted}" for name, split in info.splits.items())
    print(
        f"fetch: {info.found} photos of {len(info.classes)} classes from {info.source}; "
        f"{counts}; {len(info.rejected)} rejected"
    )


if __name__ == "__main__":
    cli.run(main, interrupted=units.INTERRUPTED)
