"""The loss of encoded rows of a table: one term for each column, of equal weight.

Numbers have a squared error, Booleans a binary cross-entropy, and categories a cross-entropy of
a softmax. Each term is divided by that of a constant prediction, so that no column dominates.
Missing values do not contribute.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import KerasTensor, ops

from latentmap.networks.losses import Loss
from latentmap.networks.scaling_layers import ConstantLayer
from latentmap.preprocessing.category_columns import BooleanColumn, CategoryColumn
from latentmap.preprocessing.encoded_columns import Column

# Probabilities of PCA outside this margin are clipped before they are converted to logits.
MARGIN = 0.02
TABLE_LOSSES = ("table", "table_pca")  # Names of the two losses in a model file.


class TableLoss:
    """Link and loss of the encoded columns of a table.

    The network's output is a number for each encoded number: a logit for a Boolean or a
    category, and the encoded number itself for others.

    Examples
    --------
    >>> import pyarrow as pa
    >>> texts = pa.chunked_array([["a", "a", "b", None]])
    >>> column = CategoryColumn.fit(
    ...     texts, name="kind", role="category", type="string", has_missing_values=True)
    >>> loss = TableLoss([column])
    >>> rows = column.encode(texts).astype("float32")
    >>> [round(float(x), 2) for x in loss.distance(rows, loss.logits(0 * rows[:1]))]
    [0.32, 0.32, 0.86, 0.0]
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        columns = [column for column in columns if column.width]
        widths = [column.width for column in columns]
        self.offsets = np.cumsum([0, *widths[:-1]])
        d = sum(widths)
        self.is_boolean, self.is_category = np.zeros(d, bool), np.zeros(d, bool)
        self.shares, self.weights = np.zeros(d, np.float32), np.ones(d, np.float32)
        self.margins = np.full(d, MARGIN, np.float32)
        self.term_weights = np.full(d, 0.5, np.float32)
        levels: list[np.ndarray] = []
        for column, start in zip(columns, self.offsets, strict=True):
            column_slice = slice(start, start + column.width)
            if isinstance(column, BooleanColumn):
                self.is_boolean[column_slice] = True
                shares = np.array([column.share])
                entropy = -np.sum([s * np.log(s) for s in (column.share, 1.0 - column.share)])
            elif isinstance(column, CategoryColumn):
                self.is_category[column_slice] = True
                shares = column.shares
                entropy = -(shares * np.log(shares)).sum()
                levels.append(np.arange(column_slice.start, column_slice.stop))
                self.margins[column_slice] = min(MARGIN, 0.1 / column.width)
            else:
                continue
            self.shares[column_slice], self.weights[column_slice] = shares, column.weight
            self.term_weights[column_slice] = 0.5 / entropy
        self._set_levels(levels)

    def _set_levels(self, levels: Sequence[np.ndarray]) -> None:
        """Arrange the levels of all categories as a matrix with one row for each category."""
        n_levels = max(map(len, levels), default=1)
        self.level_indices = np.zeros((max(1, len(levels)), n_levels), np.int32)
        self.level_exists = np.zeros(self.level_indices.shape, bool)
        self.level_positions = np.zeros(len(self.is_category), np.int32)
        for i, level in enumerate(levels):
            self.level_indices[i, : len(level)] = level
            self.level_exists[i, : len(level)] = True
            self.level_positions[level] = i * n_levels + np.arange(len(level))

    @property
    def loss(self) -> Loss:
        """The loss for a network of the encoded columns."""
        return Loss(self.link, self.distance, self.error, self.logits)

    @property
    def linear_loss(self) -> Loss:
        """The loss for a decoder that is linear in the encoded numbers, such as PCA."""
        return Loss("linear", self._linear_distance, self.error)

    def link(self, outputs: KerasTensor) -> KerasTensor:
        """Convert outputs to encoded rows, shape (n, d)."""
        booleans = self._encode(ops.sigmoid(outputs))
        categories = self._encode(ops.exp(self._log_softmax(outputs)))
        return ops.where(
            self.is_boolean, booleans, ops.where(self.is_category, categories, outputs)
        )

    def logits(self, rows: KerasTensor) -> KerasTensor:
        """Convert encoded rows, such as those of PCA, to outputs; this is the inverse of `link`."""
        p = ops.clip(self._probabilities(rows), self.margins, 1.0 - self.margins)
        booleans, categories = ops.log(p) - ops.log1p(-p), ops.log(p)
        return ops.where(self.is_boolean, booleans, ops.where(self.is_category, categories, rows))

    def distance(self, rows: KerasTensor, outputs: KerasTensor) -> KerasTensor:
        """Return the mean loss of the known values of each row, shape (n,)."""
        target = _replace_nan(rows)
        indicator = self._probabilities(target)
        booleans = ops.softplus(outputs) - indicator * outputs
        categories = -indicator * self._log_softmax(outputs)
        terms = ops.where(
            self.is_boolean,
            booleans,
            ops.where(self.is_category, categories, ops.square(target - outputs)),
        )
        return self._mean_of_known(rows, ops.multiply(terms, self.term_weights))

    def error(self, rows: KerasTensor, reconstructions: KerasTensor) -> KerasTensor:
        """Return the mean squared error of the known columns of each row, shape (n,)."""
        return self._mean_of_known(rows, ops.square(_replace_nan(rows) - reconstructions))

    # Operators of a PyTorch tensor do not take arrays of NumPy; functions of `keras.ops` do.

    def _encode(self, probabilities: KerasTensor) -> KerasTensor:
        return ops.multiply(ops.subtract(probabilities, self.shares), self.weights)

    def _probabilities(self, rows: KerasTensor) -> KerasTensor:
        return ops.add(ops.divide(rows, self.weights), self.shares)

    def _linear_distance(self, rows: KerasTensor, outputs: KerasTensor) -> KerasTensor:
        return 0.5 * self.error(rows, outputs)

    def _mean_of_known(self, rows: KerasTensor, terms: KerasTensor) -> KerasTensor:
        terms = ops.where(ops.isnan(rows), 0.0, terms)
        is_known = ops.logical_not(ops.isnan(ops.take(rows, self.offsets, axis=1)))
        n_known = ops.maximum(ops.sum(ops.cast(is_known, "float32"), axis=-1), 1.0)
        return ops.sum(terms, axis=-1) / n_known

    def _log_softmax(self, outputs: KerasTensor) -> KerasTensor:
        """Return the logarithm of the softmax within each category; other columns are arbitrary."""
        levels = ops.take(outputs, self.level_indices.ravel(), axis=1)
        levels = ops.reshape(levels, (-1, *self.level_indices.shape))
        levels = ops.log_softmax(ops.where(self.level_exists, levels, -1e9), axis=-1)
        flat = ops.reshape(levels, (-1, self.level_indices.size))
        return ops.take(flat, self.level_positions, axis=1)


