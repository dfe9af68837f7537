"""Comparison of two rows by the distance of their codes, relative to random pairs of rows."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np

from latentmap.analysis.encoding import numeric_model, numeric_rows
from latentmap.analysis.model_info import FittedEstimator, ModelInfo
from latentmap.analysis.search import SearchIndex
from latentmap.analysis.table_rows import TableRows
from latentmap.data import Source
from latentmap.data.memory import check_requested_memory
from latentmap.data.tables import as_numbers_source
from latentmap.data.types import DataLike
from latentmap.errors import DataError
from latentmap.number_checks import check_number, check_seed

N_PAIRS = 200_000
# With more reference rows, only the third digit of the computed fraction changes.
MAX_REFERENCE_ROWS = 10_000


@dataclass(frozen=True)
class Comparison:
    """Result of `compare`.

    Attributes
    ----------
    distance : float
        Distance of the two codes; see `CodeDistance`.
    fraction_farther : float
        Fraction of random pairs of reference rows whose distance is larger: 0.5 for a typical pair,
        1 if no other pair is as similar.
    n_pairs : int
        Number of random pairs.
    rows, reconstructions : ndarray of shape (2, ...), or data frame of two rows
        The two rows and their reconstructions.
    table_rows : pair of TableRows, or None
        The rows and the reconstructions of a table, with their encoded numbers.
    """

    distance: float
    fraction_farther: float
    n_pairs: int
    rows: Any
    reconstructions: Any
    table_rows: tuple[TableRows, TableRows] | None = None

    @property
    def difference(self) -> np.ndarray:
        """The second row minus the first, in the units of the rows.

        For a table, the differences are in standard deviations, shape (n_columns,).
        Categories, texts and vectors have the length of the difference of their encoded numbers.
        """
        if self.table_rows is None:
            return self.rows[1].astype(np.float64) - self.rows[0]
        rows = self.table_rows[0]
        return rows.select([1]).differences(rows.select([0]))[0]


def compare(
    estimator: FittedEstimator,
    a: DataLike,
    b: DataLike,
    reference: SearchIndex | DataLike,
    *,
    n_pairs: int = N_PAIRS,
    seed: int = 0,
) -> Comparison:
    """Compute how similar two rows are.

    Parameters
    ----------
    estimator : fitted estimator
        With ``transform`` and ``inverse_transform``.
    a, b : array-like of shape (...) or (1, ...), data frame of one row, or Source of one row
        The two rows.
    reference : SearchIndex, Source, data frame, or array-like of shape (n, ...)
        Rows whose distances are compared with that of a and b, preferably rows that were not
        fitted, or an index of their codes. At least two; at most 10,000, sampled, are encoded.
    n_pairs : int
        Number of random pairs of reference rows.
    seed : int
        Random seed of the pairs.

    Returns
    -------
    Comparison

    Raises
    ------
    DataError
        If a or b is not one row, or there are fewer than two reference rows.
    SettingError
        If ``n_pairs`` is below 1.

    Notes
    -----
    ``fraction_farther`` is the fraction of random pairs i ≠ j with d(i, j) > d(a, b), plus half the
    fraction of pairs with equality. Its standard error is at most 1 / (2 √n_pairs).

    Examples
    --------
    >>> from sklearn.decomposition import PCA
    >>> X = np.random.default_rng(0).normal(size=(300, 6)) * [9, 5, 3, 2, 1, 1]
    >>> pca = PCA(4).fit(X)
    >>> near, other = (compare(pca, X[0], row, reference=X) for row in (X[0] + 0.1, X[1]))
    >>> near.fraction_farther > 0.99, near.distance < other.distance, near.reconstructions.shape
    (True, True, (2, 6))
    """
    check_number("n_pairs", n_pairs, Integral, 1)
    check_seed(seed)
    index = reference if isinstance(reference, SearchIndex) else _build_index(estimator, reference)
    if numeric_model(estimator) is not estimator:
        return _compare_tables(estimator, (a, b), index, n_pairs, seed)
    shape = ModelInfo.from_estimator(estimator).row_shape
    rows = np.concatenate([_single_row(name, row, shape) for name, row in (("a", a), ("b", b))])
    # Rows with column names are passed on unchanged, so that the model can compare the names.
    inputs = [row if _has_names(row) else rows[i : i + 1] for i, row in enumerate((a, b))]
    codes = np.concatenate([np.asarray(estimator.transform(row)) for row in inputs])
    reconstructions = np.asarray(estimator.inverse_transform(codes)).reshape(rows.shape)
    return Comparison(*_measure(index, codes, n_pairs, seed), rows, reconstructions)


def _compare_tables(
    estimator: Any, pair: tuple[DataLike, DataLike], index: SearchIndex, n_pairs: int, seed: int
) -> Comparison:
    parts = [TableRows.read(estimator, row) for row in pair]
    for name, part in zip("ab", parts, strict=True):
        if len(part) != 1:
            raise DataError(f"{name}: expected one row, found {len(part):,} rows")
    rows = TableRows.concatenate(parts)
    codes = numeric_model(estimator).transform(rows.encoded)
    decoded = TableRows.decode(estimator, codes)
    measures = _measure(index, codes, n_pairs, seed)
    return Comparison(*measures, rows.frame, decoded.frame, (rows, decoded))


def _measure(
    index: SearchIndex, codes: np.ndarray, n_pairs: int, seed: int
) -> tuple[float, float, int]:
    """Return the distance of two codes, the fraction of pairs farther apart, and their number."""
    distance = float(index.distance.paired(codes[:1], codes[1:])[0])
    return distance, fraction_farther(index, distance, n_pairs, seed), n_pairs


def fraction_farther(
    index: SearchIndex, distance: float, n_pairs: int = N_PAIRS, seed: int = 0
) -> float:
    """Return the fraction of random pairs of rows that are farther apart than a distance."""
    if len(index) < 2:
        raise DataError(f"reference: expected at least 2 rows for random pairs, found {len(index)}")
    check_requested_memory("n_pairs", 8 * n_pairs * (5 + 4 * index.codes.shape[1]))
    rng = np.random.default_rng(seed)
    rows = rng.integers(len(index), size=n_pairs)
    other_rows = (rows + rng.integers(1, len(index), size=n_pairs)) % len(index)
    distances = index.distance.paired(index.codes[rows], index.codes[other_rows])
    return float(np.mean(distances > distance) + np.mean(distances == distance) / 2)


def _build_index(estimator: FittedEstimator, reference: DataLike) -> SearchIndex:
    rows = numeric_rows(estimator, reference).sample(MAX_REFERENCE_ROWS)
    accepts_source = ModelInfo.from_estimator(estimator).is_latentmap
    return SearchIndex(estimator.transform(rows if accepts_source else rows[:]))


def _has_names(row: DataLike) -> bool:
    return isinstance(row, Source) or hasattr(row, "columns")


def _single_row(name: str, row: DataLike, shape: tuple[int, ...] | None) -> np.ndarray:
    """Convert a row of shape (...) or (1, ...) to an array of shape (1, ...)."""
    array = as_numbers_source(row)[:] if isinstance(row, Source) else np.asarray(row)
    if shape is not None and array.size == np.prod(shape):
        return array.reshape(1, *shape)
    array = array[None] if array.ndim == 1 else array
    if array.ndim < 2 or len(array) != 1:
        raise DataError(f"{name}: expected one row, found an array of shape {array.shape}")
    return array
