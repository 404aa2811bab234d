"""Does it pay to decode each photo once for two resolutions, instead of once in each stage?

python -m benchmarks.decode_once [--photos FOLDER] prints a Markdown table.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks import measure
from transfer_learning.config.params import Preprocess
from transfer_learning.photos import preprocessing, records, tf_input
from transfer_learning.photos.decoding import decode
from transfer_learning.photos.records import Record
from transfer_learning.runtime.tensorflow_quiet import tf

RESOLUTIONS = (224, 260)
SETTINGS = Preprocess(method="bilinear", antialias=False)


def stage(source: Path, target: Path, count: int, resolution: int) -> None:
    """Write one resolution, as its stage does."""
    resized = preprocessing.preprocess(source, resolution=resolution, settings=SETTINGS)
    records.write_shards(target / str(resolution), "train", resized, photos=count)


def stages(source: Path, target: Path, count: int) -> None:
    """Write all resolutions, one after the other: each photo is decoded for each."""
    for resolution in RESOLUTIONS:
        stage(source, target, count, resolution)


def together(source: Path, target: Path, count: int) -> None:
    """Write all resolutions in one pass: each photo is decoded once."""

    def convert(payload: Any) -> dict[str, Any]:
        photo = tf_input.parse(payload)
        pixels = decode(photo["image"], False, lambda image: image, shape=(None, None, 3))
        return photo | {
            str(resolution): preprocessing.resize(pixels, resolution=resolution, settings=SETTINGS)
            for resolution in RESOLUTIONS
        }

    dataset = (
        tf_input.payloads(str(source))
        .map(convert, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        .batch(preprocessing.BATCH)
        .prefetch(1)
    )
    batches = dataset.as_numpy_iterator()
    number = 0
    # A file of each resolution at a time, from the same batches.
    while group := list(islice(batches, records.SHARD // preprocessing.BATCH)):
        for resolution in RESOLUTIONS:
            records.write(
                target / str(resolution) / f"{number}.tfrecord",
                (
                    Record(photo_id.decode(), int(label), pixels.tobytes())
                    for batch in group
                    for photo_id, label, pixels in zip(
                        batch["id"], batch["label"], batch[str(resolution)], strict=True
                    )
                ),
            )
        number += 1


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
