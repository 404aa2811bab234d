"""What the built project takes of the disk: ``python -m benchmarks.disk``.

In a built clone, folder by folder: the bytes of a photo in ``data``, then what ``data`` and DVC's
cache take together with a copy of each file in both, and with links.  A file under two names is
counted once; of a file system's own sharing (reflinks) nothing is seen here.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterable
from pathlib import Path

from benchmarks.bench.clones import BACKBONES, cold, draw
from benchmarks.bench.processes import run


def taken(folders: Iterable[Path]) -> int:
    """Return the bytes of the files below the folders, each file once."""
    stats = [path.stat() for folder in folders for path in folder.rglob("*") if path.is_file()]
    return sum({(stat.st_dev, stat.st_ino): stat.st_size for stat in stats}.values())


def linked(folder: Path, kind: str) -> int:
    """Put the outputs there as links of this kind; return what they and the cache take."""
    run(["dvc", "config", "--local", "cache.type", kind], folder)
    run(["dvc", "checkout", "--relink"], folder)
    return taken([folder / "data", folder / ".dvc" / "cache"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, help="a folder CLASS/PHOTO.jpg; default: drawn ones")
    parser.add_argument("--per-class", type=int, default=200, help="drawn ones of each class")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        photos = options.photos or draw(root / "drawn", options.per_class)
        count = sum(1 for _ in photos.glob("*/*.jpg"))
        folder, _ = cold(root, photos.resolve(), list(BACKBONES))
        print("| folder | MB | kB a photo |\n|---|---:|---:|")
        whole = [path for path in (folder / "data").iterdir() if path.is_dir()]
        for path in sorted(whole, key=lambda path: -taken([path])):
            size = taken([path])
            print(f"| data/{path.name} | {size / 1e6:.1f} | {size / 1e3 / count:.1f} |")
        print("\n| data and .dvc/cache together | MB | kB a photo |\n|---|---:|---:|")
        for what, kind in (("a copy in each", "copy"), ("links", "hardlink")):
            size = linked(folder, kind)
            print(f"| {what} | {size / 1e6:.1f} | {size / 1e3 / count:.1f} |")


if __name__ == "__main__":
    main()
