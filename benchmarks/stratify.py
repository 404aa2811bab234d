"""How often a class of one's own photos misses a split when splits do not share the classes out.

python -m benchmarks.stratify prints Markdown. Photos in TFDS's order are as good as shuffled, so
random orders are drawn here; the splits are the presets'.
"""

from __future__ import annotations

import numpy as np

from transfer_learning.sources import splits

SLICES = {"train": "train[25%:]", "valid": "train[10%:25%]", "test": "train[:10%]"}
ORDERS = 1_000


def main() -> None:
    rng = np.random.default_rng(0)
    print(
        "| classes | photos each | orders in which a class misses the test | the same, stratified |"
    )
    print("|---|---|---|---|")
    for classes, photos in ((2, 20), (5, 20), (5, 50), (5, 200), (20, 20), (20, 50)):
        labels = np.repeat(np.arange(classes), photos)
        test = list(splits.resolve(SLICES, len(labels))["test"])
        missed = [0, 0]
        for _ in range(ORDERS):
            shuffled = rng.permutation(labels)
            even = shuffled[list(splits.stratified(shuffled.tolist()))]
            for number, order in enumerate((shuffled, even)):
                missed[number] += len(set(order[test])) < classes
        shares = " | ".join(f"{100 * count / ORDERS:.1f} %" for count in missed)
        print(f"| {classes} | {photos} | {shares} |")


if __name__ == "__main__":
    main()
