"""Estimation of the missing values of a table, and of the confidence in each estimate.

An estimate is the weighted mean of two values: the conditional mean in a Gaussian
(`GaussianImputer`), and the reconstruction of the row that this mean completes. The weights
minimise the squared error of known values of held-out rows that are masked during the fit. If a
network is worse than the Gaussian for a column, for example with few components, the weight of its
reconstruction is near 0.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from latentmap.autoencoders.validation import new_rows
from latentmap.data.frame_filling import fill_frame
from latentmap.data.types import DataLike, FrameLike
from latentmap.errors import DataError
from latentmap.preprocessing.category_columns import BooleanColumn, CategoryColumn
from latentmap.preprocessing.encoded_columns import ConstantColumn
from latentmap.preprocessing.encoded_rows import EncodedRows
from latentmap.preprocessing.gaussian_imputer import MAX_NUMBERS, GaussianImputer
from latentmap.preprocessing.table_encoder import TableEncoder

if TYPE_CHECKING:
    import pyarrow as pa

    from latentmap.autoencoders.base import BaseAutoEncoder
    from latentmap.training.preparation import PreparedData

NO_TABLE = "impute: expected a model that was fitted to a table, found a model of rows of numbers"
# Maximum numbers of rows and of values in the sample that is masked to measure errors.
_MAX_HELD_OUT, _MAX_HELD_OUT_NUMBERS = 400, 1 << 18
# Number of masks of a row; each masks a tenth of its values, and each value is masked once.
_FOLDS = 10
# The estimated weight of the reconstruction is multiplied by n / (n + _PRIOR_ROWS), where n is the
# number of known values. An estimate from few values is therefore reduced most.
_PRIOR_ROWS = 30


def column_starts(encoder: TableEncoder) -> list[int]:
    """Return the index of the first encoded number of each column that has encoded numbers."""
    return [s.start for s in encoder.slices if s.stop > s.start]


def fit_imputer(estimator: BaseAutoEncoder, data: PreparedData) -> None:
    """Fit the imputer of a fitted estimator of a table, and measure its weights and errors."""
    encoder = estimator.table_
    if encoder is None:
        estimator._imputer = None
        return
    rows = data.task.rows.sample(max(100, MAX_NUMBERS // encoder.width), data.seed)[:]
    held_out = rows if data.task.validation_rows is None else data.task.validation_rows
    assert isinstance(held_out, np.ndarray)
    n_held_out = min(_MAX_HELD_OUT, max(20, _MAX_HELD_OUT_NUMBERS // encoder.width))
    imputer = estimator._imputer = GaussianImputer.fit(rows, column_starts(encoder))
    # The only column of a table cannot be estimated from others.
    if len(column_starts(encoder)) > 1:
        estimator._imputer = _measure(estimator, imputer, held_out[:n_held_out], data.seed)


def _measure(
    estimator: BaseAutoEncoder, imputer: GaussianImputer, rows: np.ndarray, seed: int
) -> GaussianImputer:
    """Return the imputer with weights and errors, which are measured on masked values of rows."""
    assert estimator.table_ is not None
    starts = column_starts(estimator.table_)
    widths = np.diff([*starts, estimator.table_.width])
    rng = np.random.default_rng(seed)
    folds = rng.permuted(np.tile(np.arange(len(starts)) % _FOLDS, (len(rows), 1)), axis=1)
    gaussian, reconstruction = np.zeros((2, *rows.shape))
    for fold in range(_FOLDS):
        is_masked = np.repeat(folds == fold, widths, axis=1)
        filled = imputer.impute(np.where(is_masked, np.nan, rows))
        gaussian[is_masked] = filled[is_masked]
        reconstruction[is_masked] = _reconstruct(estimator, filled)[is_masked]
    is_known = ~np.isnan(rows)
    target = np.where(is_known, rows - gaussian, 0.0)
    step = np.where(is_known, reconstruction - gaussian, 0.0)
    products, squares = (np.add.reduceat((a * step).sum(axis=0), starts) for a in (target, step))
    n_known = is_known[:, starts].sum(axis=0)
    weights = np.clip(products / np.maximum(squares, 1e-9), 0.0, 1.0)
    weights *= n_known / (n_known + _PRIOR_ROWS)
    squares = np.add.reduceat(
        ((target - np.repeat(weights, widths) * step) ** 2).sum(axis=0), starts
    )
    errors = np.sqrt(squares / np.maximum(n_known, 1)) / imputer.scale
    errors = np.where(n_known > 0, errors, 1.0)
    return replace(imputer, weights=weights.astype(np.float32), errors=errors.astype(np.float32))


def _reconstruct(estimator: BaseAutoEncoder, rows: np.ndarray) -> np.ndarray:
    model = estimator.numeric_view()
    return model.inverse_transform(model.transform(rows))


def _estimate(estimator: BaseAutoEncoder, imputer: GaussianImputer, rows: np.ndarray) -> np.ndarray:
    """Return encoded rows with the estimates of their missing values."""
    assert estimator.table_ is not None
    is_missing = np.isnan(rows)
    filled = imputer.impute(rows)
    incomplete_rows = np.flatnonzero(is_missing.any(axis=1))
    if len(incomplete_rows) and imputer.weights.any():
        widths = np.diff([*column_starts(estimator.table_), rows.shape[1]])
        step = _reconstruct(estimator, filled[incomplete_rows]) - filled[incomplete_rows]
        filled[incomplete_rows] += np.where(
            is_missing[incomplete_rows], np.repeat(imputer.weights, widths) * step, 0.0
        )
    return filled


def fill_table(estimator: BaseAutoEncoder, table: pa.Table) -> tuple[pa.Table, np.ndarray]:
    """Fill the missing values of an Arrow table.

    Return the table and the confidence in each of its cells, shape (n, number of columns), which
    is NaN for cells that were not filled.
    """
    import pyarrow.compute as pc

    encoder, imputer = estimator.table_, estimator._imputer
    if encoder is None or imputer is None:
        raise DataError(NO_TABLE)
    rows = _estimate(estimator, imputer, encoder.encode(table))
    confidence = np.full((table.num_rows, table.num_columns), np.nan)
    errors = iter(imputer.errors)
    for column, column_slice in zip(encoder.columns, encoder.slices, strict=True):
        error = next(errors) if column.width else 0.0
        values = table.column(column.name).combine_chunks()
        index = table.column_names.index(column.name)
        missing = pc.is_null(values, nan_is_null=True).to_numpy(zero_copy_only=False)
        if not missing.any():
            continue
        part = rows[missing, column_slice]
        estimates = column.decode(part)
        is_filled = estimates.is_valid().to_numpy(zero_copy_only=False)
        confidence[missing, index] = np.where(is_filled, _confidence(column, part, error), np.nan)
        filled = _replace(values, missing, estimates)
        table = table.set_column(index, table.field(index).with_type(filled.type), filled)
    return table, confidence


def _confidence(column: Any, rows: np.ndarray, error: float) -> np.ndarray:
    """Return the confidence in the estimates of a column, shape (n,)."""
    if isinstance(column, BooleanColumn):
        share = column.probabilities(rows)
        return np.maximum(share, 1.0 - share)
    if isinstance(column, CategoryColumn):
        n_levels = len(column.levels) - bool(column.rare)
        return column.probabilities(rows)[:, :n_levels].max(axis=1)
    if isinstance(column, ConstantColumn):
        # Laplace's rule of succession estimates the probability that another value is equal.
        n_known = column.n_known or 0
        return np.full(len(rows), (n_known + 1.0) / (n_known + 2.0))
    return np.full(len(rows), max(0.0, 1.0 - error))


def _replace(values: pa.Array, missing: np.ndarray, estimates: pa.Array) -> pa.Array:
    """Return values in which estimates replace missing values."""
    import pyarrow as pa
    import pyarrow.compute as pc

    dtype = values.type
    if pa.types.is_null(dtype):  # A column without values has no type, so the fitted type is used.
        values, dtype = values.cast(estimates.type), estimates.type
    if pa.types.is_dictionary(dtype):
        values = values.cast(dtype.value_type)
    if pa.types.is_dictionary(estimates.type):
        estimates = estimates.cast(estimates.type.value_type)
    estimates = estimates.cast(values.type, safe=False)
    # The known values come first, then the estimates, so that one selection arranges both.
    indices = np.arange(len(values))
    indices[missing] = len(values) + np.arange(len(estimates))
    filled = pa.concat_arrays([values, estimates]).take(pa.array(indices))
    return pc.dictionary_encode(filled).cast(dtype) if pa.types.is_dictionary(dtype) else filled


def impute(
    estimator: BaseAutoEncoder, X: DataLike, return_confidence: bool
) -> FrameLike | tuple[FrameLike, np.ndarray]:
    """Fill the missing values of a table; see `BaseAutoEncoder.impute`."""
    source = new_rows(estimator, X)
    if not isinstance(source, EncodedRows):
        raise DataError(NO_TABLE)
    table = source.with_boolean_strings(source.rows[:])
    filled, confidence = fill_table(estimator, table)
    frame = fill_frame(X, filled, ~np.isnan(confidence), source.encoder.container)
    return (frame, confidence) if return_confidence else frame
