"""Global metrics: agreement of distances in the data with distances on the map."""

import math
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike

from latentmap.data.array_checks import as_labels, missing_labels
from latentmap.data.memory import check_requested_memory
from latentmap.data.types import DataLike
from latentmap.metrics.metric_inputs import check_length, read_rows_and_codes
from latentmap.number_checks import check_number, check_seed

BLOCK_NUMBERS = 2**22


def random_triplet_accuracy(
    X: DataLike, codes: ArrayLike, n_triplets: int = 50_000, seed: int = 0
) -> float:
    """Compute the share of random triplets whose two distances have the same order on the map.

    Parameters
    ----------
    X : array-like of shape (n, ...), sparse matrix, or Source
        The rows.
    codes : array-like of shape (n, n_components)
        Their codes, in the same order.
    n_triplets : int
        The standard error is at most 0.5 / √n_triplets.
    seed : int
        Random seed of the triplets.

    Returns
    -------
    float
        From 0 to 1; about 0.5 for random codes. NaN for fewer than three rows.

    Raises
    ------
    SettingError
        If ``n_triplets`` is below 1.
    DataError
        If there are not as many codes as rows.

    Notes
    -----
    A = mean of [‖xᵢ − xⱼ‖ < ‖xᵢ − xₗ‖] = [‖zᵢ − zⱼ‖ < ‖zᵢ − zₗ‖] over random triplets of different
    rows i, j, l, where x are the rows and z their codes. Y. Wang, H. Huang, C. Rudin,
    Y. Shaposhnik, "Understanding How Dimension Reduction Tools Work: An Empirical Approach to
    Deciphering t-SNE, UMAP, TriMap, and PaCMAP for Data Visualization", JMLR 22, 2021, with five
    triplets for each of 10,000 rows.

    Examples
    --------
    >>> rows = np.random.default_rng(0).normal(size=(100, 3))
    >>> random_triplet_accuracy(rows, rows * 2 + 1)
    1.0
    >>> random_triplet_accuracy([[0.0], [1.0], [3.0]], [[0.0], [3.0], [1.0]], n_triplets=3000) < 0.5
    True
    """
    check_number("n_triplets", n_triplets, Integral, 1)
    check_requested_memory("n_triplets", 8 * n_triplets * 12)
    check_seed(seed)
    rows, points = read_rows_and_codes(X, codes)
    if len(rows) < 3:
        return math.nan
    triplets = _draw_triplets(len(rows), n_triplets, seed)
    return float(np.mean(_first_is_nearer(rows, triplets) == _first_is_nearer(points, triplets)))


def distance_rank_correlation(
    X: DataLike, codes: ArrayLike, max_rows: int = 1000, seed: int = 0
) -> float:
    """Compute the Spearman correlation of the distances in the data with those on the map.

    Parameters
    ----------
    X, codes
        See `random_triplet_accuracy`.
    max_rows : int
        All pairs of at most this many random rows are compared.
    seed : int
        Random seed of the sample.

    Returns
    -------
    float
        From −1 to 1; about 0 for random codes. NaN for fewer than three rows, and if all distances
        are equal.

    Raises
    ------
    DataError
        If there are not as many codes as rows.

    Notes
    -----
    Pearson's correlation of the ranks of ‖xᵢ − xⱼ‖ and of ‖zᵢ − zⱼ‖ over all pairs of rows i < j,
    where x are the rows and z their codes; equal distances have the mean of their ranks. D. Kobak
    and P. Berens, "The art of using t-SNE for single-cell transcriptomics", Nature Communications
    10, 2019, with 1,000 random rows.

    Examples
    --------
    >>> rows = np.random.default_rng(0).normal(size=(100, 3))
    >>> round(distance_rank_correlation(rows, rows * 2 + 1), 6)
    1.0
    """
    from scipy.stats import spearmanr
    from sklearn.metrics import euclidean_distances

    rows, points = read_rows_and_codes(X, codes, max_rows, seed)
    if len(rows) < 3:
        return math.nan
    pairs = np.triu_indices(len(rows), 1)
    row_distances, code_distances = (euclidean_distances(a)[pairs] for a in (rows, points))
    if np.ptp(row_distances) == 0 or np.ptp(code_distances) == 0:
        return math.nan
    return float(spearmanr(row_distances, code_distances).statistic)


def centroid_rank_correlation(
    X: DataLike, codes: ArrayLike, labels: ArrayLike, max_classes: int = 1000, seed: int = 0
) -> float:
    """Compute the Spearman correlation of the distances of class centroids in data and on the map.

    Parameters
    ----------
    X, codes
        See `random_triplet_accuracy`.
    labels : array-like of shape (n,)
        Class of each row. Rows without a label (NaN, None or "") are left out.
    max_classes : int
        All pairs of at most this many random classes are compared.
    seed : int
        Random seed of the sample of classes.

    Returns
    -------
    float
        From −1 to 1. NaN for fewer than three classes, and if all distances are equal. With few
        classes it has few possible values: four for three classes.

    Raises
    ------
    DataError
        If there are not as many codes, or labels, as rows.

    Notes
    -----
    The correlation of `distance_rank_correlation`, computed for the mean row and the mean code of
    each class. D. Kobak and P. Berens (2019) also compare class means, by their nearest neighbours.

    Examples
    --------
    >>> rows = np.array([[0.0], [0.1], [1.0], [1.1], [5.0], [5.1]])
    >>> labels = ["a", "a", "b", "b", "c", "c"]
    >>> round(centroid_rank_correlation(rows, 2 * rows, labels), 6)
    1.0
    """
    rows, points = read_rows_and_codes(X, codes)
    classes = as_labels(labels)
    check_length("labels", len(classes), len(rows))
    is_known = ~missing_labels(classes)
    if not is_known.any():
        return math.nan
    row_means, code_means = (_class_means(a[is_known], classes[is_known]) for a in (rows, points))
    return distance_rank_correlation(row_means, code_means, max_classes, seed)


def _draw_triplets(n_rows: int, n_triplets: int, seed: int) -> np.ndarray:
    """Return random triplets of different row numbers, shape (n_triplets, 3)."""
    rng = np.random.default_rng(seed)
    anchor = rng.integers(n_rows, size=n_triplets)
    first = rng.integers(n_rows - 1, size=n_triplets)
    second = rng.integers(n_rows - 2, size=n_triplets)
    second += second >= first
    return np.stack([anchor, (anchor + 1 + first) % n_rows, (anchor + 1 + second) % n_rows], axis=1)


def _first_is_nearer(points: np.ndarray, triplets: np.ndarray) -> np.ndarray:
    """Return for each triplet whether the second point is nearer to the first than the third is."""
    result = np.empty(len(triplets), bool)
    block_rows = max(1, BLOCK_NUMBERS // points.shape[1])
    for start in range(0, len(triplets), block_rows):
        block = slice(start, start + block_rows)
        anchor, first, second = (points[numbers] for numbers in triplets[block].T)
        distances = (np.einsum("ij,ij->i", d, d) for d in (anchor - first, anchor - second))
        result[block] = np.less(*distances)
    return result


def _class_means(points: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Return the mean point of each class, in the order of the class names."""
    numbers, counts = np.unique(classes, return_inverse=True, return_counts=True)[1:]
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    order = np.argsort(numbers, kind="stable")
    return np.add.reduceat(points[order], starts, axis=0, dtype=np.float64) / counts[:, None]
