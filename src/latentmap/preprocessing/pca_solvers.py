"""PCA of a matrix that is dense, sparse with few columns, or sparse with many columns."""

from typing import NamedTuple, Self

import numpy as np

from latentmap.data.sparse import is_sparse
from latentmap.data.types import csr_array
from latentmap.preprocessing.threads import limit_threads

# With at most this many columns, the covariance of sparse rows is computed, which is exact.
FEW_COLUMNS = 1_000
BATCH_NUMBERS = 1 << 22
# The covariance of dense rows is computed if there are at least this many rows for each column.
MIN_ROWS_PER_COLUMN = 10
# Rows whose variance is below this fraction of their squared mean are equal in float32.
CONSTANT = 1e-14


class Decomposition(NamedTuple):
    """Orthonormal components and codes of an (n, d) matrix, and the variance of each."""

    mean: np.ndarray
    components: np.ndarray
    variance: np.ndarray
    total: float
    codes: np.ndarray

    def truncate(self, n_components: int) -> Self:
        """Return the first components and their codes."""
        return self._replace(
            components=self.components[:n_components],
            variance=self.variance[:n_components],
            codes=self.codes[:, :n_components],
        )


def fit_pca(x: np.ndarray | csr_array, n_components: int, seed: int) -> Decomposition:
    """Compute principal components of a dense or CSR matrix of shape (n, d).

    In double precision the components are exact, except for sparse rows of more than 1,000 columns,
    for which ARPACK reaches a relative accuracy of 1 % of a variance. At most min(n, d) components
    are returned, and from ARPACK at most min(n, d) − 1. ``seed`` is for the iterative solvers.
    """
    if not is_sparse(x):
        return _fit_dense(x, min(n_components, *x.shape), seed)
    if x.shape[1] <= FEW_COLUMNS:
        return _fit_covariance(x, min(n_components, *x.shape))
    return _fit_arpack(x, min(n_components, min(x.shape) - 1), seed)


def fit_pca_share(
    x: np.ndarray | csr_array, min_components: int, max_components: int, share: float, seed: int
) -> Decomposition:
    """Compute the smallest number of components that explain a share of the variance.

    The number is at least ``min_components`` and at most ``max_components``.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(200, 4)) * [8.0, 4.0, 2.0, 1.0]
    >>> [len(fit_pca_share(x, 1, 4, share, seed=0).components) for share in (0.5, 0.9, 0.95, 1.0)]
    [1, 2, 3, 4]
    """
    # For a fast solver, the time does not depend on the number of components.
    is_fast = x.shape[1] <= FEW_COLUMNS or (not is_sparse(x) and x.dtype == np.float64)
    pca = fit_pca(x, max_components if is_fast else min_components, seed)
    if len(pca.components) < max_components and pca.variance.sum() < share * pca.total:
        pca = fit_pca(x, max_components, seed)
    n_needed = int(np.searchsorted(np.cumsum(pca.variance), share * pca.total)) + 1
    return pca.truncate(max(n_needed, min_components))


def _fit_dense(x: np.ndarray, rank: int, seed: int) -> Decomposition:
    """Compute the decomposition by `_fit_exact`, `_fit_covariance` or scikit-learn.

    With many rows, scikit-learn computes the covariance too, but takes half a second to import.
    """
    has_many_rows = len(x) >= MIN_ROWS_PER_COLUMN * x.shape[1] and x.shape[1] <= FEW_COLUMNS
    with limit_threads(x.size * min(x.shape)):
        if x.dtype == np.float64:
            return _fit_exact(x, rank, has_many_rows)
        if has_many_rows:
            return _fit_covariance(x, rank)
    from sklearn.decomposition import PCA

    # scikit-learn divides 0 by 0 in explained_variance_ratio_ if all rows are equal.
    with np.errstate(invalid="ignore"), limit_threads(x.size * min(x.shape)):
        pca = PCA(rank, svd_solver="auto", random_state=seed).fit(x)
    variance = pca.explained_variance_ * (len(x) - 1) / len(x)
    total = float(pca.noise_variance_ * (min(x.shape) - rank) + variance.sum())
    codes = (x - pca.mean_) @ pca.components_.T
    return Decomposition(pca.mean_, pca.components_, variance, total, codes)


def _fit_exact(x: np.ndarray, rank: int, has_many_rows: bool) -> Decomposition:
    """Compute a singular value decomposition, or that of the covariance if there are many rows."""
    from scipy.linalg import svd
    from sklearn.utils.extmath import svd_flip

    mean = x.mean(axis=0)
    centred = x - mean
    if has_many_rows:
        return _fit_covariance(centred, rank)._replace(mean=mean)
    values, components = svd(centred, full_matrices=False)[1:]
    components = svd_flip(None, components, u_based_decision=False)[1][:rank]
    variance = values**2 / len(x)
    total = float(variance.sum())
    return Decomposition(mean, components, variance[:rank], total, centred @ components.T)


def _fit_covariance(x: np.ndarray | csr_array, rank: int) -> Decomposition:
    from sklearn.utils.extmath import svd_flip

    (n, d), mean = x.shape, x.mean(axis=0)
    covariance, size = np.zeros((d, d)), max(1, BATCH_NUMBERS // d)
    for start in range(0, n, size):
        block = x[start : start + size]
        centred = (block.toarray() if is_sparse(block) else block) - mean
        covariance += centred.T @ centred / n
    values, vectors = np.linalg.eigh(covariance)
    components = svd_flip(None, vectors.T[: -rank - 1 : -1], u_based_decision=False)[1]
    components = components.astype(x.dtype, copy=False)
    variance = np.maximum(values[: -rank - 1 : -1], 0.0)
    codes = x @ components.T - components @ mean
    return Decomposition(mean, components, variance, float(np.trace(covariance)), codes)


def _fit_arpack(x: csr_array, rank: int, seed: int) -> Decomposition:
    from sklearn.decomposition import PCA
    from sklearn.utils.sparsefuncs import mean_variance_axis

    (n, d), (mean, variances) = x.shape, mean_variance_axis(x, axis=0)
    total = float(variances.sum())
    if total <= CONSTANT * (mean**2).sum():  # ARPACK fails on constant rows.
        return Decomposition(mean, np.zeros((1, d)), np.zeros(1), 0.0, np.zeros((n, 1)))
    pca = PCA(rank, svd_solver="arpack", tol=0.01, random_state=seed).fit(x)
    variance = pca.explained_variance_ * (n - 1) / n
    return Decomposition(mean, pca.components_, variance, total, pca.transform(x))
