"""Rows that are computed or copied from the rows of another source."""

import numpy as np

from latentmap.data.sources import ArraySource, Source


class ConvertedRows(Source):
    """Source whose row i is computed from row i of another source; a subclass defines ``take``."""

    def __init__(self, rows: Source) -> None:
        self.rows, self.name, self.labels = rows, rows.name, rows.labels
        self.row_shape, self.feature_names = rows.row_shape, rows.feature_names
        self.block_starts = rows.block_starts

    def __len__(self) -> int:
        return len(self.rows)

    def original_index(self, row: int) -> int:
        """Return the index of a row in the data that was opened, from 0."""
        return self.rows.original_index(row)


class CachedSource(ArraySource):
    """A copy of the rows of another source, with the same `original_index`."""

    def __init__(self, original: Source, array: np.ndarray) -> None:
        super().__init__(
            array,
            feature_names=original.feature_names,
            labels=original.labels,
            name=original.name,
        )
        self.allow_nan, self.encoder = original.allow_nan, original.encoder
        self.metadata = original.metadata
        self._original = original

    def original_index(self, row: int) -> int:  # noqa: D102
        return self._original.original_index(row)
