"""How much of what is planted the stage quality finds: copies, wrong labels; and how it grows.

python -m benchmarks.quality [--photos FOLDER] prints Markdown; that of both kinds of photos is kept
in docs/quality.md.  It takes the backbones that `dvc repro` has built in data/backbones.
--grow N measures the search among N features made of those of the photos.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.quality.planting import KINDS, MARK, Planted, plant
from transfer_learning.backbones.artifact import BackboneInfo
from transfer_learning.config import params, paths
from transfer_learning.features.features import Features
from transfer_learning.features.openvino_engine import OpenVino
from transfer_learning.features.subsets import take
from transfer_learning.photos import copies, records
from transfer_learning.photos.dataset import DatasetInfo, record_files
from transfer_learning.photos.looks import Looks
from transfer_learning.photos.preprocessing import shrunk
from transfer_learning.quality import labels, neighbours
from transfer_learning.quality.findings import Findings
from transfer_learning.quality.inspection import inspect
from transfer_learning.sources.fetching import fetch
from transfer_learning.sources.synthetic import render

SLICES = {"train": "train[25%:]", "valid": "train[10%:25%]", "test": "train[:10%]"}
# Of the labels that are made wrong, and the first part of the ranking in which they are sought.
WRONG, FIRST = 0.05, 0.10


@dataclass(frozen=True)
class Prepared:
    """Photos with copies planted among them, and their features by backbone."""

    info: DatasetInfo
    looks: Looks
    features: Mapping[str, Features]
    planted: Sequence[Planted]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, help="FOLDER/CLASS/*.jpg; else drawn (synthetic)")
    parser.add_argument("--count", type=int, default=1000, help="how many photos to use")
    parser.add_argument("--each", type=int, default=100, help="copies of each kind")
    parser.add_argument("--seeds", type=int, default=5, help="of the wrong labels")
    parser.add_argument("--grow", type=int, nargs="*", default=[], help="numbers of features")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        ready = prepare(options.photos, Path(name), options.count, each=options.each)
    print(f"Photos: {options.photos or 'rendered (synthetic)'}.\n")
    report_copies(ready)
    report_labels(ready, seeds=options.seeds)
    report_growth(next(iter(ready.features.values())).features, options.grow)


def prepare(photos: Path | None, folder: Path, count: int, *, each: int) -> Prepared:
    """Plant the copies and take the photos through fetch, preprocess and extract."""
    chosen = list(rendered(count) if photos is None else real(photos, count))
    planted = plant(chosen, folder / "photos", each=each, seed=0)
    settings = params.load()
    dataset = params.Dataset(
        source="folder",
        rendered=settings.dataset.rendered,
        folder=params.Folder(path=str(folder / "photos"), classes=None),
        tfds=settings.dataset.tfds,
        splits=params.Splits(**SLICES),
    )
    info = fetch(dataset, folder / "dataset", work=folder / "work")
    files = record_files(folder / "dataset")
    features = {}
    for name in settings.backbones:
        backbone = paths.backbone(name)
        resized = folder / f"{name}.tfrecord"
        resolution = BackboneInfo.read(backbone).resolution
        photos = shrunk(files, resolution=resolution, settings=settings.preprocess)
        records.write(resized, photos)
        features[name] = OpenVino(backbone).extract([resized], info.classes, lambda _: None)
    return Prepared(info, Looks.read(folder / "dataset"), features, planted)


def rendered(count: int) -> Iterator[tuple[str, bytes]]:
    classes = render.CLASSES
    for number in range(count):
        index, label = divmod(number, len(classes))
        encoded = render.render(seed=0, label=label, index=index)
        yield f"{classes[label]}/{index:05d}.jpg", encoded


def real(folder: Path, count: int) -> Iterator[tuple[str, bytes]]:
    files = sorted(folder.glob("*/*.jpg"), key=lambda path: path.name)[:count]
    for path in files:
        yield path.relative_to(folder).as_posix(), path.read_bytes()


def report_copies(ready: Prepared) -> None:
    """Print how many copies of each kind are found, and the pairs that were not planted."""
    numbers = {photo.id: number for number, photo in enumerate(ready.info.photos)}
    readers = {name: reader(item) for name, item in ready.features.items()}
    start = time.perf_counter()
    found = inspect(ready.info, ready.looks, readers)
    seconds = time.perf_counter() - start
    pairs = [(numbers[pair.first.id], numbers[pair.second.id]) for pair in found.pairs]
    # One photo of equal files stands for all: a copy of it is a copy of the others.
    group = copies.groups(len(numbers), pairs)
    by_greys = copies.groups(
        len(numbers),
        [(item.first, item.second) for item in copies.find(ready.looks.of_photos(list(numbers)))],
    )
    print("| planted copies | of | found | by `group_duplicates` |\n|---|---:|---:|---:|")
    for kind in KINDS:
        of_kind = [item for item in ready.planted if item.kind == kind]
        rows = np.array([[numbers[item.id], numbers[item.original]] for item in of_kind])
        shares = [(linked[rows[:, 0]] == linked[rows[:, 1]]).mean() for linked in (group, by_greys)]
        print(f"| {kind} | {len(of_kind)} | {shares[0]:.1%} | {shares[1]:.1%} |")
    print(f"\n{len(found.pairs)} pairs in {seconds:.1f} s; not planted, and so to be looked at:\n")
    for first, second, likeness, apart in unplanted(found):
        print(f"- {first} and {second}: {likeness}, {apart:.2f}")
    print()


def unplanted(found: Findings) -> Iterator[tuple[str, str, str, float]]:
    """Yield the pairs of two photos of which neither is a copy of the other or of the same."""
    seen = set()
    for pair in found.pairs:
        ids = pair.first.id, pair.second.id
        first, second = sorted(name.partition(MARK)[0].removesuffix(".jpg") for name in ids)
        if first != second and (first, second) not in seen:
            seen.add((first, second))
            yield first, second, pair.likeness, pair.apart


def report_labels(ready: Prepared, *, seeds: int) -> None:
    """Print where labels that are made wrong at random stand in the ranking, without copies."""
    rows = np.array([n for n, item in enumerate(ready.info.photos) if MARK not in item.id])
    features = [
        neighbours.unit(take(item, rows).features.copy()) for item in ready.features.values()
    ]
    truth = np.array([ready.info.photos[row].label for row in rows])
    classes = len(ready.info.classes)
    shares, listed, right = [], [], []
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        wrong = rng.choice(len(truth), round(WRONG * len(truth)), replace=False)
        given = truth.copy()
        given[wrong] = (given[wrong] + rng.integers(1, classes, len(wrong))) % classes
        with threadpool_limits(1, user_api="blas"):
            found = [labels.probabilities(item, given, classes) for item in features]
        judged = labels.judge(np.mean(found, axis=0), given)
        first = judged.ranking()[: round(FIRST * len(truth))]
        shares.append(np.isin(wrong, first).mean())
        listed.append(judged.suspect.sum())
        right.append(judged.suspect[wrong].sum())
    print(
        f"{WRONG:.0%} of {len(truth)} labels made wrong, {seeds} times: {np.mean(shares):.1%} of "
        f"them (at worst {min(shares):.1%}) are among the first {FIRST:.0%} of the ranking; "
        f"{np.mean(listed):.0f} are listed as suspect, {np.mean(right):.0f} of these wrong.\n"
    )


def report_growth(features: np.ndarray, counts: Sequence[int]) -> None:
    """Print the seconds and the memory of the search among many features."""
    for count in counts:
        vectors = neighbours.unit(mixed(features, count))
        start = time.perf_counter()
        with threadpool_limits(1, user_api="blas"):
            found = neighbours.search(vectors)
        seconds = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(
            f"- {count:,} features of {features.shape[1]:,} numbers: {seconds:.1f} s, at most "
            f"{peak:.2f} GB in this process so far, {len(found.near):,} near pairs"
        )


def mixed(features: np.ndarray, count: int) -> np.ndarray:
    """Return features made up of two photos' each, float32 [count, D]: each number from either."""
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, len(features), (2, count))
    share = rng.uniform(0.2, 0.8, (count, 1)).astype(np.float32)
    found = np.empty((count, features.shape[1]), np.float32)
    for start in range(0, count, 4096):
        block = slice(start, start + 4096)
        drawn = rng.random((len(first[block]), features.shape[1]), dtype=np.float32)
        one, other = features[first[block]], features[second[block]]
        found[block] = np.where(drawn < share[block], one, other)
    return found


def reader(features: Features) -> Callable[[], Features]:
    return lambda: replace(features, features=features.features.copy())


if __name__ == "__main__":
    main()
