"""``make bench``: the pipeline against the chapter's way, its stages, its rebuilds, its growth.

Everything is measured side by side in one run, as whole processes, in turn, several times; the
tables give medians, and ratios of what was measured in this same run.  Results go to
benchmarks/results/bench.json, bench.md and bench.png.
"""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from benchmarks.bench import parts
from benchmarks.bench.clones import BACKBONES, PROJECT, draw, repeated
from benchmarks.bench.figure import draw_figure
from benchmarks.bench.tables import as_markdown
from transfer_learning.runtime import hardware

RESULTS = PROJECT / "benchmarks/results"


def machine() -> dict[str, str]:
    """Return what the numbers depend on: processor, cores, versions."""
    packages = ("tensorflow-cpu", "tensorflow", "openvino", "dvc", "numpy")
    installed = {item.name.lower().replace("_", "-"): item.version for item in distributions()}
    return hardware.describe() | {
        "python": platform.python_version(),
        **{package: installed[package] for package in packages if package in installed},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, help="a folder CLASS/PHOTO.jpg; default: drawn ones")
    parser.add_argument("--count", type=int, default=3670, help="photos of chapter and stages")
    parser.add_argument(
        "--base", type=int, default=1000, help="photos of rebuilds, and at 1× of growth"
    )
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--backbones", nargs="+", default=list(BACKBONES), choices=list(BACKBONES))
    parser.add_argument(
        "--parts", nargs="+", default=["chapter", "stages", "rebuilds", "growth"],
        choices=["chapter", "stages", "rebuilds", "growth"],
    )  # fmt: skip
    options = parser.parse_args()

    RESULTS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        photos = options.photos.resolve() if options.photos else draw(root / "drawn", 100)
        # Parts and backbones that are not measured now stay as they were.
        path = RESULTS / "bench.json"
        results: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
        results |= {
            "machine": machine(),
            "photos": (
                f"{len(list(photos.glob('*/*.jpg')))} "
                + ("of the folder that was given" if options.photos else "drawn (synthetic)")
                + ", again and again"
            ),
            "repeats": options.repeats,
            "last": {"parts": options.parts, "backbones": options.backbones},
        }
        for part in options.parts:
            print(f"bench: {part}", flush=True)
            match part:
                case "chapter":
                    measured = parts.versus_chapter(root, photos, options.backbones, options)
                    results[part] = results.get(part, {}) | measured
                case "rebuilds":
                    many = repeated(photos, options.base, root / "rebuilds")
                    results[part] = parts.rebuilds(root, many, options)
                case "growth":
                    results[part] = parts.growth(root, photos, options)
                case "stages":
                    measured = parts.stages(root, photos, options)
                    results[part] = results.get(part, {}) | measured
            (RESULTS / "bench.json").write_text(json.dumps(results, indent=2) + "\n")
            (RESULTS / "bench.md").write_text(as_markdown(results))
            draw_figure(results, RESULTS / "bench.png")


if __name__ == "__main__":
    main()
