"""The principal components that a network starts from, by scikit-learn."""

from __future__ import annotations

import numpy as np

from latentmap.data.sources import Source
from latentmap.fitting.scaling import TINY, Scale
from latentmap.networks.principal import Principal

__all__ = ["principal_components", "projection_errors", "scaled"]

SAMPLE_NUMBERS = 1 << 26
"""Components are found on at most this many numbers: 256 MB, all 60,000 digits of MNIST."""
EXACT_NUMBERS = 1 << 22
"""Up to this many numbers, components are found exactly, in double precision."""


def principal_components(rows: Source, scale: Scale, n_components: int, seed: int) -> Principal:
    """Find the principal components of scaled rows, or of a uniform sample of many.

    Parameters
    ----------
    rows : Source
    scale : Scale
    n_components : int
        Components past the rank of the rows are zero.
    seed : int
        Of the sample, and of scikit-learn's randomised solver for wide rows.

    Returns
    -------
    Principal

    Examples
    --------
    >>> from latentmap.data import ArraySource
    >>> rows = ArraySource(np.array([[0.0, 1.0], [2.0, 1.0], [4.0, 1.0]]))
    >>> scale = Scale(np.zeros(()), np.ones(()), False)
    >>> principal_components(rows, scale, 1, seed=0).components.round(6).tolist()
    [[1.0, 0.0]]
    """
    from sklearn.decomposition import PCA

    x = _sample(rows, scale, seed)
    rank = min(n_components, *x.shape)
    exact = x.dtype == np.float64
    with np.errstate(invalid="ignore"):  # constant rows have no variance to take shares of
        pca = PCA(rank, svd_solver="full" if exact else "auto", random_state=seed).fit(x)
    components = np.zeros((n_components, x.shape[1]), np.float32)
    components[:rank] = pca.components_
    variance = pca.explained_variance_ * (len(x) - 1) / len(x)
    total = float((pca.noise_variance_ * (min(x.shape) - rank) + variance.sum()) / x.shape[1])
    return Principal(
        pca.mean_.astype(np.float32),
        components,
        row_spread=_spread(total),
        code_spread=_spread(variance.mean()),
        reach=_reach((x - pca.mean_) @ pca.components_.T),
    )


def _reach(codes: np.ndarray) -> float:
    """Tell how much farther out the farthest code lies than the middle one, axis by axis alike."""
    deviations = [_spread(variance) for variance in codes.var(axis=0, dtype=np.float64)]
    far = np.linalg.norm(codes / np.array(deviations), axis=1)
    return float(far.max() / max(np.median(far), TINY))


def _spread(variance: float) -> float:
    """Give the root, or 1 where float32 could not divide by it."""
    root = float(np.sqrt(variance))
    return root if root > TINY else 1.0


def _sample(rows: Source, scale: Scale, seed: int) -> np.ndarray:
    """Give all the rows, scaled and flat, or as many as may be held at once."""
    d = int(np.prod(rows.row_shape))
    most = max(d // 8, SAMPLE_NUMBERS // d)
    if len(rows) > most:
        rows = rows.split(most, seed)[1]
    x = np.empty((len(rows), d), np.float64 if len(rows) * d <= EXACT_NUMBERS else np.float32)
    start = 0
    for batch in rows.batches(max(1, EXACT_NUMBERS // d)):
        x[start : start + len(batch)] = scaled(batch, scale)
        start += len(batch)
    return x


def scaled(rows: np.ndarray, scale: Scale) -> np.ndarray:
    """Scale raw rows and lay them flat, shape (n, d), as the networks do.

    Examples
    --------
    >>> scaled(np.array([[[10]], [[30]]]), Scale(np.array(10.0), np.array(20.0), False)).tolist()
    [[0.0], [1.0]]
    """
    flat = rows.reshape(len(rows), -1)
    return (flat - scale.offset) / scale.scale


def projection_errors(x: np.ndarray, principal: Principal) -> np.ndarray:
    """Mean squared error of each scaled row when PCA takes it to its code and back, shape (n,).

    Examples
    --------
    >>> principal = Principal(np.zeros(2), np.array([[1.0, 0.0]]))
    >>> projection_errors(np.array([[5.0, 2.0]]), principal).tolist()
    [2.0]
    """
    centred = x - principal.mean
    return np.mean((centred - centred @ principal.components.T @ principal.components) ** 2, axis=1)
