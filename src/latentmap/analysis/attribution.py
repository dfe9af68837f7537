"""Attribution of a row's squared error, in scaled units, to its columns or pixels."""

import numpy as np
from numpy.typing import ArrayLike

from latentmap.analysis.encoding import encode_batch, numeric_model, numeric_rows, sum_by_column
from latentmap.analysis.model_info import FittedEstimator, ModelInfo
from latentmap.data.array_checks import as_finite_rows
from latentmap.data.types import DataLike
from latentmap.errors import DataError


def attribute(
    estimator: FittedEstimator, X: DataLike, expected: ArrayLike | None = None
) -> np.ndarray:
    """Compute the contribution of each value of a row to the row's squared error.

    Parameters
    ----------
    estimator : fitted estimator
        With ``transform`` and ``inverse_transform``.
    X : Source, sparse matrix, data frame or array-like of shape (n, ...)
        Rows, all of which are read into memory.
    expected : array-like of shape (n, ...), optional
        Rows to compare with, in the units of X. By default the reconstructions of X.

    Returns
    -------
    ndarray of shape (n, ...)
        Values from −1 to 1, one for each column of a table. A value is positive where the row is
        above the expected one, and negative where it is below. The absolute values of a row add up
        to 1, or to 0 if the row equals the expected one.

    Raises
    ------
    DataError
        If ``expected`` has another shape, or X does not match the fitted rows.

    Notes
    -----
    a_j = sign(r_j) r_j² / Σ r², with r = (x − expected) / scale. The scale is the estimator's
    ``scale_``; for estimators of other libraries, such as scikit-learn's PCA, it is 1.

    Examples
    --------
    >>> from sklearn.decomposition import PCA
    >>> line = PCA(1).fit([[0, 0, 0], [1, 0, 0], [2, 0, 0]])
    >>> attribute(line, [[1, 2, -2]]).tolist()
    [[0.0, 0.5, -0.5]]
    """
    source, model = numeric_rows(estimator, X), numeric_model(estimator)
    rows = source[:]
    source.check(rows, 0)
    if expected is None:
        expected = model.inverse_transform(encode_batch(model, rows, source))
    elif model is not estimator:
        expected = model.encode(expected)[:]
    else:
        expected = as_finite_rows("argument expected", expected)
    expected = np.asarray(expected)
    if expected.shape != rows.shape and expected.size != rows.size:
        raise DataError(f"argument expected: expected shape {rows.shape}, found {expected.shape}")
    difference = scaled_difference(estimator, rows, expected)
    if model is not estimator:
        return signed_shares(sum_by_column(estimator, difference))
    return signed_shares(difference).reshape(rows.shape)


def scaled_difference(estimator: object, rows: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Return (rows − expected) / scale as float32 of shape (n, d), clipped to finite values."""
    a, b = (np.asarray(part).reshape(len(rows), -1) for part in (rows, expected))
    scale = ModelInfo.from_estimator(estimator).scale
    with np.errstate(over="ignore", invalid="ignore"):
        # The type of the data is kept, because float32 may not resolve differences of large values.
        difference = np.subtract(a, b, dtype=np.result_type(a, b, np.float32))
        return np.nan_to_num(difference.astype(np.float32) / scale)


def signed_shares(difference: np.ndarray) -> np.ndarray:
    """Return the signed share of each squared difference in its row's sum, shape (n, d)."""
    max_difference = np.abs(difference).max(axis=1, keepdims=True)
    # The squares of ratios do not overflow.
    ratio = difference / np.where(max_difference > 0, max_difference, 1)
    squares = ratio**2
    total = squares.sum(axis=1, keepdims=True)
    return np.sign(ratio) * squares / np.where(total > 0, total, 1)
