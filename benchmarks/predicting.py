"""predict's rate against extract's, decoding included, and from its start to the first answer.

python -m benchmarks.predicting [--photos FOLDER] [--count N] prints a Markdown table, after
make export.  ``extract`` is its engine on pixels in memory; ``predict`` decodes, resizes and
answers; both take the same photos, in turn, in one process.  The command is a process of its own,
on files.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks import measure
from transfer_learning.classifier.classifier import Answer, Classifier
from transfer_learning.config import paths
from transfer_learning.features.openvino_engine import OpenVino
from transfer_learning.photos.squares import squares
from transfer_learning.runtime import hardware

COMMAND = (sys.executable, "-c", "from transfer_learning.commands.main import main; main()")


def main() -> None:
    options = measure.options(__doc__, photos=400)
    hardware.schedule_as_batch()
    photos = measure.encoded(options.photos, options.count)
    classifier = Classifier.load()
    members = classifier.manifest.members
    engines = [OpenVino(paths.backbone(member.name)) for member in members]
    sides = [member.resolution for member in members]
    resize = classifier.manifest.resize
    found = [squares(item, sides, settings=resize, megapixels=np.inf) for item in photos]
    pixels = [[item[side].tobytes() for item in found] for side in sides]

    def extract() -> None:
        for engine, images in zip(engines, pixels, strict=True):
            starts = range(0, len(images), engine.batch)
            for _ in engine.run(images[start : start + engine.batch] for start in starts):
                pass

    def predict() -> None:
        for _, answer in classifier.classify(enumerate(photos)):
            assert isinstance(answer, Answer)

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for index, photo in enumerate(photos):
            (folder / f"{index:05}.jpg").write_bytes(photo)

        def command(path: Path) -> None:
            arguments = [*COMMAND, "predict", str(path), "--format", "csv"]
            subprocess.run(arguments, stdout=subprocess.DEVNULL, check=True)

        times = measure.rounds(
            {
                "extract": extract,
                "predict": predict,
                "the command": lambda: command(folder),
                "the command, one photo": lambda: command(folder / "00000.jpg"),
            },
            options.repeats,
        )
    extracted = statistics.median(times["extract"])
    print("| | seconds | photos/s | of extract's rate |\n|---|---|---|---|")
    for name, values in times.items():
        middle, count = statistics.median(values), 1 if name.endswith("one photo") else len(photos)
        # In turn, so that each round's pair saw the same machine.
        ratio = statistics.median(
            base / value for base, value in zip(times["extract"], values, strict=True)
        )
        shown = f"{count / middle:.0f} | {ratio:.2f}" if count > 1 else "– | –"
        print(f"| {name} | {middle:.2f} | {shown} |")
    print(f"\n{len(photos)} photos, medians of {options.repeats}; extract {extracted:.2f} s")


if __name__ == "__main__":
    main()
