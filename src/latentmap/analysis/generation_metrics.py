"""How good generated rows are: like real ones, as varied as real ones, and no copies of them.

Rows are compared as they are given, flattened: the space that figures are told in is the caller's
choice. Every distance is computed, block by block, so that the figures are exact and memory stays
flat.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from latentmap.analysis.model_info import ModelInfo
from latentmap.errors import DataError, SettingError

__all__ = ["Fidelity", "density_and_coverage", "likeness", "nearest_distances"]

_BLOCK_NUMBERS = 2**23  # of distances at once, as float32: 32 MB
_COMPONENTS = 50


class Fidelity(NamedTuple):
    """What `density_and_coverage` gives."""

    density: float
    coverage: float


def density_and_coverage(real: Any, generated: Any, k: int = 5) -> Fidelity:
    """Measure how like real rows generated ones are, and how much of the real rows they cover.

    Around every real row is a ball as large as the distance to its k-th nearest other real row.

    Parameters
    ----------
    real : array-like of shape (n, ...)
        Best rows that nothing was fitted to.
    generated : array-like of shape (m, ...)
        Rows of the same shape and units.
    k : int
        Neighbours; below n.

    Returns
    -------
    Fidelity
        ``density``, in how many balls a generated row lies, by k: 0 or more, about 1 for rows of
        the very same distribution, above 1 where they keep to where real ones are densest.
        ``coverage``, the share of real rows with a generated one in their ball: 0 to 1, for rows of
        the same distribution and of the same number about 1 − 2⁻ᵏ.

    Raises
    ------
    DataError
        If the rows differ in shape, are too few, or are not finite.
    SettingError
        If ``k`` is below 1.

    Notes
    -----
    density = 1 / (k m) Σⱼ Σᵢ [yⱼ in B(xᵢ)], coverage = 1 / n Σᵢ [some yⱼ in B(xᵢ)], B(xᵢ) the open
    ball around xᵢ to its k-th nearest other real row. M. F. Naeem, S. J. Oh, Y. Uh, Y. Choi,
    J. Yoo, "Reliable Fidelity and Diversity Metrics for Generative Models", ICML 2020, where k = 5.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> real, same, tight = rng.normal(size=(3, 1000, 2)) * [[[1]], [[1]], [[0.1]]]
    >>> [round(figure, 1) for figure in density_and_coverage(real, same)]
    [1.0, 1.0]
    >>> density_and_coverage(real, tight).coverage < 0.2, density_and_coverage(real, same + 9)
    (True, Fidelity(density=0.0, coverage=0.0))
    """
    real, generated = _flat("real rows", real), _flat("generated rows", generated)
    _check_pair(real, generated)
    if k < 1:
        raise SettingError(f"k: expected at least 1, found {k}")
    if len(real) <= k:
        raise DataError(f"real rows: expected more than k = {k} of them, found {len(real)}")
    center = real.mean(axis=0)  # squares of small numbers keep their digits
    real, generated = real - center, generated - center
    radii = np.concatenate([_kth_other(block, k) for block in _squares(real, real)])
    inside, covered = 0, []
    for start, block in _numbered(_squares(real, generated)):
        near = block < radii[start : start + len(block), None]
        inside += int(near.sum())
        covered.append(near.any(axis=1))
    density = inside / (k * len(generated))
    return Fidelity(density, float(np.concatenate(covered).mean()))


def likeness(estimator: Any, real: Any, generated: Any, k: int = 5) -> Fidelity:
    """Measure density and coverage as people see them: in the estimator's units, blur told apart.

    Rows are scaled as the estimator scales them, and compared in the first 50 principal components
    of the real ones. Number by number, a smooth row lies near to all real ones, and their average
    would score best.

    Parameters
    ----------
    estimator : estimator
        Fitted.
    real : array-like of shape (n, ...)
        Best rows that it was not fitted to.
    generated : array-like of shape (m, ...)
        In the shape and units of ``real``.
    k : int
        Neighbours; below n.

    Returns
    -------
    Fidelity

    Raises
    ------
    DataError, SettingError
        See `density_and_coverage`.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from latentmap import AutoEncoder
    >>> X = load_iris().data
    >>> m = AutoEncoder(2, epochs=1, random_state=0).fit(X[::2])
    >>> found = likeness(m, X[1::2], X[::2])
    >>> found.density > 0.8, found.coverage > 0.8
    (True, True)
    """
    from sklearn.decomposition import PCA

    scale = ModelInfo.from_estimator(estimator).scale
    rows = _flat("real rows", real), _flat("generated rows", generated)
    _check_pair(*rows)
    real, generated = (part / scale for part in rows)
    if min(real.shape) > _COMPONENTS:
        space = PCA(_COMPONENTS, random_state=0).fit(real)
        real, generated = space.transform(real), space.transform(generated)
    return density_and_coverage(real, generated, k)


def nearest_distances(rows: Any, fitted: Any) -> np.ndarray:
    """Give each row's distance to the nearest fitted row: about 0 for a copy.

    Parameters
    ----------
    rows : array-like of shape (m, ...)
    fitted : array-like of shape (n, ...)
        Of the same shape and units.

    Returns
    -------
    ndarray of shape (m,)
        Euclidean, 0 or more. Generated rows are no copies if theirs are no smaller than those of
        real rows that were not fitted.

    Raises
    ------
    DataError
        If the rows differ in shape, are none, or are not finite.

    Examples
    --------
    >>> nearest_distances([[0.0, 0.0], [3.0, 4.0]], [[0.0, 0.0], [0.0, 9.0]]).tolist()
    [0.0, 5.0]
    """
    rows, fitted = _flat("rows", rows), _flat("fitted rows", fitted)
    _check_pair(fitted, rows)
    center = fitted.mean(axis=0)
    squares = _squares(rows - center, fitted - center)
    return np.sqrt(np.concatenate([block.min(axis=1) for block in squares]))


def _squares(rows: np.ndarray, others: np.ndarray) -> Iterator[np.ndarray]:
    """Yield squared distances, (some rows, all others), in the order of the rows."""
    from sklearn.metrics import euclidean_distances

    size = max(1, _BLOCK_NUMBERS // len(others))
    norms = np.einsum("ij,ij->i", others, others, dtype=np.float64)[None]
    for start in range(0, len(rows), size):
        block = rows[start : start + size]
        yield euclidean_distances(block, others, Y_norm_squared=norms, squared=True)


def _numbered(blocks: Iterator[np.ndarray]) -> Iterator[tuple[int, np.ndarray]]:
    start = 0
    for block in blocks:
        yield start, block
        start += len(block)


def _kth_other(squares: np.ndarray, k: int) -> np.ndarray:
    # The nearest is the row itself, or, at the same distance of 0, its equal.
    return np.partition(squares, k, axis=1)[:, k]


def _flat(name: str, rows: Any) -> np.ndarray:
    array = np.asarray(rows)
    if array.ndim < 2 or len(array) < 1 or array.dtype.kind not in "uifb":
        raise DataError(f"{name}: expected numbers of shape (n, ...), found {array.shape}")
    flat = array.reshape(len(array), math.prod(array.shape[1:])).astype(np.float32)
    if not np.isfinite(flat).all():
        raise DataError(f"{name}: expected finite numbers, found NaN or infinity")
    return flat


def _check_pair(real: np.ndarray, generated: np.ndarray) -> None:
    if real.shape[1] != generated.shape[1]:
        wanted, found = real.shape[1], generated.shape[1]
        raise DataError(f"generated rows: expected {wanted} numbers each, found {found}")
