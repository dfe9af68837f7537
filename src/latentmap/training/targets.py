"""Rows with something beside each: what training takes where a row has a target."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np

from latentmap.data.batching import Rng
from latentmap.data.sources import Source

__all__ = ["Paired", "Places"]


class Paired(Source):
    """A source, and an array with one entry for each of its rows.

    Parameters
    ----------
    rows : Source
    beside : ndarray of shape (n, ...)

    Examples
    --------
    >>> from latentmap.data import ArraySource
    >>> pairs = Paired(ArraySource(np.array([[1.0], [2.0], [3.0]])), np.array([10, 20, 30]))
    >>> rows, beside = next(pairs.batches(3, rng=np.random.default_rng(0)))
    >>> bool((10 * rows[:, 0] == beside).all())
    True
    """

    def __init__(self, rows: Source, beside: np.ndarray) -> None:
        self.rows, self.beside = rows, beside
        self.row_shape, self.dtype, self.name = rows.row_shape, rows.dtype, rows.name
        self.block_starts = rows.block_starts

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, indices: Any) -> Any:
        """Give a pair: the rows at ``indices``, and what stands beside them."""
        return self.rows.take(indices), self.beside[np.asarray(indices, dtype=np.intp)]

    def subset(self, indices: Any) -> Paired:
        """Give the pairs at ``indices`` as a source of their own."""
        at = self._as_indices(indices)
        return Paired(self.rows.subset(at), self.beside[at])

    def batches(self, size: int, *, rng: Rng | None = None) -> Iterator[Any]:
        """Iterate over all pairs once, in the order that the rows alone would have."""
        places = Places(self.rows).batches(size, rng=copy.deepcopy(rng))
        for rows, at in zip(self.rows.batches(size, rng=rng), places, strict=True):
            yield rows, self.beside[at]


class Places(Source):
    """A source's row numbers in place of its rows: shuffled alike, they tell the order.

    Parameters
    ----------
    rows : Source

    Examples
    --------
    >>> from latentmap.data import ArraySource
    >>> rows = ArraySource(np.array([[10.0], [20.0], [30.0]]))
    >>> alone, numbers = (next(source.batches(3, rng=np.random.default_rng(0)))
    ...                   for source in (rows, Places(rows)))
    >>> bool((rows.take(numbers) == alone).all())
    True
    """

    in_memory = True

    def __init__(self, rows: Source) -> None:
        self.rows = rows
        self.row_shape, self.dtype, self.name = (), np.dtype(np.intp), rows.name
        self.block_starts = rows.block_starts

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def nbytes(self) -> int:
        """Bytes of the rows themselves: these decide how many blocks are shuffled at a time."""
        return self.rows.nbytes

    def take(self, indices: Any) -> np.ndarray:  # noqa: D102
        return np.asarray(indices, dtype=np.intp)
