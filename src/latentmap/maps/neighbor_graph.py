"""A graph of nearest neighbours that the user gives instead of a search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import numpy as np
from scipy.sparse import csr_matrix

from latentmap.data.index_checks import check_indices, check_sparse
from latentmap.errors import DataError
from latentmap.maps.neighbor_search import Neighbors

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from scipy.sparse import sparray, spmatrix

    NeighborsLike: TypeAlias = tuple[ArrayLike, ArrayLike] | sparray | spmatrix

EXPECTED = (
    "expected arrays (indices, distances) of shape (n, k), or a sparse matrix of shape (n, n)"
)


@dataclass(frozen=True)
class NeighborGraph:
    """Edges from rows to their neighbours.

    Attributes
    ----------
    rows, columns : ndarray of shape (e,)
        Each edge leads from a row to another row.
    distances : ndarray of shape (e,) or None
        None if all edges have the same value, as those of a connectivity graph.
    """

    rows: np.ndarray
    columns: np.ndarray
    distances: np.ndarray | None

    @classmethod
    def from_user(cls, neighbors: NeighborsLike, n_rows: int) -> Self:
        """Validate neighbours of n rows before compiled code uses them.

        Examples
        --------
        >>> indices, distances = [[1, 2], [0, 2], [1, 0]], [[1.0, 3.0], [1.0, 2.0], [2.0, 3.0]]
        >>> NeighborGraph.from_user((indices, distances), 3).columns.tolist()
        [1, 2, 0, 2, 1, 0]
        """
        if hasattr(neighbors, "tocsr"):
            rows, columns, distances = _sparse_edges(neighbors, n_rows)
        elif isinstance(neighbors, tuple | list) and len(neighbors) == 2:
            rows, columns, distances = _array_edges(neighbors[0], neighbors[1], n_rows)
        else:
            raise DataError(f"neighbors: {EXPECTED}, found {type(neighbors).__name__}")
        _check_edges(rows, columns, distances, n_rows)
        is_other = rows != columns
        rows, columns, distances = rows[is_other], columns[is_other], distances[is_other]
        _check_degrees(rows, columns, n_rows)
        is_constant = len(distances) > 0 and np.ptp(distances) == 0
        return cls(rows, columns, None if is_constant else distances)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays of the edges by their names."""
        arrays = {"rows": self.rows, "columns": self.columns, "distances": self.distances}
        return {name: array for name, array in arrays.items() if array is not None}

    def find(self, first: np.ndarray, inverse: np.ndarray, k: int) -> Neighbors | csr_matrix:
        """Return the k nearest neighbours of each distinct row, or all edges without distances.

        The neighbours of a distinct row are those of all rows that are equal to it. All edges are a
        sparse matrix, because a row that is a neighbour of most others would make arrays of shape
        (n, k) as large as all pairs of rows.
        """
        rows, columns = inverse[self.rows], inverse[self.columns]
        distances = np.ones(len(rows)) if self.distances is None else self.distances
        order = np.lexsort((columns, distances, rows))
        order = order[rows[order] != columns[order]]
        if not len(order):
            raise DataError(
                "neighbors: expected edges between different rows, found only edges between rows "
                "that are equal: give more neighbours"
            )
        keys = rows[order].astype(np.int64) * len(first) + columns[order]
        order = order[np.sort(np.unique(keys, return_index=True)[1])]
        rows, columns, distances = rows[order], columns[order], distances[order]
        if self.distances is None:
            return csr_matrix((distances, (rows, columns)), shape=(len(first), len(first)))
        counts = np.bincount(rows, minlength=len(first))
        ranks = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
        is_near = ranks < k
        rows, ranks = rows[is_near], ranks[is_near]
        neighbors = Neighbors(
            np.tile(np.arange(len(first))[:, None], k), np.full((len(first), k), np.inf)
        )
        neighbors.indices[rows, ranks] = columns[is_near]
        neighbors.distances[rows, ranks] = distances[is_near]
        return neighbors


def _array_edges(
    indices: ArrayLike, distances: ArrayLike, n_rows: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    index_array, distance_array = np.asarray(indices), np.asarray(distances)
    shape = index_array.shape
    if index_array.ndim != 2 or shape[0] != n_rows or not shape[1] or distance_array.shape != shape:
        raise DataError(
            f"neighbors: expected indices and distances of shape ({n_rows}, k), found {shape} and "
            f"{distance_array.shape}"
        )
    return np.repeat(np.arange(n_rows), shape[1]), index_array.ravel(), _numbers(distance_array)


def _sparse_edges(graph: Any, n_rows: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the stored values of a sparse matrix, after checks of its index arrays."""
    if graph.shape != (n_rows, n_rows):
        raise DataError(f"neighbors: expected shape {(n_rows, n_rows)}, found {graph.shape}")
    if graph.format not in ("csr", "csc", "coo"):
        raise DataError(
            f"neighbors: expected a sparse matrix in CSR, CSC or COO format, found "
            f"{graph.format}: convert it with .tocsr()"
        )
    check_sparse("neighbors", graph)
    values = _numbers(graph.data)
    if graph.format == "coo":
        rows, columns = np.asarray(graph.row), np.asarray(graph.col)
    else:
        rows = np.repeat(np.arange(n_rows), np.diff(graph.indptr))
        columns, values = (array[: len(rows)] for array in (np.asarray(graph.indices), values))
    return (columns, rows, values) if graph.format == "csc" else (rows, columns, values)


def _numbers(values: np.ndarray) -> np.ndarray:
    try:
        if np.iscomplexobj(values):
            raise TypeError
        return np.asarray(values, np.float64).ravel()
    except (TypeError, ValueError):
        raise DataError(
            "neighbors: expected distances of real numbers, found other values"
        ) from None


def _check_edges(rows: np.ndarray, columns: np.ndarray, distances: np.ndarray, n_rows: int) -> None:
    check_indices("neighbors", rows, n_rows)
    check_indices("neighbors", columns, n_rows)
    is_valid = np.isfinite(distances) & (distances >= 0)
    if not is_valid.all():
        raise DataError(
            f"neighbors: expected finite distances of at least 0, found {distances[~is_valid][0]}"
        )


def _check_degrees(rows: np.ndarray, columns: np.ndarray, n_rows: int) -> None:
    degrees = np.bincount(rows, minlength=n_rows) + np.bincount(columns, minlength=n_rows)
    if n_rows > 1 and not degrees.all():
        raise DataError(
            f"neighbors, row {int(degrees.argmin())}: expected an edge to at least one other row, "
            "found none"
        )
