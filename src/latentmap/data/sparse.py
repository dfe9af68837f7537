"""Sparse matrices as rows: only the rows that are asked for are ever made dense.

A batch for a network is small, so it is dense. What looks at all rows at once, their statistics and
their principal components, takes them as they are stored, by ``take_sparse`` and
``sparse_batches``. Parts of a matrix share its numbers and know their own rows, so that a split
copies nothing.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from latentmap.data import batching
from latentmap.data.array_checks import LARGEST, check_labels, check_rows
from latentmap.data.sources import Source
from latentmap.errors import DataError

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["SparseSource", "is_sparse"]


def is_sparse(data: Any) -> bool:
    """Tell whether ``data`` is a sparse matrix or array of SciPy, without importing SciPy.

    Examples
    --------
    >>> from scipy.sparse import eye_array
    >>> is_sparse(eye_array(3)), is_sparse(np.eye(3))
    (True, False)
    """
    sparse = sys.modules.get("scipy.sparse")  # whoever made such a matrix has imported it
    return sparse is not None and bool(sparse.issparse(data))


class SparseSource(Source):
    """A sparse matrix in memory.

    Parameters
    ----------
    matrix : scipy.sparse matrix or array of shape (n, d)
        Real numbers, in any format; numbers stored twice for one place are added up. Never changed:
        rows in CSR are kept, where they can be, all others copied.
    feature_names : list of str, optional
    labels : array-like of shape (n,), optional
    name : str
        For messages.

    Raises
    ------
    DataError
        If these are not rows of numbers, or the labels are not one a row.

    Notes
    -----
    ``nbytes`` counts the rows as dense, as their batches are; ``load`` leaves them sparse.

    Examples
    --------
    >>> from scipy.sparse import eye_array
    >>> rows = SparseSource(eye_array(1000, 500, dtype=np.float32, format="csr"))
    >>> rows
    <SparseSource 'the sparse matrix': 1000 rows of shape (500,), float32>
    >>> rows[1:3][:, :4].tolist()
    [[0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]]
    >>> rows.stored
    500
    """

    is_decoded = True

    def __init__(
        self,
        matrix: Any,
        *,
        feature_names: list[str] | None = None,
        labels: Any = None,
        name: str = "the sparse matrix",
    ) -> None:
        if len(matrix.shape) > 2:
            raise DataError(f"{name}: expected sparse rows of numbers, found shape {matrix.shape}")
        self.dtype = check_rows(name, matrix.shape, matrix.dtype)
        self.row_shape, self.name, self.feature_names = matrix.shape[1:], name, feature_names
        self.labels = check_labels(name, labels, matrix.shape[0])
        self._whole = _canonical(matrix).astype(self.dtype, copy=False)
        self._places = np.arange(matrix.shape[0])

    def __len__(self) -> int:
        return len(self._places)

    @property
    def stored(self) -> int:
        """How many numbers of these rows are stored; all others are zero."""
        return int(np.diff(self._whole.indptr)[self._places].sum())

    def take(self, indices: Any) -> np.ndarray:  # noqa: D102
        return self.take_sparse(indices).toarray()

    def take_sparse(self, indices: Any) -> csr_array:
        """Give the rows at ``indices`` as CSR, sorted, without duplicates, and the caller's own."""
        return self._whole[self._places[np.asarray(indices, dtype=np.intp)]]

    def sparse_batches(self, numbers: int) -> Iterator[csr_array]:
        """Iterate over all rows once, in order, as CSR.

        Parameters
        ----------
        numbers : int
            About how many numbers are stored in a batch.

        Returns
        -------
        iterator of scipy.sparse.csr_array of shape (any, d)

        Examples
        --------
        >>> from scipy.sparse import eye_array
        >>> [part.shape for part in SparseSource(eye_array(5, 3)).sparse_batches(2)]
        [(2, 3), (2, 3), (1, 3)]
        """
        size = max(1, numbers * len(self) // max(self.stored, len(self)))
        return batching.in_order(self.take_sparse, len(self), size)

    def check(self, batch: Any, first_row: int) -> None:
        """Refuse bad numbers as `Source.check` does, in a batch that is dense or CSR."""
        if is_sparse(batch):
            good = np.abs(batch.data) <= LARGEST
            if good.all():
                return
            row = int(np.searchsorted(batch.indptr, good.argmin(), side="right")) - 1
            batch, first_row = batch[[row]].toarray(), first_row + row
        super().check(batch, first_row)

    def original_index(self, row: int) -> int:  # noqa: D102
        return int(self._places[row])

    def subset(self, indices: Any) -> SparseSource:  # noqa: D102
        chosen = np.atleast_1d(self._positions(indices))
        if len(chosen) == 0:
            raise DataError(f"{self.name}: expected at least one row, found none chosen")
        part = copy.copy(self)
        part._places = self._places[chosen]
        part.labels = None if self.labels is None else self.labels[chosen]
        return part

    def _without(self, left_out: np.ndarray) -> SparseSource:
        return self.subset(np.delete(np.arange(len(self)), left_out))

    def load(self, max_bytes: int | None = None) -> Source:
        """Give this source itself: its rows are in memory, and stay sparse."""
        return self


def _canonical(matrix: Any) -> csr_array:
    """Make CSR of a matrix, every place stored once and in order, leaving the matrix as it is."""
    from scipy.sparse import csr_array

    rows = csr_array(matrix)
    if not rows.has_canonical_format:
        rows = rows.copy()
        rows.sum_duplicates()
    rows.prune()
    return rows
