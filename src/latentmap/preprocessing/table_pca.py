"""Linear model of a table: the encoding of its columns for PCA, by cross-validation.

An encoded category has a total variance of 1, like every column. Its indicators of 0 and 1 would
have a smaller variance, so that fewer principal components would describe it. Skewed numbers are
encoded by arsinh for networks, but PCA may describe the numbers themselves better. Which encoding
reconstructs unseen rows better depends on the table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from latentmap.data.sources import Source
from latentmap.preprocessing.category_columns import BooleanColumn, CategoryColumn
from latentmap.preprocessing.column_types import to_floats
from latentmap.preprocessing.encoded_columns import Column
from latentmap.preprocessing.encoded_rows import EncodedArray
from latentmap.preprocessing.number_columns import NumberColumn
from latentmap.preprocessing.pca_solvers import fit_pca
from latentmap.preprocessing.table_encoder import TableEncoder

_MAX_ROWS, _MAX_WIDTH = 500, 300
_FOLDS = 10
# The indicators of a category are encoded with a total variance of 1. They are multiplied by a
# power of the standard deviation of 0/1 indicators: 1 restores their variance, and 0 keeps 1.
_POWERS = (1.0, 0.5, 0.0)
_MIN_GAIN = 0.01  # Minimum decrease of the error, as a share of the first encoding's error.
_MAX_ERROR = 3.0  # Larger errors of a column are clipped, so that it does not dominate the mean.


@dataclass(frozen=True)
class LinearModel:
    """Encoding of a table for PCA.

    Attributes
    ----------
    fitted_encoder : TableEncoder
        Encoder of the rows that `convert` takes.
    encoder : TableEncoder
        Encoder of the rows that `convert` returns.
    weights : ndarray of shape (width,)
        Factor of each encoded number before PCA.
    """

    fitted_encoder: TableEncoder
    encoder: TableEncoder
    weights: np.ndarray

    def convert(self, rows: np.ndarray) -> np.ndarray:
        """Return rows of ``fitted_encoder`` as rows of ``encoder``, shape (n, width)."""
        converted = rows.copy()
        columns = zip(self.fitted_encoder.columns, self.encoder.columns, strict=True)
        for (fitted_column, column), part in zip(columns, self.encoder.slices, strict=True):
            if column is not fitted_column:
                converted[:, part] = column.encode(fitted_column.decode(rows[:, part]))
        return converted

    def convert_source(self, rows: Source) -> Source:
        """Return all rows in the encoding of ``encoder``."""
        if self.encoder is self.fitted_encoder:
            return rows
        return EncodedArray(self.convert(rows[:]), self.encoder, rows.name)


def choose_linear_model(
    rows: Source, encoder: TableEncoder, n_components: int, seed: int
) -> LinearModel:
    """Return the encoding with the lowest error of the columns in a cross-validation of PCA.

    Skewed numbers are encoded as they are, or by arsinh. Booleans and categories are multiplied by
    sᵉ, where s is the total standard deviation of the indicators and e is 1, 0.5 or 0. Numbers as
    they are and e = 1, which is PCA on indicators, are chosen unless another encoding lowers the
    error by 1 % and by one standard error. At most 500 rows are used. A table with more than 300
    encoded numbers in a row keeps its encoding, with e = 1.
    """
    deviations = _indicator_deviations(encoder)
    if encoder.width > _MAX_WIDTH or len(rows) < _FOLDS:
        return LinearModel(encoder, encoder, deviations)
    x = rows.sample(_MAX_ROWS, seed)[:]
    encoders = [encoder]
    if rows.in_memory and (linear := _without_arsinh(encoder, rows[:])) != encoder:
        encoders = [linear, encoder]
    powers = _POWERS if (deviations != 1.0).any() else _POWERS[:1]
    models = [LinearModel(encoder, e, deviations**power) for e in encoders for power in powers]
    folds = np.random.default_rng(seed).permutation(len(x)) % _FOLDS
    errors = [_cross_validated_error(model, x, folds, n_components, seed) for model in models]
    all_rows = np.ones(len(x), bool)
    best = min(range(len(models)), key=lambda i: errors[i](all_rows))
    has_gain = errors[best](all_rows) < (1 - _MIN_GAIN) * errors[0](all_rows)
    return models[best if has_gain and is_clearly_lower(errors[best], errors[0], folds) else 0]


def _without_arsinh(encoder: TableEncoder, rows: np.ndarray) -> TableEncoder:
    """Return an encoder that does not transform skewed numbers."""
    columns = [
        _linear_column(column, rows[:, part])
        if isinstance(column, NumberColumn) and column.arsinh_scale is not None
        else column
        for column, part in zip(encoder.columns, encoder.slices, strict=True)
    ]
    return replace(encoder, columns=tuple(columns))


def _linear_column(column: NumberColumn, rows: np.ndarray) -> NumberColumn:
    numbers = to_floats(column.decode(rows), column.type)
    mean, scale = float(np.nanmean(numbers)), float(np.nanstd(numbers))
    # Only percentages have a limit of their own; that of other numbers keeps the values of sinh
    # finite.
    high = column.high if column.unit == "%" else None
    return replace(column, arsinh_scale=None, mean=mean, scale=scale or 1.0, high=high)


def _indicator_deviations(encoder: TableEncoder) -> np.ndarray:
    deviations = np.ones(encoder.width)
    for column, column_slice in zip(encoder.columns, encoder.slices, strict=True):
        if isinstance(column, CategoryColumn):
            deviations[column_slice] = 1.0 / column.weight
        elif isinstance(column, BooleanColumn):
            # The two indicators of a Boolean are encoded as one number.
            deviations[column_slice] = np.sqrt(2.0) / column.weight
    return deviations


def _cross_validated_error(
    model: LinearModel, rows: np.ndarray, folds: np.ndarray, n_components: int, seed: int
) -> Callable[[np.ndarray], float]:
    """Return a function that returns the cross-validated error of PCA on a subset of the rows.

    The function takes a mask of shape (n,). Each row is reconstructed by the PCA of the other
    folds. ``rows`` are encoded by ``model.fitted_encoder``.
    """
    x = model.convert(rows)
    scaled_rows = np.nan_to_num(x) * model.weights
    decoded = np.empty(x.shape, np.float32)
    for fold in range(_FOLDS):
        pca = fit_pca(scaled_rows[folds != fold], n_components, seed)
        codes = (scaled_rows[folds == fold] - pca.mean) @ pca.components.T
        decoded[folds == fold] = (codes @ pca.components + pca.mean) / model.weights
    return lambda mask: column_error(model.encoder, x[mask], decoded[mask])


def is_clearly_lower(
    first: Callable[[np.ndarray], float], second: Callable[[np.ndarray], float], groups: np.ndarray
) -> bool:
    """Return whether the first error is lower than the second one by more than a standard error.

    Both are functions of a mask of rows. The standard error of their difference is that of the
    jackknife, which leaves out one group of rows at a time: its square is (g − 1) / g times the sum
    of the squared deviations of the g differences from their mean.
    """
    gains = np.array([second(groups != g) - first(groups != g) for g in np.unique(groups)])
    variance = (len(gains) - 1) * gains.var()
    all_rows = np.ones(len(groups), bool)
    return bool(second(all_rows) - first(all_rows) > np.sqrt(variance))


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
