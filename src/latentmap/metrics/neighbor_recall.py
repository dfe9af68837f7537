"""Recall of the nearest rows of the data among the nearest rows on the map."""

from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike

from latentmap.analysis.encoding import numeric_rows
from latentmap.data.code_checks import check_codes
from latentmap.data.types import DataLike
from latentmap.errors import DataError, SettingError
from latentmap.metrics.metric_inputs import check_length, check_width, flatten, read_rows
from latentmap.number_checks import check_number
from latentmap.preprocessing.neighbors import NeighborIndex, drop_self

# A tree is faster than a search of all points in up to this many dimensions.
MAX_TREE_WIDTH = 3


def neighbor_recall(
    rows: DataLike,
    codes: ArrayLike,
    reference_rows: DataLike | None = None,
    reference_codes: ArrayLike | None = None,
    k: int = 10,
    verbose: bool = False,
) -> float:
    """Compute the share of the nearest rows in the data that are among the nearest on the map.

    Parameters
    ----------
    rows : array-like of shape (n, ...), sparse matrix, or Source
        Preferably rows that were not fitted.
    codes : array-like of shape (n, n_components)
        Their codes, in the same order.
    reference_rows : array-like of shape (m, ...), sparse matrix, or Source, optional
        Rows among which neighbours are searched, such as the fitted rows. By default the other
        rows.
    reference_codes : array-like of shape (m, n_components), optional
        Codes of the reference rows.
    k : int
        Number of neighbours.
    verbose : bool
        Show the progress of the search.

    Returns
    -------
    float
        From 0 to 1; about k / m for random codes. NaN if there are at most k reference rows, since
        every map has a recall of 1 then.

    Raises
    ------
    SettingError
        If ``k`` is below 1.
    DataError
        If rows and codes differ in number, if rows and reference differ in the number of columns or
        of components, or if only one of the two references is given.

    Notes
    -----
    R = 1 / (n k) Σᵢ |Nₖ(xᵢ) ∩ Nₖ(zᵢ)|, where Nₖ(xᵢ) are the k nearest reference rows of row i, and
    Nₖ(zᵢ) the reference rows whose codes are the k nearest ones of its code. For the rows
    themselves it is Q_NX of J. A. Lee and M. Verleysen, "Quality assessment of dimensionality
    reduction: Rank-based criteria", Neurocomputing 72, 2009. The neighbours are exact, found by
    faiss or, on the map, by a k-d tree.

    Examples
    --------
    >>> fitted_rows, fitted_codes = [[0.0], [1.0], [2.0], [3.0]], [[0.0], [2.0], [1.0], [3.0]]
    >>> neighbor_recall([[0.1]], [[0.1]], fitted_rows, fitted_codes, k=2)
    0.5
    """
    recall = neighbor_recall_per_row(rows, codes, reference_rows, reference_codes, k, verbose)
    return float(recall.mean())


def neighbor_recall_per_row(
    rows: DataLike,
    codes: ArrayLike,
    reference_rows: DataLike | None = None,
    reference_codes: ArrayLike | None = None,
    k: int = 10,
    verbose: bool = False,
) -> np.ndarray:
    """Compute the neighbour recall of each row, for example as the colour of a plot.

    Parameters
    ----------
    rows, codes, reference_rows, reference_codes, k, verbose
        See `neighbor_recall`.

    Returns
    -------
    ndarray of shape (n,)
        Multiples of 1 / k from 0 to 1; NaN if there are at most k reference rows.

    Raises
    ------
    DataError, SettingError
        See `neighbor_recall`.

    Examples
    --------
    >>> fitted_rows, fitted_codes = [[0.0], [1.0], [2.0], [3.0]], [[0.0], [2.0], [1.0], [3.0]]
    >>> new_rows = [[0.1], [1.4]]
    >>> neighbor_recall_per_row(new_rows, new_rows, fitted_rows, fitted_codes, k=2).tolist()
    [0.5, 1.0]
    """
    check_number("k", k, Integral, 1)
    X, Z, reference = _flat_rows(rows), check_codes(codes), None
    check_length("codes", len(Z), len(X))
    if (reference_rows is None) != (reference_codes is None):
        raise DataError(
            "reference_rows, reference_codes: expected both or neither, found only one of them"
        )
    if reference_rows is not None and reference_codes is not None:
        reference = _flat_rows(reference_rows), check_codes(reference_codes, name="reference_codes")
        check_length("reference_codes", len(reference[1]), len(reference[0]))
        check_width("rows", X.shape[1], reference[0].shape[1], "reference_rows")
        check_width("codes", Z.shape[1], reference[1].shape[1], "reference_codes")
    if (len(X) - 1 if reference is None else len(reference[0])) <= k:
        return np.full(len(X), np.nan)
    pairs = zip((X, Z), reference or (None, None), strict=True)
    return neighbor_overlap(
        *(nearest_rows(points, references, k, verbose) for points, references in pairs)
    )


