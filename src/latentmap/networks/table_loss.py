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
from latentmap.preprocessing.column_terms import ColumnTerms


class TableLoss(ColumnTerms):
    """Link and loss of the encoded columns of a table.

    The network's output is a number for each encoded number: a logit for a Boolean or a
    category, and the encoded number itself for others.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from latentmap.preprocessing.category_columns import CategoryColumn
    >>> texts = pa.chunked_array([["a", "a", "b", None]])
    >>> column = CategoryColumn.fit(
    ...     texts, name="kind", role="category", type="string", has_missing_values=True)
    >>> loss = TableLoss([column])
    >>> rows = column.encode(texts).astype("float32")
    >>> [round(float(x), 2) for x in loss.distance(rows, loss.logits(0 * rows[:1]))]
    [0.32, 0.32, 0.86, 0.0]
    """

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

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return the shape of the input."""
        return input_shape


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

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return (n, n_columns)."""
        return input_shape[0], len(self.indices)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "indices": self.indices}
