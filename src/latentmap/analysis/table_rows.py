"""Rows of a table for reports and plots: the text of each value, and its encoded numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from latentmap.analysis.encoding import column_norms, numeric_model, numeric_rows
from latentmap.data.types import DataLike
from latentmap.preprocessing.category_columns import BooleanColumn
from latentmap.preprocessing.encoded_columns import Column
from latentmap.preprocessing.table_encoder import TableEncoder

if TYPE_CHECKING:
    import pyarrow as pa

MISSING = "missing"
_MAX_NUMBERS = 3
_MIN_DECIMAL, _MAX_DECIMAL = 1e-4, 1e15  # Smaller and larger numbers are written with an exponent.


@dataclass(frozen=True)
class TableRows:
    """Rows of a table, with the fitted columns.

    Attributes
    ----------
    encoder : TableEncoder
    table : pyarrow.Table
    encoded : ndarray of shape (n, width)
        The encoded numbers of the rows, with NaN for missing values.

    Examples
    --------
    >>> import pandas as pd
    >>> from latentmap import AutoEncoder
    >>> X = pd.DataFrame({"size": [1.5, 2.25, None, 4.0], "kind": ["a", "a", "a", "b"]})
    >>> rows = TableRows.read(AutoEncoder(1, epochs=1, random_state=0).fit(X), X)
    >>> rows.cell_text[2].tolist()
    ['missing', 'a']
    """

    encoder: TableEncoder
    table: pa.Table
    encoded: np.ndarray

    @classmethod
    def read(cls, estimator: Any, X: DataLike) -> Self:
        """Return all rows of X, for an estimator that was fitted to a table."""
        encoder, source = estimator.table_, numeric_rows(estimator, X)
        table: Any = source.rows[:]  # type: ignore[attr-defined]
        columns = {c.name: _as_decoded(c, table.column(c.name)) for c in encoder.columns}
        return cls(encoder, type(table).from_pydict(columns), encoder.encode(table))

    @classmethod
    def decode(cls, estimator: Any, codes: np.ndarray) -> Self:
        """Return the rows that codes decode to."""
        encoder = estimator.table_
        encoded = np.asarray(numeric_model(estimator).inverse_transform(codes))
        return cls(encoder, encoder.decode_arrow(encoded), encoded)

    @classmethod
    def concatenate(cls, parts: Sequence[TableRows]) -> Self:
        """Concatenate the rows of several objects, which must have the same encoder."""
        import pyarrow as pa

        table = pa.concat_tables([part.table for part in parts], promote_options="permissive")
        return cls(parts[0].encoder, table, np.concatenate([part.encoded for part in parts]))

    @classmethod
    def reconstruct(cls, estimator: Any, rows: TableRows) -> Self:
        """Return the reconstructions of rows."""
        return cls.decode(estimator, numeric_model(estimator).transform(rows.encoded))

    def __len__(self) -> int:
        return len(self.encoded)

    def select(self, indices: ArrayLike) -> Self:
        """Return the rows at ``indices``."""
        numbers = np.asarray(indices, dtype=np.intp)
        return type(self)(self.encoder, self.table.take(numbers), self.encoded[numbers])

    @property
    def names(self) -> list[str]:
        """Names of the columns."""
        return self.encoder.names

    @property
    def frame(self) -> Any:
        """The rows as a data frame of the kind that was fitted."""
        return self.encoder.as_frame(self.table)

    @cached_property
    def values(self) -> np.ndarray:
        """Values for JSON, an object array of shape (n, n_columns); missing values are None."""
        values = np.empty((len(self), len(self.names)), dtype=object)
        for i, name in enumerate(self.names):
            for row, value in enumerate(self.table.column(name).to_pylist()):
                values[row, i] = _json_value(value)
        return values

    @cached_property
    def cell_text(self) -> np.ndarray:
        """Values as strings with units, an object array of shape (n, n_columns)."""
        cell_text = np.empty(self.values.shape, dtype=object)
        for i, column in enumerate(self.encoder.columns):
            cell_text[:, i] = [format_value(value, column.unit) for value in self.values[:, i]]
        return cell_text

    @property
    def is_ordered(self) -> np.ndarray:
        """Whether the values of a column have an order, shape (n_columns,)."""
        return np.array([column.width == 1 for column in self.encoder.columns])

    @property
    def positions(self) -> np.ndarray:
        """Encoded values of columns of one number, shape (n, n_columns); NaN for other columns."""
        positions = np.full((len(self), len(self.names)), np.nan)
        for i, column_slice in enumerate(self.encoder.slices):
            if column_slice.stop - column_slice.start == 1:
                positions[:, i] = self.encoded[:, column_slice.start]
        return positions

    def differences(self, other_rows: Self) -> np.ndarray:
        """Return the differences from other rows, in standard deviations, shape (n, n_columns).

        The difference between a missing or unknown value and another value is 1.
        """
        difference = column_norms(self.encoder, self.encoded - other_rows.encoded)
        is_other = self.cell_text != other_rows.cell_text
        return np.where(np.isnan(difference), is_other.astype(float), difference)

    def project_on_difference(self, rows: TableRows) -> np.ndarray:
        """Project ``rows`` onto the line between the two rows of this object, column by column.

        The result has shape (2, n_columns). A column of one number gives its encoded value, or NaN
        if it is missing. Other columns give the position along the line: 0 at the first row of this
        object, and the distance between both rows at the second.
        """
        a, b = np.nan_to_num(self.encoded)
        positions = rows.positions
        for i, column_slice in enumerate(self.encoder.slices):
            direction = b[column_slice] - a[column_slice]
            length = np.linalg.norm(direction)
            if len(direction) != 1:
                part = np.nan_to_num(rows.encoded[:, column_slice]) - a[column_slice]
                positions[:, i] = part @ direction / length if length > 0 else 0.0
        return positions


def format_value(value: Any, unit: str | None = None) -> str:
    """Format a value: numbers have four digits, and dates have no time if it is midnight.

    Examples
    --------
    >>> format_value(1234.5678), format_value(12, "%"), format_value(None), format_value(True)
    ('1235', '12 %', 'missing', 'true')
    """
    if value is None:
        return MISSING
    if isinstance(value, list):
        ellipsis = ", …" if len(value) > _MAX_NUMBERS else ""
        return f"[{', '.join(map(format_value, value[:_MAX_NUMBERS]))}{ellipsis}]"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if isinstance(value, float):
        text = _format_number(value)
    return f"{text} {unit}" if unit else text


def _as_decoded(column: Column, values: Any) -> Any:
    """Convert Booleans to the strings that they were read from; return other values unchanged."""
    import pyarrow as pa
    import pyarrow.compute as pc

    strings = column.boolean_strings if isinstance(column, BooleanColumn) else None
    if strings is None or not pa.types.is_boolean(values.type):
        return values
    return pc.if_else(values, strings[1], strings[0])


def _format_number(value: float) -> str:
    if value != 0 and not _MIN_DECIMAL <= abs(value) < _MAX_DECIMAL:
        return f"{value:.4g}"
    return f"{value:.4g}" if abs(value) < 1e4 else f"{value:.0f}"


def _json_value(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [_json_value(part) for part in value]
    return str(value).removesuffix(" 00:00:00")
