"""Feature vectors of one split, as a file: ``data/features/B/SPLIT.npz``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from transfer_learning.runtime import npz
from transfer_learning.runtime.errors import UserError
from transfer_learning.runtime.rows import Table, blocks

# Photos in a message.
NAMED = 5
# Bytes up to which an array is read into memory: the features of 13,000 photos, 1,280 each.
RESIDENT = 2**26


# Equal where they are one: what is made of them can be kept beside them.
@dataclass(frozen=True, eq=False)
class Features:
    """``features`` float32 [N, D], ``labels`` int64 [N], ``ids`` str [N], ``classes`` str [C].

    Features and ids of many photos stay in their file: what takes them goes block by block
    (``rows.blocks``), or asks for the rows that it needs.
    """

    features: Table
    labels: np.ndarray
    ids: Table
    classes: np.ndarray

    def write(self, path: Path) -> None:
        """Write the arrays as ``.npz``, whose bytes depend on nothing but them."""
        path.parent.mkdir(parents=True, exist_ok=True)
        npz.write(
            path,
            features=_streamed([self.features]),
            labels=self.labels,
            ids=_streamed([self.ids]),
            classes=self.classes,
        )

    @classmethod
    def read(cls, path: Path) -> Features:
        """Read what ``write`` wrote.

        Raises:
            UserError: the file is damaged, or a feature is not finite.
        """
        vectors, labels, ids, classes = npz.stored(path, "features", "labels", "ids", "classes")
        features = cls(near(vectors), labels[:], near(ids), classes[:])
        features.check_finite(f"{path} holds", "remove it and run dvc repro again")
        return features

    def check_finite(self, what: str, remedy: str) -> None:
        """Refuse features that are NaN or infinite: from one, a head learns nothing but NaN.

        Args:
            what: the error's first words, such as ``b makes``.
            remedy: its last ones.

        Raises:
            UserError: it names the photos.
        """
        finite = np.concatenate([np.isfinite(block).all(axis=1) for block in blocks(self.features)])
        if not finite.all():
            ids = self.ids[~finite].tolist()
            named = ", ".join(ids[:NAMED]) + (", …" if len(ids) > NAMED else "")
            raise UserError(
                f"{what} features that are not finite (NaN or infinite) of {len(ids)} of "
                f"{len(self.ids)} photos: {named}; {remedy}"
            )


def assemble(path: Path, parts: Sequence[Path]) -> None:
    """Join files of features into one, one part's photos after another's.

    A block of rows is in memory at a time; the bytes are those that ``write`` gives for the whole.

    Raises:
        ValueError: there is no part, or two have other classes or another number of features.
        UserError: a part is damaged.
    """
    if not parts:
        raise ValueError(f"{path} has no parts")
    opened = [npz.stored(part, "features", "labels", "ids", "classes") for part in parts]
    features, labels, ids, classes = zip(*opened, strict=True)
    if len({tuple(names[:].tolist()) for names in classes}) > 1:
        raise ValueError(f"the parts of {path} have different classes")
    if len({vectors.shape[1:] for vectors in features}) > 1:
        raise ValueError(f"the parts of {path} have different numbers of features")
    path.parent.mkdir(parents=True, exist_ok=True)
    npz.write(
        path,
        features=_streamed(features),
        labels=_streamed(labels),
        ids=_streamed(ids),
        classes=classes[0][:],
    )


def near(table: Table) -> Table:
    """Return the table in memory where it is small."""
    return table[:] if table.nbytes <= RESIDENT else table


def _streamed(parts: Sequence[Table]) -> npz.Streamed:
    # The widest text: a part's own may be narrower than that of the whole.
    dtype = np.result_type(*(part.dtype for part in parts))
    shape = (sum(map(len, parts)), *parts[0].shape[1:])
    return npz.Streamed(shape, dtype, (block for part in parts for block in blocks(part)))
