"""The principal components that a network starts from, by scikit-learn.

Sparse rows stay sparse: they are divided by the scale, and the offset, which would fill them, is
taken from their mean instead.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from latentmap.data import memory
from latentmap.data.sources import Source
from latentmap.data.sparse import SparseSource, is_sparse
from latentmap.preprocessing.pca_solvers import fit_pca
from latentmap.preprocessing.scaling import TINY, Scale
from latentmap.progress import progress

__all__ = [
    "PrincipalComponents",
    "pca_reconstruction_errors",
    "principal_components",
    "project_batches",
    "project_rows",
    "scale_rows",
]

EXACT_NUMBERS = 1 << 22
"""Up to this many numbers, components are found exactly, in double precision; sparse rows, too."""
STORED_NUMBERS = 1 << 24
"""Of more sparse rows than that, on at most this many stored numbers and codes."""


@dataclass(frozen=True)
class PrincipalComponents:
    """Principal components of scaled, flattened rows.

    Attributes
    ----------
    mean : ndarray of shape (d,)
    components : ndarray of shape (n_components, d)
        Orthonormal; zero for components past the rank of the rows.
    row_spread : float
        Root mean square of all numbers in the centred rows.
    code_spread : float
        Root mean square of all numbers in the codes.
    reach : float
        The largest distance of a code from the centre, as a multiple of the median distance. Each
        component is divided by its standard deviation first.
    """

    mean: np.ndarray
    components: np.ndarray
    row_spread: float = 1.0
    code_spread: float = 1.0
    reach: float = 1.0

    @classmethod
    def blank(cls, n_features: int, n_components: int) -> PrincipalComponents:
        """Return zeros of the right shape, for a network whose weights are loaded afterwards."""
        return cls(np.zeros(n_features, "float32"), np.zeros((n_components, n_features), "float32"))


def principal_components(
    rows: Source, scale: Scale, n_components: int, seed: int, visible: bool = False
) -> PrincipalComponents:
    """Find the principal components of scaled rows, or of a uniform sample of many.

    Parameters
    ----------
    rows : Source
    scale : Scale
    n_components : int
        Components past the rank of the rows are zero.
    seed : int
        Of the sample, and of scikit-learn's iterative solvers for wide and for sparse rows.
    visible : bool
        Say what is being done.

    Returns
    -------
    PrincipalComponents

    Examples
    --------
    >>> from latentmap.data import ArraySource
    >>> rows = ArraySource(np.array([[0.0, 1.0], [2.0, 1.0], [4.0, 1.0]]))
    >>> scale = Scale(np.zeros(()), np.ones(()), False)
    >>> principal_components(rows, scale, 1, seed=0).components.round(6).tolist()
    [[1.0, 0.0]]
    """
    with progress("finding principal components", 1, visible) as advance:
        x = _sample(rows, scale, n_components, seed)
        found = fit_pca(x, n_components, seed)
        advance(1)
    components = np.zeros((n_components, x.shape[1]), np.float32)
    components[: len(found.components)] = found.components
    kept = scale.offset.astype(np.float64) / scale.scale if is_sparse(x) else 0.0
    return PrincipalComponents(
        (found.mean - kept).astype(np.float32),
        components,
        row_spread=_spread(found.total / x.shape[1]),
        code_spread=_spread(found.variance.mean()),
        reach=_reach(found.codes),
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


def _sample(rows: Source, scale: Scale, n_components: int, seed: int) -> Any:
    """Give all the rows, scaled and flat, or as many as may be held at once."""
    d = int(np.prod(rows.row_shape))
    if isinstance(rows, SparseSource) and len(rows) * d > EXACT_NUMBERS:
        return _stored_sample(rows, scale, n_components, seed)
    rows = rows.sample(max(d // 8, memory.BUDGET.pca_sample.max_bytes() // (4 * d)), seed)
    x = np.empty((len(rows), d), np.float64 if len(rows) * d <= EXACT_NUMBERS else np.float32)
    for place, batch in _scaled_batches(rows, scale):
        x[place] = batch
    return x


def _stored_sample(rows: SparseSource, scale: Scale, n_components: int, seed: int) -> Any:
    """Give the same as CSR in double precision, the offset being kept."""
    a_row = rows.stored // len(rows) + n_components
    some: Any = rows.sample(max(n_components + 1, STORED_NUMBERS // a_row), seed)
    x = some.take_sparse(np.arange(len(some))).astype(np.float64, copy=False)
    x.data /= np.broadcast_to(scale.scale, rows.row_shape)[x.indices]
    return x


def _scaled_batches(rows: Source, scale: Scale) -> Iterator[tuple[slice, np.ndarray]]:
    """Give every row once, scaled and flat, and where its batch lies."""
    start = 0
    for batch in rows.batches(max(1, EXACT_NUMBERS // int(np.prod(rows.row_shape)))):
        yield slice(start, start + len(batch)), scale_rows(batch, scale)
        start += len(batch)


def scale_rows(rows: np.ndarray, scale: Scale) -> np.ndarray:
    """Scale raw rows and lay them flat, shape (n, d), as the networks do.

    Examples
    --------
    >>> scale = Scale(np.array(10.0), np.array(20.0), False)
    >>> scale_rows(np.array([[[10]], [[30]]]), scale).tolist()
    [[0.0], [1.0]]
    """
    flat = rows.reshape(len(rows), math.prod(rows.shape[1:]))  # there may be none
    return (flat - scale.offset) / scale.scale


def pca_reconstruction_errors(x: np.ndarray, principal: PrincipalComponents) -> np.ndarray:
    """Mean squared error of each scaled row when PCA takes it to its code and back, shape (n,).

    Examples
    --------
    >>> principal = PrincipalComponents(np.zeros(2), np.array([[1.0, 0.0]]))
    >>> pca_reconstruction_errors(np.array([[5.0, 2.0]]), principal).tolist()
    [2.0]
    """
    centred = x - principal.mean
    return np.mean((centred - centred @ principal.components.T @ principal.components) ** 2, axis=1)


def project_rows(rows: Source, scale: Scale, principal: PrincipalComponents) -> np.ndarray:
    """Give all rows' coordinates on the components, (x − mean) · componentsᵀ of the scaled rows.

    Parameters
    ----------
    rows : Source
        Raw rows, read in batches; sparse ones are not made dense.
    scale : Scale
    principal : PrincipalComponents

    Returns
    -------
    ndarray of shape (n, n_components)
        float32.

    Examples
    --------
    >>> from latentmap.data import ArraySource
    >>> principal = PrincipalComponents(np.array([1.0, 0.0]), np.array([[0.0, 1.0]]))
    >>> scale = Scale(np.array(2.0), np.array(4.0), True)
    >>> project_rows(ArraySource(np.array([[2.0, 2.0], [0.0, 10.0]])), scale, principal).tolist()
    [[0.0], [2.0]]
    """
    codes = np.empty((len(rows), len(principal.components)), np.float32)
    for place, batch in project_batches(rows, scale, principal):
        codes[place] = batch
    return codes


def project_batches(
    rows: Source, scale: Scale, principal: PrincipalComponents
) -> Iterator[tuple[slice, np.ndarray]]:
    """Iterate over what `project_rows` gives, and where each batch lies in it.

    Examples
    --------
    >>> from latentmap.data import ArraySource
    >>> principal = PrincipalComponents(np.zeros(2), np.array([[0.0, 1.0]]))
    >>> rows, scale = ArraySource(np.array([[2.0, 2.0]])), Scale(np.zeros(()), np.ones(()), False)
    >>> [(place.stop, batch.tolist()) for place, batch in project_batches(rows, scale, principal)]
    [(1, [[2.0]])]
    """
    if isinstance(rows, SparseSource):
        yield from _stored_projections(rows, scale, principal)
        return
    for place, x in _scaled_batches(rows, scale):
        yield place, (x - principal.mean) @ principal.components.T


def _stored_projections(
    rows: SparseSource, scale: Scale, principal: PrincipalComponents
) -> Iterator[tuple[slice, np.ndarray]]:
    """Let scale and mean go into the components, so that the stored numbers stay."""
    components = principal.components.astype(np.float64)
    weights = np.ascontiguousarray((components / scale.scale).T)
    shift = components @ (scale.offset / scale.scale + principal.mean)
    start = 0
    for batch in rows.sparse_batches(EXACT_NUMBERS // len(components)):
        yield slice(start, start + batch.shape[0]), batch @ weights - shift
        start += batch.shape[0]
