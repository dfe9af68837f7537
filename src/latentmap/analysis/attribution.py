"""Which of a row's numbers do not fit: the difference from what the model expects, in shares.

The difference is taken of scaled rows, as the network sees them, so that columns whose units differ
can be compared, and so that the squares add up to the row's ``reconstruction_error``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from latentmap.analysis.encoding import encode_batch
from latentmap.analysis.model_info import ModelInfo
from latentmap.data import as_source
from latentmap.errors import DataError

__all__ = ["blame", "scaled_difference", "shares"]


def blame(estimator: Any, X: Any, expected: Any = None) -> np.ndarray:
    """Tell how much each number of a row adds to the row's squared error.

    Parameters
    ----------
    estimator : fitted estimator
        With ``transform`` and ``inverse_transform``.
    X : Source, sparse matrix, data frame or array-like of shape (n, ...)
        Rows; so many as fit into memory.
    expected : array-like of shape (n, ...), optional
        What the rows should be, in their own units; their reconstructions by default.

    Returns
    -------
    ndarray of shape (n, ...)
        From −1 to 1: positive where the row has more than expected, negative where it has less.
        The sizes of a row's numbers add up to 1, or to 0 where the row is as expected.

    Raises
    ------
    DataError
        If ``expected`` has another shape, or rows do not look like those that were fitted.

    Notes
    -----
    b_j = sign(r_j) r_j² / Σ r², with r = (x − expected) / scale, where ``scale`` is what our
    estimators divide raw rows by, their ``scale_``: one number, or one a column. Of any other
    estimator, such as scikit-learn's PCA, it is 1.

    Examples
    --------
    >>> from sklearn.decomposition import PCA
    >>> line = PCA(1).fit([[0, 0, 0], [1, 0, 0], [2, 0, 0]])
    >>> blame(line, [[1, 2, -2]]).tolist()
    [[0.0, 0.5, -0.5]]
    """
    source = as_source(X)
    rows = source[:]
    source.check(rows, 0)
    if expected is None:
        expected = estimator.inverse_transform(encode_batch(estimator, rows, source))
    expected = np.asarray(expected)
    if expected.shape != rows.shape and expected.size != rows.size:
        raise DataError(f"expected: expected shape {rows.shape}, found {expected.shape}")
    return shares(scaled_difference(estimator, rows, expected)).reshape(rows.shape)


def scaled_difference(estimator: Any, rows: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Give (rows − expected) / scale, flat, shape (n, d) float32; what overflows is finite."""
    flat, wanted = (
        np.asarray(part).reshape(len(rows), -1).astype(np.float32) for part in (rows, expected)
    )
    scale = ModelInfo.from_estimator(estimator).scale
    with np.errstate(over="ignore", invalid="ignore"):
        return np.nan_to_num((flat - wanted) / scale)


def shares(difference: np.ndarray) -> np.ndarray:
    """Turn differences, shape (n, d), into signed shares of their sum of squares."""
    largest = np.abs(difference).max(axis=1, keepdims=True)
    part = difference / np.where(largest > 0, largest, 1)  # squares must not overflow
    squares = part**2
    total = squares.sum(axis=1, keepdims=True)
    return np.sign(part) * squares / np.where(total > 0, total, 1)