def nearest_rows(
    rows: DataLike, reference_rows: DataLike | None = None, k: int = 10, verbose: bool = False
) -> np.ndarray:
    """Find the k nearest reference rows of each row, in Euclidean distance.

    The neighbours in the data do not depend on the map, so several maps can be compared by
    `neighbor_overlap` with one search.

    Parameters
    ----------
    rows : array-like of shape (n, ...), sparse matrix, or Source
        Rows, or codes.
    reference_rows : array-like of shape (m, ...), sparse matrix, or Source, optional
        By default the other rows.
    k : int
        From 1 to the number of reference rows.
    verbose : bool
        Show the progress of the search.

    Returns
    -------
    ndarray of shape (n, k)
        Numbers of the reference rows, int64, nearest first.

    Raises
    ------
    SettingError
        If ``k`` is out of range.
    DataError
        If rows and reference differ in the number of columns.

    Examples
    --------
    >>> nearest_rows([[0.0], [1.0], [5.0]], k=2).tolist()
    [[1, 2], [0, 2], [1, 0]]
    >>> nearest_rows([[0.0], [4.0]], [[1.0], [3.0]], k=1).tolist()
    [[0], [1]]
    """
    queries = _flat_rows(rows)
    points = queries if reference_rows is None else _flat_rows(reference_rows)
    check_width("rows", queries.shape[1], points.shape[1], "reference_rows")
    n_excluded = int(reference_rows is None)
    check_number("k", k, Integral, 1)
    if k > len(points) - n_excluded:
        raise SettingError(
            f"k: expected 1 to {len(points) - n_excluded}, the number of reference rows, found {k}"
        )
    neighbors = _search(queries, points, k + n_excluded, verbose)
    return drop_self(neighbors, np.arange(len(queries))) if n_excluded else neighbors


def neighbor_overlap(neighbors: ArrayLike, map_neighbors: ArrayLike) -> np.ndarray:
    """Compute the share of each row's neighbours that are also its neighbours on the map.

    Parameters
    ----------
    neighbors, map_neighbors : array-like of shape (n, k)
        Numbers of the k nearest rows, each at most once; see `nearest_rows`.

    Returns
    -------
    ndarray of shape (n,)
        Multiples of 1 / k from 0 to 1.

    Raises
    ------
    DataError
        If the shapes differ.

    Examples
    --------
    >>> neighbor_overlap([[1, 2], [0, 2]], [[2, 3], [2, 0]]).tolist()
    [0.5, 1.0]
    """
    data_neighbors, other_neighbors = np.asarray(neighbors), np.asarray(map_neighbors)
    if data_neighbors.ndim != 2 or data_neighbors.shape != other_neighbors.shape:
        raise DataError(
            f"map_neighbors: expected shape (n, k) as neighbors {data_neighbors.shape}, "
            f"found {other_neighbors.shape}"
        )
    if not all(a.dtype.kind in "iu" for a in (data_neighbors, other_neighbors)):
        raise DataError(
            "neighbors, map_neighbors: expected integer row indices, found other values"
        )
    # The numbers in a row are distinct, so a number that occurs twice here is in both arrays.
    numbers = np.sort(np.hstack([data_neighbors, other_neighbors]), axis=1)
    return (numbers[:, 1:] == numbers[:, :-1]).sum(axis=1) / data_neighbors.shape[1]


def _flat_rows(rows: DataLike) -> np.ndarray:
    """Return rows as float32 or float64 of shape (n, d), without missing values."""
    array = read_rows(numeric_rows(None, rows))
    flat = array.reshape(len(array), -1)
    return np.nan_to_num(flat.astype(np.float64)) if flat.dtype.itemsize == 8 else flatten(flat)


def _search(queries: np.ndarray, points: np.ndarray, k: int, verbose: bool) -> np.ndarray:
    # Squared distances of float32 lose digits far from the origin.
    center = points.mean(axis=0, dtype=np.float64)
    queries, points = (flatten(a - center.astype(a.dtype)) for a in (queries, points))
    if points.shape[1] <= MAX_TREE_WIDTH:
        from scipy.spatial import cKDTree

        return cKDTree(points).query(queries, np.arange(1, k + 1), workers=-1)[1]
    task = "Finding neighbours" if verbose else ""
    return NeighborIndex(points, 0, n_searched_cells=0).search(queries, k, task)
