"""One pass over all rows, batch by batch, with words on the console; and rows shared by threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from latentmap.data import ArraySource, Source
from latentmap.data.batching import read_batches

__all__ = ["Shared", "over_rows"]


class Shared(Source):
    """Rows that several requests read at a time: a reader need not bear that, so they take turns.

    Examples
    --------
    >>> Shared(ArraySource(np.eye(3), labels=[7, 8, 9])).labels.tolist()
    [7, 8, 9]
    """

    def __init__(self, rows: Source) -> None:
        self._rows, self._turn = rows, threading.Lock()
        self.row_shape, self.dtype, self.name = rows.row_shape, rows.dtype, rows.name
        self.feature_names, self.labels = rows.feature_names, rows.labels
        self.block_starts = rows.block_starts

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def in_memory(self) -> bool:  # noqa: D102
        return self._rows.in_memory

    def take(self, indices: Any) -> np.ndarray:  # noqa: D102
        with self._turn:
            return self._rows.take(indices)

    def original_index(self, row: int) -> int:  # noqa: D102
        return self._rows.original_index(row)


def over_rows(
    function: Callable[[Source], Any], source: Source, text: str, verbose: bool = False
) -> np.ndarray:
    """Apply a function to all rows, batch by batch, and put together what it gives.

    Parameters
    ----------
    function : callable
        From a `Source` of some rows, with their columns' names, to an array of as many.
    source : Source
    text : str
        What is being done, for the console.
    verbose : bool

    Returns
    -------
    ndarray of shape (n, ...)

    Raises
    ------
    DataError
        If a row holds NaN or infinity; it is named as it stands in what was opened.

    Examples
    --------
    >>> over_rows(lambda rows: rows[:].sum(axis=1), ArraySource(np.eye(3)), "adding").tolist()
    [1.0, 1.0, 1.0]
    """
    parts = []
    for _, batch in read_batches(source, task=text, verbose=verbose):
        rows = ArraySource(batch, feature_names=source.feature_names, name=source.name)
        parts.append(np.asarray(function(rows)))
    return np.concatenate(parts)
