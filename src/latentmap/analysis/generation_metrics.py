"""Metrics of generated rows: similarity to real rows, variety, and distance to fitted rows."""

from collections.abc import Callable
from numbers import Integral
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from latentmap.analysis.encoding import numeric_rows
from latentmap.analysis.model_info import ModelInfo
from latentmap.data import Source
from latentmap.data.array_checks import as_finite_rows
from latentmap.data.data_frames import is_frame
from latentmap.data.types import DataLike
from latentmap.errors import DataError
from latentmap.number_checks import check_number

WORKING_MEMORY_MIB = 64
MAX_COMPONENTS = 50


class DensityCoverage(NamedTuple):
    """Result of `density_and_coverage`."""

    density: float
    coverage: float


def density_and_coverage(real: ArrayLike, generated: ArrayLike, k: int = 5) -> DensityCoverage:
    """Compute the density and the coverage of generated rows.

    Each real row has a ball whose radius is the distance to its k-th nearest other real row.

    Parameters
    ----------
    real : array-like of shape (n, ...)
        Preferably rows that were not fitted.
    generated : array-like of shape (m, ...)
        Rows of the same shape and units.
    k : int
        Number of neighbours, below n.

    Returns
    -------
    DensityCoverage
        ``density`` is the number of balls that contain a generated row, divided by k: from 0, about
        1 for rows of the same distribution, above 1 for rows in dense regions only. ``coverage`` is
        the fraction of real rows whose ball contains a generated row: from 0 to 1, about 1 − 2⁻ᵏ
        for as many rows of the same distribution.

    Raises
    ------
    DataError
        If the rows differ in shape, are not finite, or are too few.
    SettingError
        If ``k`` is below 1.

    Notes
    -----
    density = 1 / (k m) Σⱼ Σᵢ [yⱼ in B(xᵢ)] and coverage = 1 / n Σᵢ [some yⱼ in B(xᵢ)], where B(xᵢ)
    is the open ball around xᵢ. M. F. Naeem, S. J. Oh, Y. Uh, Y. Choi, J. Yoo, "Reliable Fidelity
    and Diversity Metrics for Generative Models", ICML 2020, where k = 5.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> real, same, narrow = rng.normal(size=(3, 1000, 2)) * [[[1]], [[1]], [[0.1]]]
    >>> [round(value, 1) for value in density_and_coverage(real, same)]
    [1.0, 1.0]
    >>> density_and_coverage(real, narrow).coverage < 0.2, density_and_coverage(real, same + 9)
    (True, DensityCoverage(density=0.0, coverage=0.0))
    """
    x, y = _flatten_pair(real, generated)
    check_number("k", k, Integral, 1)
    if len(x) <= k:
        raise DataError(f"real rows: expected more than k = {k} of them, found {len(x)}")
    center = x.mean(axis=0)  # Centred rows lose fewer digits in squared distances.
    x, y = x - center, y - center
    # The nearest row of a fitted row is the row itself or an equal row, so k + 1 rows are searched.
    radii = _reduce_distances(x, x, lambda block, _: np.partition(block, k, axis=1)[:, k])
    counts = _reduce_distances(
        x, y, lambda block, start: (block < radii[start : start + len(block), None]).sum(axis=1)
    )
    density = float(counts.sum()) / (k * len(y))
    return DensityCoverage(density, float((counts > 0).mean()))


def evaluate_generated(
    estimator: object, real: DataLike, generated: DataLike, k: int = 5
) -> DensityCoverage:
    """Compute density and coverage in the first 50 principal components of scaled rows.

    In the space of single values, blurred rows are near to all real rows and have the highest
    density; in principal components they are not.

    Parameters
    ----------
    estimator : fitted estimator
        Its ``scale_`` divides the rows.
    real, generated : array-like of shape (n, ...), Source, or data frame of the fitted columns
    k : int
        See `density_and_coverage`.

    Returns
    -------
    DensityCoverage

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
    >>> result = evaluate_generated(m, X[1::2], X[::2])
    >>> result.density > 0.8, result.coverage > 0.8
    (True, True)
    """
    from sklearn.decomposition import PCA

    scale = ModelInfo.from_estimator(estimator).scale
    pair = _flatten_pair(_as_array(estimator, real), _as_array(estimator, generated))
    x, y = (rows / scale for rows in pair)
    if min(x.shape) > MAX_COMPONENTS:
        pca = PCA(MAX_COMPONENTS, random_state=0).fit(x)
        x, y = pca.transform(x), pca.transform(y)
    return density_and_coverage(x, y, k)


def _as_array(estimator: object, rows: DataLike) -> ArrayLike:
    """Return rows as numbers; each missing value of a table is replaced by its column's mean."""
    if not isinstance(rows, Source) and not is_frame(rows):
        return rows
    return np.nan_to_num(numeric_rows(estimator, rows)[:])


def nearest_distances(rows: ArrayLike, fitted_rows: ArrayLike) -> np.ndarray:
    """Compute each row's Euclidean distance to the nearest fitted row; a copy has about 0.

    Parameters
    ----------
    rows : array-like of shape (m, ...)
    fitted_rows : array-like of shape (n, ...)
        Rows of the same shape and units.

    Returns
    -------
    ndarray of shape (m,)
        Generated rows are not copies if their distances are not smaller than those of real rows
        that were not fitted.

    Raises
    ------
    DataError
        If the rows differ in shape, are not finite, or there are none.

    Examples
    --------
    >>> nearest_distances([[0.0, 0.0], [3.0, 4.0]], [[0.0, 0.0], [0.0, 9.0]]).tolist()
    [0.0, 5.0]
    """
    x, y = _flatten_pair(fitted_rows, rows, ("fitted rows", "rows"))
    center = x.mean(axis=0)
    return np.sqrt(_reduce_distances(y - center, x - center, lambda block, _: block.min(axis=1)))


def _reduce_distances(
    rows: np.ndarray, references: np.ndarray, reduce: Callable[[np.ndarray, int], np.ndarray]
) -> np.ndarray:
    """Apply a function to blocks of the squared distances of rows to all references."""
    from sklearn.metrics import pairwise_distances_chunked

    blocks = pairwise_distances_chunked(
        rows, references, reduce_func=reduce, working_memory=WORKING_MEMORY_MIB, squared=True
    )
    return np.concatenate(list(blocks))


def _flatten_pair(
    real: ArrayLike, generated: ArrayLike, names: tuple[str, str] = ("real rows", "generated rows")
) -> tuple[np.ndarray, np.ndarray]:
    real_rows, generated_rows = _flatten(names[0], real), _flatten(names[1], generated)
    if real_rows.shape[1] != generated_rows.shape[1]:
        raise DataError(
            f"{names[1]}: expected rows of {real_rows.shape[1]} numbers, "
            f"found rows of {generated_rows.shape[1]} numbers"
        )
    return real_rows, generated_rows


def _flatten(name: str, rows: ArrayLike) -> np.ndarray:
    array = as_finite_rows(name, rows)
    return array.reshape(len(array), -1).astype(np.float32)