def _replace_nan(rows: KerasTensor) -> KerasTensor:
    return ops.where(ops.isnan(rows), 0.0, rows)


@keras.saving.register_keras_serializable("latentmap")
class ReplaceMissing(keras.layers.Layer):
    """Layer that replaces missing values by 0, the mean of a standardised column.

    Examples
    --------
    >>> ReplaceMissing()(np.array([[np.nan, 2.0]], "float32")).tolist()
    [[0.0, 2.0]]
    """

    def call(self, inputs: KerasTensor) -> KerasTensor:
        """Fill rows of any shape."""
        return _replace_nan(inputs)


@keras.saving.register_keras_serializable("latentmap")
class MissingIndicator(ConstantLayer):
    """Layer that returns 1 for each missing value of the selected columns, and 0 for others.

    Parameters
    ----------
    indices : sequence of int
        Index of one encoded number of each selected column.

    Examples
    --------
    >>> MissingIndicator([1])(np.array([[1.0, np.nan], [2.0, 3.0]], "float32")).tolist()
    [[1.0], [0.0]]
    """

    def __init__(self, indices: Sequence[int], **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.indices = list(indices)

    def call(self, inputs: KerasTensor) -> KerasTensor:
        """Return the flags of missing values, shape (n, n_columns)."""
        columns = ops.take(inputs, np.asarray(self.indices, np.int32), axis=1)
        return ops.cast(ops.isnan(columns), self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "indices": self.indices}
