"""Subsets of a source, whose rows are read through the source."""

from abc import abstractmethod

import numpy as np
from numpy.typing import ArrayLike

from latentmap.data.sources import Source
from latentmap.errors import DataError


class _Subset(Source):
    """Rows of a parent source: row i is row ``_parent_indices(i)`` of the parent."""

    def __init__(self, parent: Source) -> None:
        self.parent, self.is_decoded = parent, parent.is_decoded
        self.row_shape, self.dtype, self.name = parent.row_shape, parent.dtype, parent.name
        self.feature_names = parent.feature_names
        self.allow_nan, self.table_schema = parent.allow_nan, parent.table_schema
        self.encoder = parent.encoder
        self._labels: np.ndarray | None = None
        self._metadata: Source | None = None

    @abstractmethod
    def _parent_indices(self, indices: np.ndarray) -> np.ndarray: ...

    @property
    def labels(self) -> np.ndarray | None:
        """Labels of these rows, taken from the parent at each access to save memory."""
        labels = self.parent.labels
        if self._labels is not None:
            return self._labels
        return None if labels is None else labels[self._parent_indices(np.arange(len(self)))]

    @labels.setter
    def labels(self, labels: np.ndarray | None) -> None:
        self._labels = labels

    @property
    def metadata(self) -> Source | None:
        """Metadata of these rows, read through the metadata of the parent."""
        metadata = self.parent.metadata
        if self._metadata is not None or metadata is None:
            return self._metadata
        return metadata.subset(self._parent_indices(np.arange(len(self))))

    @metadata.setter
    def metadata(self, metadata: Source | None) -> None:
        self._metadata = metadata

    @property
    def in_memory(self) -> bool:
        # A reordered subset has no blocks, even if the rows are not in memory.
        return self.parent.in_memory

    def original_index(self, row: int) -> int:
        return self.parent.original_index(int(self._parent_indices(np.asarray(row))))

    def take(self, indices: ArrayLike) -> np.ndarray:
        return self.parent.take(self._parent_indices(np.asarray(indices, dtype=np.intp)))


class RowSubset(_Subset):
    """The rows of a source at an array of indices, in that order."""

    def __init__(self, parent: Source, indices: np.ndarray) -> None:
        if len(indices) == 0:
            raise DataError(f"{parent.name}: expected at least one row, found an empty selection")
        super().__init__(parent)
        self.indices = indices
        # The blocks of the parent follow each other here only if the order of rows is the same.
        if parent.block_starts is not None and np.all(np.diff(indices) > 0):
            self.block_starts = np.unique(np.searchsorted(indices, parent.block_starts))
            self.block_starts = self.block_starts[self.block_starts < len(indices)]

    def __len__(self) -> int:
        return len(self.indices)

    def _parent_indices(self, indices: np.ndarray) -> np.ndarray:
        return self.indices[indices]


class RowsWithout(_Subset):
    """All rows of a source except a few, in their order; excluded indices are in memory."""

    def __init__(self, parent: Source, excluded_indices: np.ndarray) -> None:
        super().__init__(parent)
        self.length = len(parent) - len(excluded_indices)
        # For each excluded row, the number of remaining rows before it.
        self._remaining_before = excluded_indices - np.arange(len(excluded_indices))
        if parent.block_starts is not None:
            starts = parent.block_starts - np.searchsorted(excluded_indices, parent.block_starts)
            self.block_starts = np.unique(starts[starts < self.length])

    def __len__(self) -> int:
        return self.length

    def _parent_indices(self, indices: np.ndarray) -> np.ndarray:
        return indices + np.searchsorted(self._remaining_before, indices, side="right")
