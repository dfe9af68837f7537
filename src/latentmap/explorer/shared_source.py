"""A source that several threads can read, and the application of functions to its batches."""

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from latentmap.data import ArraySource, Source
from latentmap.data.batching import read_batches
from latentmap.preprocessing.encoded_rows import EncodedArray, EncodedRows
from latentmap.preprocessing.table_encoder import TableEncoder


class SharedSource(Source):
    """Source with a lock, because each request has a thread and readers may not be thread-safe."""

    def __init__(self, rows: Source) -> None:
        self._rows, self._lock = rows, threading.Lock()
        self.row_shape, self.dtype, self.name = rows.row_shape, rows.dtype, rows.name
        self.feature_names, self.labels = rows.feature_names, rows.labels
        self.block_starts, self.table_schema = rows.block_starts, rows.table_schema
        self.metadata = None if rows.metadata is None else SharedSource(rows.metadata)

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def in_memory(self) -> bool:  # noqa: D102
        return self._rows.in_memory

    def take(self, indices: ArrayLike) -> np.ndarray:  # noqa: D102
        with self._lock:
            return self._rows.take(indices)

    def check(self, batch: Any, first_row: int) -> None:
        """Raise DataError if numbers are not finite; a table may hold missing values."""
        if self.table_schema is None:
            super().check(batch, first_row)

    def original_index(self, row: int) -> int:  # noqa: D102
        return self._rows.original_index(row)


def unencoded_rows(rows: Source) -> Source:
    """Return the table that rows were encoded from, or the rows if they are numbers."""
    return rows.rows if isinstance(rows, EncodedRows) else rows


def map_batches(
    function: Callable[[Source], np.ndarray], source: Source, task: str, verbose: bool = False
) -> np.ndarray:
    """Apply a function to a source batch by batch, and return the concatenated results."""
    parts = []
    for _, batch in read_batches(source, task=task, verbose=verbose):
        if isinstance(source.encoder, TableEncoder):
            rows: Source = EncodedArray(batch, source.encoder, source.name)
        else:
            rows = ArraySource(batch, feature_names=source.feature_names, name=source.name)
        parts.append(np.asarray(function(rows)))
    return np.concatenate(parts)
