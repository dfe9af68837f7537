"""Weights of the categories of a table in its principal components, by cross-validation.

An encoded category has a total variance of 1, like every column. Its indicators of 0 and 1 would
have a smaller variance, so that fewer principal components would describe it. Which of the two
scalings reconstructs unseen rows better depends on the table.
"""

from __future__ import annotations

import numpy as np

from latentmap.data.sources import Source
from latentmap.preprocessing.category_columns import BooleanColumn, CategoryColumn
from latentmap.preprocessing.column_types import to_floats
from latentmap.preprocessing.encoded_columns import Column
from latentmap.preprocessing.number_columns import NumberColumn
from latentmap.preprocessing.pca_solvers import fit_pca
from latentmap.preprocessing.table_encoder import TableEncoder

_MAX_ROWS, _MAX_WIDTH = 500, 300
_FOLDS = 10
# With the exponent 1, indicators keep the variance of 0 and 1; with 0, their total variance is 1.
_EXPONENTS = (1.0, 0.5, 0.0)
_MIN_GAIN = 0.01  # Minimum advantage over the first exponent, as a share of its error.
_MAX_ERROR = 3.0  # Maximum error of a column, so that no single column decides.


def choose_weights(rows: Source, encoder: TableEncoder, n_components: int, seed: int) -> np.ndarray:
    """Return the factor of each encoded number before PCA, shape (width,).

    It is 1 for numbers and sᵉ for Booleans and categories, where s is the total standard deviation
    of the indicators. The exponent e has the lowest mean error of the columns in cross-validation
    of at most 500 rows. It is 1 if no other exponent lowers the error by 1 %, and for tables with
    more than 300 encoded numbers in a row.
    """
    deviations = _indicator_deviations(encoder)
    if encoder.width > _MAX_WIDTH or len(rows) < _FOLDS or (deviations == 1.0).all():
        return deviations
    x = rows.sample(_MAX_ROWS, seed)[:].astype(np.float64)
    errors = [
        _reconstruction_error(encoder, x, deviations**exponent, n_components, seed)
        for exponent in _EXPONENTS
    ]
    best = int(np.argmin(errors))
    return deviations ** _EXPONENTS[best if errors[best] < (1 - _MIN_GAIN) * errors[0] else 0]


def _indicator_deviations(encoder: TableEncoder) -> np.ndarray:
    deviations = np.ones(encoder.width)
    for column, column_slice in zip(encoder.columns, encoder.slices, strict=True):
        if isinstance(column, CategoryColumn):
            deviations[column_slice] = 1.0 / column.weight
        elif isinstance(column, BooleanColumn):  # One number stands for two indicators.
            deviations[column_slice] = np.sqrt(2.0) / column.weight
    return deviations


def _reconstruction_error(
    encoder: TableEncoder, x: np.ndarray, weights: np.ndarray, n_components: int, seed: int
) -> float:
    """Return the error of the columns of rows that PCA was not fitted to; see `column_error`."""
    folds = np.random.default_rng(seed).permutation(len(x)) % _FOLDS
    scaled_rows = np.nan_to_num(x) * weights
    decoded = np.empty(x.shape, np.float32)
    for fold in range(_FOLDS):
        pca = fit_pca(scaled_rows[folds != fold], n_components, seed)
        codes = (scaled_rows[folds == fold] - pca.mean) @ pca.components.T
        decoded[folds == fold] = (codes @ pca.components + pca.mean) / weights
    return column_error(encoder, x, decoded)


def column_error(encoder: TableEncoder, rows: np.ndarray, reconstructions: np.ndarray) -> float:
    """Return the mean error of the columns of encoded rows, relative to a constant prediction.

    Values are compared as they are decoded: numbers in their own unit, and likeliest categories.
    Columns that are constant in ``rows`` do not count.
    """
    errors = [
        _relative_error(column, rows[:, column_slice], reconstructions[:, column_slice])
        for column, column_slice in zip(encoder.columns, encoder.slices, strict=True)
        if column.width
    ]
    return float(np.nanmean(np.minimum(errors, _MAX_ERROR)))


def _relative_error(column: Column, x: np.ndarray, y: np.ndarray) -> float:
    """Return the error of encoded rows y relative to a constant prediction; NaN if x is constant.

    It is the RMSE divided by the standard deviation, or the share of wrong categories divided by
    that of the most frequent category.
    """
    is_known = ~np.isnan(x[:, 0])
    x, y = x[is_known], y[is_known]
    if isinstance(column, BooleanColumn | CategoryColumn):
        levels, decoded = _most_likely_level(column, x), _most_likely_level(column, y)
        counts = np.bincount(levels, minlength=1)
        baseline = 1.0 - counts.max() / max(1, len(levels))
        return float(np.mean(levels != decoded)) / baseline if baseline > 0 else np.nan
    if isinstance(column, NumberColumn):
        x, y = (to_floats(column.decode(rows), column.type)[:, None] for rows in (x, y))
    baseline = np.sqrt(x.var(axis=0).sum()) if len(x) else 0.0
    error = np.sqrt(np.mean(np.square(x - y).sum(axis=1))) if len(x) else 0.0
    return float(error / baseline) if baseline > 0 else np.nan


def _most_likely_level(column: BooleanColumn | CategoryColumn, rows: np.ndarray) -> np.ndarray:
    probabilities = column.probabilities(rows)
    is_boolean = probabilities.ndim == 1
    return (probabilities > 0.5).astype(int) if is_boolean else probabilities.argmax(axis=1)
