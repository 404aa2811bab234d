"""Does it pay to decode each photo once for two resolutions, instead of once in each stage?

python -m benchmarks.decode_once [--photos FOLDER] prints a Markdown table.
"""

from __future__ import annotations

import math
import subprocess
import sys
import tempfile
from functools import partial
from itertools import islice
from pathlib import Path

from benchmarks import measure
from transfer_learning.config.params import Preprocess
from transfer_learning.photos import records
from transfer_learning.photos.preprocessing import shrunk
from transfer_learning.photos.records import Record
from transfer_learning.photos.squares import squares

RESOLUTIONS = (224, 260)
SETTINGS = Preprocess(method="bilinear", antialias=False)


def stage(source: Path, target: Path, count: int, resolution: int) -> None:
    """Write one resolution, as its stage does."""
    photos = shrunk(source, resolution=resolution, settings=SETTINGS)
    records.write_shards(target / str(resolution), "train", photos, photos=count)


def stages(source: Path, target: Path, count: int) -> None:
    """Write all resolutions, one after the other: each photo is decoded for each."""
    for resolution in RESOLUTIONS:
        stage(source, target, count, resolution)


def together(source: Path, target: Path, count: int) -> None:
    """Write all resolutions in one pass: each photo is decoded once."""

    def convert(photo: Record) -> dict[int, Record]:
        sizes = squares(photo.image, RESOLUTIONS, settings=SETTINGS, megapixels=math.inf)
        return {r: Record(photo.id, 0, pixels.tobytes()) for r, pixels in sizes.items()}

    photos = map(convert, records.read(source))
    # A file of each resolution at a time, from the same photos.
    for number in range(records.shards_of(count)):
        group = list(islice(photos, records.SHARD))
        for resolution in RESOLUTIONS:
            path = target / str(resolution) / f"{number}.tfrecord"
            records.write(path, (sizes[resolution] for sizes in group))


def start() -> None:
    """Start a process that imports what the stage imports."""
    subprocess.run(
        [sys.executable, "-c", "import transfer_learning.photos.preprocessing"], check=True
    )


def main() -> None:
    """Measure and print."""
    options = measure.options(__doc__, photos=1000)
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "source.tfrecord", Path(folder) / "target"
        encoded = measure.encoded(options.photos, options.count)
        records.write(source, (Record(f"{i}", 0, photo) for i, photo in enumerate(encoded)))
        work = (source, target, options.count)
        ways = {
            "a stage each": partial(stages, *work),
            "decoded once": partial(together, *work),
            **{f"{r} px alone": partial(stage, *work, r) for r in RESOLUTIONS},
            "start of a stage": start,
        }
        seconds = measure.seconds(ways, options.repeats)
    print(
        f"{options.count} photos to {' and '.join(map(str, RESOLUTIONS))} px; medians of "
        f"{options.repeats}, measured in turn.\n\n"
        "| way | s | ratio to a stage each |\n"
        "|---|---|---|"
    )
    for name, value in seconds.items():
        print(f"| {name} | {value:.2f} | {value / seconds['a stage each']:.2f} |")


if __name__ == "__main__":
    main()
