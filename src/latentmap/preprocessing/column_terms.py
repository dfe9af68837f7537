"""Kinds of the encoded numbers of a table, on which the loss of each column depends."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from latentmap.preprocessing.category_columns import BooleanColumn, CategoryColumn
from latentmap.preprocessing.encoded_columns import Column

# Probabilities of PCA outside this margin are clipped before they are converted to logits.
MARGIN = 0.02
TABLE_LOSSES = ("table", "table_pca")  # Names of the two losses in a model file.


class ColumnTerms:
    """Arrays that describe the encoded numbers of the columns of a table.

    Attributes
    ----------
    offsets : ndarray of shape (n_columns,)
        Index of the first encoded number of each column that has encoded numbers.
    is_boolean, is_category : ndarray of bool, shape (d,)
        Whether an encoded number belongs to a Boolean or to a level of a category.
    shares, weights : ndarray of shape (d,)
        Encoded numbers are (probability − share) · weight for Booleans and categories.
    margins : ndarray of shape (d,)
        Minimum probability that is converted to a logit.
    term_weights : ndarray of shape (d,)
        Weight of the loss of each encoded number.
    level_indices, level_exists : ndarray of shape (n_categories, max_levels)
        Indices of the encoded numbers of each category, padded to the same number of levels.
    level_positions : ndarray of shape (d,)
        Position of each encoded number in the flattened ``level_indices``.
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
