"""Principal components of a matrix, by what it is: dense; sparse and narrow; sparse and wide.

A sparse matrix is neither made dense nor centred as a whole: where it is narrow, its covariance is
summed up batch by batch, and where it is wide, its mean goes into the matrix products instead.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from latentmap.data.sparse import is_sparse

__all__ = ["Decomposition", "fit_pca"]

NARROW = 1_000
"""Up to so many columns the covariance of sparse rows is decomposed; it is exact, and fast here."""
BATCH_NUMBERS = 1 << 22
CONSTANT = 1e-14
"""The variance, of the squared mean, below which float32 takes rows for equal."""


class Decomposition(NamedTuple):
    """The first components of a matrix of shape (n, d), and what they say of it."""

    mean: np.ndarray
    """Of each column, shape (d,)."""
    components: np.ndarray
    """Orthonormal rows, shape (rank, d)."""
    variance: np.ndarray
    """Along each component, shape (rank,)."""
    total: float
    """The sum of the variances of all columns."""
    codes: np.ndarray
    """The centred rows along the components, shape (n, rank)."""


def fit_pca(x: Any, n_components: int, seed: int) -> Decomposition:
    """Find principal components.

    Parameters
    ----------
    x : ndarray or CSR of shape (n, d)
        Real numbers. In double precision components are exact, but for those of sparse rows of more
        than 1,000 columns, which ARPACK finds to 1% of a variance at the worst.
    n_components : int
        Fewer come back past min(n, d), or past min(n, d) − 1 from ARPACK.
    seed : int
        Of what solvers start from.

    Returns
    -------
    Decomposition

    Examples
    --------
    >>> found = fit_pca(np.array([[0.0, 1.0], [2.0, 1.0], [4.0, 1.0]]), 1, seed=0)
    >>> found.mean.tolist(), found.components.round(6).tolist(), found.codes.round(6).tolist()
    ([2.0, 1.0], [[1.0, 0.0]], [[-2.0], [0.0], [2.0]])
    """
    if not is_sparse(x):
        return _dense(x, min(n_components, *x.shape), seed)
    if x.shape[1] <= NARROW:
        return _narrow(x, min(n_components, *x.shape))
    return _wide(x, min(n_components, min(x.shape) - 1), seed)


def _dense(x: np.ndarray, rank: int, seed: int) -> Decomposition:
    from sklearn.decomposition import PCA

    solver = "full" if x.dtype == np.float64 else "auto"
    with np.errstate(invalid="ignore"):  # constant rows have no variance to take shares of
        pca = PCA(rank, svd_solver=solver, random_state=seed).fit(x)
    variance = pca.explained_variance_ * (len(x) - 1) / len(x)
    total = float(pca.noise_variance_ * (min(x.shape) - rank) + variance.sum())
    codes = (x - pca.mean_) @ pca.components_.T
    return Decomposition(pca.mean_, pca.components_, variance, total, codes)


def _narrow(x: Any, rank: int) -> Decomposition:
    from sklearn.utils.extmath import svd_flip

    (n, d), mean = x.shape, x.mean(axis=0)
    covariance, size = np.zeros((d, d)), max(1, BATCH_NUMBERS // d)
    for start in range(0, n, size):
        centred = x[start : start + size].toarray() - mean
        covariance += centred.T @ centred / n
    values, vectors = np.linalg.eigh(covariance)
    components = svd_flip(None, vectors.T[: -rank - 1 : -1], u_based_decision=False)[1]
    variance = np.maximum(values[: -rank - 1 : -1], 0.0)
    codes = x @ components.T - components @ mean
    return Decomposition(mean, components, variance, float(np.trace(covariance)), codes)


def _wide(x: Any, rank: int, seed: int) -> Decomposition:
    from sklearn.decomposition import PCA
    from sklearn.utils.sparsefuncs import mean_variance_axis

    (n, d), (mean, variances) = x.shape, mean_variance_axis(x, axis=0)
    total = float(variances.sum())
    if total <= CONSTANT * (mean**2).sum():  # ARPACK cannot start from rows without a spread
        return Decomposition(mean, np.zeros((1, d)), np.zeros(1), 0.0, np.zeros((n, 1)))
    pca = PCA(rank, svd_solver="arpack", tol=0.01, random_state=seed).fit(x)
    variance = pca.explained_variance_ * (n - 1) / n
    return Decomposition(mean, pca.components_, variance, total, pca.transform(x))
