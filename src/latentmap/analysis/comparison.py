"""How alike two rows are, told by their codes and by what the model makes of them.

A distance alone says nothing to anybody; that most pairs of rows are farther apart says a lot. So
two rows are always compared among others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from latentmap.analysis.model_info import ModelInfo
from latentmap.analysis.search import SearchIndex
from latentmap.data import Source, as_source
from latentmap.errors import DataError, SettingError

__all__ = ["Comparison", "compare"]

PAIRS = 200_000
MOST_ROWS = 10_000
"""Rows to compare among that are encoded; more would change the third digit of the share."""


@dataclass(frozen=True)
class Comparison:
    """What `compare` gives.

    Attributes
    ----------
    distance : float
        Of the two codes; see `CodeDistance`.
    farther : float
        The share of random pairs of rows that are farther apart: 1 for two rows that are more alike
        than any two others, one half for an ordinary pair.
    pairs : int
        How many pairs that was counted on.
    rows, back : ndarray of shape (2, ...)
        The two rows, and what came back through their codes.
    """

    distance: float
    farther: float
    pairs: int
    rows: np.ndarray
    back: np.ndarray

    @property
    def difference(self) -> np.ndarray:
        """The second row minus the first, in the rows' own units, shape of a row."""
        return self.rows[1].astype(np.float64) - self.rows[0]


def compare(
    model: Any, a: Any, b: Any, among: Any, *, pairs: int = PAIRS, seed: int = 0
) -> Comparison:
    """Tell how alike two rows are.

    Parameters
    ----------
    model : fitted estimator
        With ``transform`` and ``inverse_transform``.
    a, b : array-like of shape (...) or (1, ...), or Source of one row
        The two rows.
    among : SearchIndex, Source, or array-like of shape (n, ...)
        The rows to compare them among, best ones that the model has not been fitted to, or an index
        of their codes. At least two; of more than 10,000 rows a sample is encoded.
    pairs : int
        How many random pairs are looked at.
    seed : int
        Chooses them.

    Returns
    -------
    Comparison

    Raises
    ------
    DataError
        If a or b is not one row, or there are fewer than two rows to compare among.
    SettingError
        If ``pairs`` is below 1.

    Notes
    -----
    ``farther`` is the share of pairs i ≠ j, drawn at random, with d(i, j) > d(a, b), and half of
    those with equality; its standard error is at most 1 / (2 √pairs).

    Examples
    --------
    >>> from sklearn.decomposition import PCA
    >>> X = np.random.default_rng(0).normal(size=(300, 6)) * [9, 5, 3, 2, 1, 1]
    >>> pca = PCA(4).fit(X)
    >>> same, other = (compare(pca, X[0], row, among=X) for row in (X[0] + 0.1, X[1]))
    >>> same.farther > 0.99, same.distance < other.distance, same.back.shape
    (True, True, (2, 6))
    """
    if pairs < 1:
        raise SettingError(f"pairs: expected at least 1, found {pairs}")
    shape = ModelInfo.from_estimator(model).row_shape
    rows = np.concatenate([_one_row(name, row, shape) for name, row in (("a", a), ("b", b))])
    index = among if isinstance(among, SearchIndex) else _index(model, among)
    # Where columns have names, the model compares them: they must not be lost on the way.
    named = [row if _is_named(row) else rows[i : i + 1] for i, row in enumerate((a, b))]
    codes = np.concatenate([np.asarray(model.transform(row)) for row in named])
    back = np.asarray(model.inverse_transform(codes)).reshape(rows.shape)
    distance = float(index.distance.between(codes[:1], codes[1:])[0])
    return Comparison(distance, farther_share(index, distance, pairs, seed), pairs, rows, back)


def farther_share(index: SearchIndex, distance: float, pairs: int = PAIRS, seed: int = 0) -> float:
    """Give the share of random pairs of an index's rows that are farther apart than a distance.

    Examples
    --------
    >>> index = SearchIndex([[0.0], [1.0], [10.0]])
    >>> round(farther_share(index, 5.0, 10_000), 1)
    0.7
    """
    if len(index) < 2:
        raise DataError(f"among: expected at least 2 rows to draw pairs of, found {len(index)}")
    rng = np.random.default_rng(seed)
    first = rng.integers(len(index), size=pairs)
    second = (first + rng.integers(1, len(index), size=pairs)) % len(index)
    apart = index.distance.between(index.codes[first], index.codes[second])
    return float(np.mean(apart > distance) + np.mean(apart == distance) / 2)


def _index(model: Any, among: Any) -> SearchIndex:
    rows = as_source(among).sample(MOST_ROWS)
    return SearchIndex(
        model.transform(rows if ModelInfo.from_estimator(model).is_latentmap else rows[:])
    )


def _is_named(row: Any) -> bool:
    return isinstance(row, Source) or hasattr(row, "columns")


def _one_row(name: str, row: Any, shape: tuple[int, ...] | None) -> np.ndarray:
    """Give (1, ...), whether the row came alone or as a batch of one."""
    array = row[:] if isinstance(row, Source) else np.asarray(row)
    if shape is not None and array.size == np.prod(shape):
        return array.reshape(1, *shape)
    array = array[None] if array.ndim == 1 else array
    if array.ndim < 2 or len(array) != 1:
        raise DataError(f"{name}: expected one row, found an array of shape {array.shape}")
    return array
