"""Trustworthiness and continuity: ranks of the neighbours of one space in the other.

scikit-learn's `trustworthiness` holds all pairs of rows in memory, and the ranks of rows at equal
distances depend on their order. Here pairs are compared block by block, and rows at equal distances
have the mean of their ranks.
"""

import math
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike

from latentmap.data.types import DataLike
from latentmap.metrics.metric_inputs import read_rows_and_codes
from latentmap.metrics.neighbor_recall import nearest_rows
from latentmap.number_checks import check_number

BLOCK_PAIRS = 2**20


def trustworthiness(
    X: DataLike, codes: ArrayLike, k: int = 10, max_rows: int = 5000, seed: int = 0
) -> float:
    """Compute how far the nearest neighbours in code space are neighbours among the rows.

    Parameters
    ----------
    X : array-like of shape (n, ...), sparse matrix, or Source
        The rows.
    codes : array-like of shape (n, n_components)
        Their codes, in the same order.
    k : int
        Number of neighbours; fewer if there are at most 2 k rows.
    max_rows : int
        A random sample of more rows is used, because the time is quadratic in their number.
    seed : int
        Random seed of the sample.

    Returns
    -------
    float
        From 0 to 1; about 0.5 for random codes. NaN for fewer than three rows.

    Raises
    ------
    SettingError
        If ``k`` is below 1.
    DataError
        If there are not as many codes as rows.

    Notes
    -----
    T = 1 − 2 / (n k (2n − 3k − 1)) Σᵢ Σⱼ max(0, r(i, j) − k), where the inner sum is over the k
    nearest neighbours j of i in code space, and r(i, j) is the rank of j among the neighbours of
    row i. J. Venna and S. Kaski, "Neighborhood preservation in nonlinear projection methods",
    ICANN 2001.

    Examples
    --------
    >>> rows = np.random.default_rng(0).normal(size=(100, 3))
    >>> trustworthiness(rows, rows * 2 + 1)
    1.0
    """
    check_number("k", k, Integral, 1)
    rows, points = read_rows_and_codes(X, codes, max_rows, seed)
    return _rank_preservation(points, rows, k)


def continuity(
    X: DataLike, codes: ArrayLike, k: int = 10, max_rows: int = 5000, seed: int = 0
) -> float:
    """Compute how far the nearest neighbours among the rows are neighbours in code space.

    It is low if a map tears neighbours apart; `trustworthiness` is low if a map puts rows next to
    each other that are not neighbours.

    Parameters
    ----------
    X, codes, k, max_rows, seed
        See `trustworthiness`.

    Returns
    -------
    float
        From 0 to 1; about 0.5 for random codes. NaN for fewer than three rows.

    Raises
    ------
    DataError, SettingError
        See `trustworthiness`.

    Notes
    -----
    C = 1 − 2 / (n k (2n − 3k − 1)) Σᵢ Σⱼ max(0, r(i, j) − k), where the inner sum is over the k
    nearest neighbours j of row i, and r(i, j) is the rank of j among the neighbours of i in code
    space. J. Venna and S. Kaski, "Neighborhood preservation in nonlinear projection methods",
    ICANN 2001.

    Examples
    --------
    A circle is cut open, so that its ends are apart on the line:

    >>> angle = np.linspace(0, 6.2, 100)[:, None]
    >>> circle = np.hstack([np.cos(angle), np.sin(angle)])
    >>> round(continuity(circle, angle), 3), round(trustworthiness(circle, angle), 3)
    (0.969, 0.999)
    """
    check_number("k", k, Integral, 1)
    rows, points = read_rows_and_codes(X, codes, max_rows, seed)
    return _rank_preservation(rows, points, k)


def _rank_preservation(neighbor_space: np.ndarray, rank_space: np.ndarray, k: int) -> float:
    """Return 1 minus the normalised excess over k of the ranks of the k nearest neighbours."""
    n = len(rank_space)
    k = min(k, (n - 1) // 2)
    if k < 1:
        return math.nan
    neighbors = nearest_rows(neighbor_space, k=k)
    points, block_rows = rank_space.astype(np.float64), max(1, BLOCK_PAIRS // n)
    ranks = (
        _mean_ranks(points, np.arange(start, min(start + block_rows, n)), neighbors)
        for start in range(0, n, block_rows)
    )
    excess = sum(float(np.maximum(block_ranks - k, 0).sum()) for block_ranks in ranks)
    return 1.0 - 2.0 * excess / (n * k * (2 * n - 3 * k - 1))


def _mean_ranks(points: np.ndarray, block: np.ndarray, neighbors: np.ndarray) -> np.ndarray:
    """Return the ranks of the given neighbours of a block of points, shape (k, n), from 1."""
    from sklearn.metrics import euclidean_distances

    distances = euclidean_distances(points[block], points, squared=True)
    distances[np.arange(len(block)), block] = np.inf
    neighbor_distances = np.take_along_axis(distances, neighbors[block], axis=1)
    return np.array(
        [
            (1 + (distances < d).sum(axis=1) + (distances <= d).sum(axis=1)) / 2
            for d in np.split(neighbor_distances, neighbors.shape[1], axis=1)
        ]
    )
