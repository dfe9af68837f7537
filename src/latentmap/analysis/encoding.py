"""Conversion of rows to numbers and to codes, for any fitted estimator."""

import warnings
from typing import Any

import numpy as np

from latentmap.analysis.model_info import FittedEstimator, ModelInfo, fitted_table
from latentmap.data import Source, as_source
from latentmap.data.sources import ArraySource
from latentmap.data.tables import as_numbers_source
from latentmap.data.types import DataLike
from latentmap.preprocessing.table_encoder import TableEncoder


def numeric_model(estimator: Any) -> Any:
    """Return a model of encoded rows if the estimator was fitted to a table, else the estimator."""
    return estimator if fitted_table(estimator) is None else estimator.numeric_view()


def numeric_rows(estimator: object, X: DataLike) -> Source:
    """Return rows of numbers: the encoded rows of a table if the estimator was fitted to one."""
    model = numeric_model(estimator)
    if model is not estimator:
        return model.encode(X)
    source = as_source(X)
    return as_numbers_source(source)


def encode_batch(estimator: FittedEstimator, rows: np.ndarray, source: Source) -> np.ndarray:
    """Encode rows of a source; only estimators of this library get the names of its columns."""
    if source.encoder is None and ModelInfo.from_estimator(estimator).is_latentmap:
        batch = ArraySource(rows, feature_names=source.feature_names, name=source.name)
        return np.asarray(estimator.transform(batch))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="X does not have valid feature names")
        return np.asarray(estimator.transform(rows))


def sum_by_column(estimator: Any, difference: np.ndarray) -> np.ndarray:
    """Combine the encoded numbers of each column of a table; see `column_norms`.

    The differences of other rows, shape (n, d), are returned unchanged.
    """
    table = fitted_table(estimator)
    return difference if table is None else column_norms(table, difference)


def mean_squared_errors(source: Source, rows: np.ndarray, difference: np.ndarray) -> np.ndarray:
    """Return the mean of squared differences of each row, shape (n,), in scaled units.

    For encoded rows of a table it is the sum divided by the number of columns that are not missing,
    as in ``reconstruction_error``.
    """
    squares = np.nansum(np.square(difference, dtype=np.float64), axis=1)
    if not isinstance(source.encoder, TableEncoder):
        return squares / difference.shape[1]
    block_starts = [s.start for s in source.encoder.slices if s.stop > s.start]
    return squares / np.maximum((~np.isnan(rows[:, block_starts])).sum(axis=1), 1)


def column_norms(encoder: TableEncoder, difference: np.ndarray) -> np.ndarray:
    """Combine the encoded numbers of each column, shape (n, n_columns).

    The result has the root of the summed squares, and the sign of a column of one number.
    """
    columns = np.zeros((len(difference), len(encoder.columns)), difference.dtype)
    for i, column_slice in enumerate(encoder.slices):
        part = difference[:, column_slice]
        is_single = part.shape[1] == 1
        columns[:, i] = part[:, 0] if is_single else np.sqrt((part**2).sum(axis=1))
    return columns
