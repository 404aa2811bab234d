"""The last feature maps of a network: what its features are the means of, part by part of a photo.

``data/feature_maps/B/test.npz``.  A head is linear, so its weights for a class, applied to each
place of a map instead of to the mean, say how much that part of the photo speaks for the class: the
class activation map of Zhou et al. 2016, arXiv:1512.04150.  The maps depend on no head, so they are
computed once, and a changed head costs a product of matrices.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from transfer_learning.heads.head import Head
from transfer_learning.runtime import npz

# Steps of brightness in which a part is shown: so few that another CPU's last digits hardly ever
# move one.
STEPS = 9


@dataclass(frozen=True)
class FeatureMaps:
    """``ids`` str [N]; ``maps`` uint8 [N, S, S, D], of which 255 stands for ``largest`` [N].

    N is 0 where the features are no means of maps.  What is below 0 counts as 0: of these networks
    the last activation leaves nothing below it, or next to nothing.
    """

    ids: np.ndarray
    maps: np.ndarray
    largest: np.ndarray

    @classmethod
    def of(cls, ids: Iterable[str], maps: Iterable[np.ndarray]) -> FeatureMaps:
        """Keep maps, float32 [S, S, D] each, in a quarter of their bytes."""
        kept, largest = [], []
        for each in maps:
            top = max(float(each.max()), np.finfo(np.float32).tiny)
            kept.append(np.clip(each / top * 255, 0, 255).round().astype(np.uint8))
            largest.append(top)
        names = np.array(list(ids), dtype=np.str_)
        shape = (0, 0, 0, 0)
        return cls(names, np.stack(kept) if kept else np.zeros(shape, np.uint8), np.array(largest))

    def write(self, path: Path) -> None:
        """Write the arrays."""
        path.parent.mkdir(parents=True, exist_ok=True)
        npz.write(path, ids=self.ids, maps=self.maps, largest=self.largest)

    @classmethod
    def read(cls, path: Path) -> FeatureMaps:
        """Read what ``write`` wrote.

        Raises:
            UserError: the file is damaged.
        """
        return cls(*npz.read(path, "ids", "maps", "largest"))

    def looked(self, head: Head, answers: dict[str, tuple[int, int]]) -> dict[str, str]:
        """Return where the network looked, by photo id: digits 0 to 9, row by row of the map.

        A digit says how much a part speaks for the predicted class rather than for the true one;
        9 is that of the photo's strongest part, and 0 also what speaks for the true class.

        Args:
            head: on these features.
            answers: of the photos that are asked for, the numbers (predicted, true) of classes.
        """
        found = {}
        for row, photo_id in enumerate(map(str, self.ids)):
            if photo_id in answers:
                predicted, true = answers[photo_id]
                weights = (head.kernel[:, predicted] - head.kernel[:, true]).astype(np.float64)
                # Its unit does not matter: only shares of the strongest part are kept.
                evidence = np.maximum(self.maps[row].astype(np.float64) @ weights, 0)
                top = evidence.max()
                shares = evidence / top if top > 0 else evidence
                found[photo_id] = "".join(map(str, (STEPS * shares).round().astype(int).ravel()))
        return found
