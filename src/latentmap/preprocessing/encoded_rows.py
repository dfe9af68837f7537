"""Rows of a table, encoded as numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from latentmap.data.converted_rows import ConvertedRows
from latentmap.data.sources import ArraySource, Source
from latentmap.preprocessing.table_encoder import TableEncoder

if TYPE_CHECKING:
    import pyarrow as pa


class EncodedRows(ConvertedRows):
    """The rows of a table, encoded as numbers; a missing value is NaN."""

    dtype = np.dtype(np.float32)
    allow_nan = True

    encoder: TableEncoder

    def __init__(self, rows: Source, encoder: TableEncoder) -> None:
        encoder.check_columns(rows)
        super().__init__(rows)
        self.encoder, self.row_shape, self.feature_names = encoder, (encoder.width,), None

    @property
    def column_names(self) -> list[str] | None:
        """Names of the fitted columns, or None unless all names in the data frame are strings."""
        schema = self.rows.table_schema
        return self.encoder.names if schema is None or schema.has_string_names else None

    def check(self, batch: np.ndarray, first_row: int) -> None:
        """Do nothing, because the encoder has checked the rows."""

    def take(self, indices: ArrayLike) -> np.ndarray:
        """Return the encoded rows at ``indices``, shape (len(indices), width)."""
        return self.encoder.encode(self.with_boolean_strings(self.rows.take(indices)))

    def with_boolean_strings(self, table: pa.Table) -> pa.Table:
        """Return the booleans of new rows as strings where the fitted column has strings."""
        import pyarrow as pa
        import pyarrow.compute as pc

        schema = self.rows.table_schema
        boolean_strings = {} if schema is None else schema.boolean_strings
        for column in self.encoder.columns:
            values = table.column(column.name)
            fitted_strings = getattr(column, "boolean_strings", None)
            strings = boolean_strings.get(column.name, fitted_strings)
            has_booleans = column.role == "boolean" and fitted_strings is None
            if strings and not has_booleans and pa.types.is_boolean(values.type):
                index = table.column_names.index(column.name)
                values = pc.if_else(values, strings[1], strings[0])
                table = table.set_column(index, column.name, values)
        return table


class EncodedArray(ArraySource):
    """Encoded rows of a table in memory."""

    allow_nan = True

    def __init__(self, array: np.ndarray, encoder: TableEncoder, name: str = "the rows") -> None:
        super().__init__(array, name=name)
        self.encoder = encoder
