"""Sparse matrices as sources; only requested rows are made dense."""

from __future__ import annotations

import copy
import math
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeGuard

import numpy as np
from numpy.typing import ArrayLike

from latentmap.data import batching
from latentmap.data.array_checks import MAX_MAGNITUDE, check_labels, check_rows
from latentmap.data.index_checks import check_sparse
from latentmap.data.memory import check_requested_memory
from latentmap.data.sources import Source
from latentmap.errors import DataError

if TYPE_CHECKING:
    from scipy.sparse import csr_array, sparray, spmatrix


def is_sparse(data: object) -> TypeGuard[sparray]:
    """Return whether ``data`` is a sparse matrix or array of SciPy, without importing SciPy."""
    # A sparse array can exist only if SciPy has been imported.
    sparse = sys.modules.get("scipy.sparse")
    return sparse is not None and bool(sparse.issparse(data))


class SparseSource(Source):
    """A sparse matrix in memory.

    Parameters
    ----------
    matrix : scipy.sparse matrix or array of shape (n, d)
        Real numbers in any format; duplicate entries are summed. The matrix is not changed, and a
        CSR matrix without duplicates is not copied.
    feature_names : list of str, optional
    labels : array-like of shape (n,), optional
    name : str
        Used in messages.

    Raises
    ------
    DataError
        If these are not rows of numbers, an index is invalid, or the number of labels is not the
        number of rows.

    Notes
    -----
    ``nbytes`` is the size of the dense rows. ``load`` leaves the rows sparse.

    Examples
    --------
    >>> from scipy.sparse import eye_array
    >>> rows = SparseSource(eye_array(1000, 500, dtype=np.float32, format="csr"))
    >>> rows
    <SparseSource 'the sparse matrix': 1000 rows of shape (500,), float32>
    >>> rows[1:3][:, :4].tolist()
    [[0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]]
    >>> rows.n_stored
    500
    """

    is_decoded = True

    def __init__(
        self,
        matrix: sparray | spmatrix,
        *,
        feature_names: list[str] | None = None,
        labels: ArrayLike | None = None,
        name: str = "the sparse matrix",
    ) -> None:
        if len(matrix.shape) > 2:
            raise DataError(f"{name}: expected sparse rows of numbers, found shape {matrix.shape}")
        self.dtype = check_rows(name, matrix.shape, matrix.dtype)
        self.row_shape, self.name, self.feature_names = matrix.shape[1:], name, feature_names
        self.labels = check_labels(name, labels, matrix.shape[0])
        self._matrix = as_csr(name, matrix).astype(self.dtype, copy=False)
        self._row_numbers = np.arange(matrix.shape[0])

    def __len__(self) -> int:
        return len(self._row_numbers)

    @property
    def n_stored(self) -> int:
        """Number of stored numbers in the rows; all other numbers are zero."""
        return int(np.diff(self._matrix.indptr)[self._row_numbers].sum())

    def take(self, indices: ArrayLike) -> np.ndarray:  # noqa: D102
        rows = self.take_sparse(indices)
        check_requested_memory(self.name, math.prod(rows.shape) * self.dtype.itemsize)
        return rows.toarray()

    def take_sparse(self, indices: ArrayLike) -> csr_array:
        """Return a copy of the rows at ``indices`` as CSR, sorted and without duplicates."""
        return self._matrix[self._row_numbers[np.asarray(indices, dtype=np.intp)]]

    def sparse_batches(self, numbers: int) -> Iterator[csr_array]:
        """Iterate over all rows once, in order, as CSR of about ``numbers`` stored numbers."""
        size = max(1, numbers * len(self) // max(self.n_stored, len(self)))
        return batching.ordered_batches(self.take_sparse, len(self), size)

    def check(self, batch: np.ndarray | csr_array, first_row: int) -> None:
        """Raise DataError as `Source.check` does, for a batch that is dense or CSR."""
        if is_sparse(batch):
            valid = np.abs(batch.data) <= MAX_MAGNITUDE
            if valid.all():
                return
            row = int(np.searchsorted(batch.indptr, valid.argmin(), side="right")) - 1
            batch, first_row = batch[[row]].toarray(), first_row + row
        super().check(batch, first_row)

    def original_index(self, row: int) -> int:  # noqa: D102
        return int(self._row_numbers[row])

    def subset(self, indices: ArrayLike) -> SparseSource:  # noqa: D102
        row_indices = np.atleast_1d(self._as_indices(indices))
        if len(row_indices) == 0:
            raise DataError(f"{self.name}: expected at least one row, found an empty selection")
        part = copy.copy(self)
        part._row_numbers = self._row_numbers[row_indices]
        part.labels = None if self.labels is None else self.labels[row_indices]
        part.metadata = None if self.metadata is None else self.metadata.subset(row_indices)
        return part

    def _without(self, excluded_indices: np.ndarray) -> SparseSource:
        return self.subset(np.delete(np.arange(len(self)), excluded_indices))

    def load(self) -> Source:
        """Return this source itself, because its rows are in memory and stay sparse."""
        return self


def as_csr(name: str, matrix: sparray | spmatrix) -> csr_array:
    """Convert a matrix to sorted CSR without duplicates, without changing it.

    Raise DataError if its arrays do not fit one another, and TooLargeError if they do not fit into
    memory.
    """
    from scipy.sparse import csr_array

    check_sparse(name, matrix)
    if matrix.format != "csr":
        check_requested_memory(name, 16 * matrix.shape[0])
    try:
        rows = csr_array(matrix)
        if not rows.has_canonical_format:
            rows = rows.copy()
            rows.sum_duplicates()
        rows.prune()
    except (TypeError, ValueError, OverflowError) as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f"{name}: expected a valid sparse matrix, found {reason}") from error
    return rows
