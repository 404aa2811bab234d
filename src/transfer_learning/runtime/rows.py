"""Tables whose rows need not all be in memory: read, chained and chosen as they are asked for."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

import numpy as np

# Rows that a whole pass over a table takes at a time: 21 MB of 1,280 float32 each.
BLOCK = 4096


class Rows(ABC):
    """A table that gives arrays of its rows; ``np.asarray`` gives all of it."""

    shape: tuple[int, ...]
    dtype: np.dtype

    def __len__(self) -> int:
        return int(self.shape[0])

    @property
    def nbytes(self) -> int:
        """The bytes of the whole table."""
        return math.prod(self.shape) * self.dtype.itemsize

    @abstractmethod
    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        """Return these rows: a slice of step 1, numbers in any order, or a mask of bool [N]."""

    def __array__(self, dtype: np.dtype | None = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise ValueError("a table that is read is always a copy")
        return self[:].astype(dtype or self.dtype, copy=False)


# What is in memory, or is not.
Table = np.ndarray | Rows


class Chosen(Rows):
    """Rows of several tables of one width: row n is number ``numbers[n]`` of all of theirs."""

    def __init__(self, parts: Sequence[Table], numbers: np.ndarray) -> None:
        self._parts, self._numbers = parts, numbers
        self._ends = np.cumsum([len(part) for part in parts])
        self.shape = (len(numbers), *parts[0].shape[1:])
        # The widest, where they are texts.
        self.dtype = np.result_type(*(part.dtype for part in parts))

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        numbers = self._numbers[rows]
        found = np.empty((len(numbers), *self.shape[1:]), self.dtype)
        owners = np.searchsorted(self._ends, numbers, side="right")
        for owner in np.unique(owners):
            own, part = owners == owner, self._parts[owner]
            found[own] = part[numbers[own] - (self._ends[owner] - len(part))]
        return found


def blocks(table: Table, rows: int = BLOCK) -> Iterator[np.ndarray]:
    """Yield the rows in order, so many at a time; of a table without rows, one empty block."""
    for start in range(0, max(1, len(table)), rows):
        yield table[start : start + rows]


def choose(table: Table, rows: np.ndarray) -> Table:
    """Return a table of these rows in their order: in memory where the table is."""
    return table[rows] if isinstance(table, np.ndarray) else Chosen([table], rows)


def chain(parts: Sequence[Table]) -> Table:
    """Return the rows of all parts, one after another: in memory where all are."""
    if all(isinstance(part, np.ndarray) for part in parts):
        return np.concatenate(parts)
    return Chosen(parts, np.arange(sum(map(len, parts))))
