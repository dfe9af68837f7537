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

    def take(self, indices: ArrayLike) -> np.ndarray:
        """Return the encoded rows at ``indices``, shape (len(indices), width)."""
        return self.encoder.encode(self._restore_boolean_strings(self.rows.take(indices)))

    def _restore_boolean_strings(self, table: pa.Table) -> pa.Table:
        """Return the booleans of new rows as strings where the fitted column has strings."""
        import pyarrow.compute as pc

        schema = self.rows.table_schema
        boolean_strings = {} if schema is None else schema.boolean_strings
        for column in self.encoder.columns:
            if column.name in boolean_strings and column.role not in ("boolean", "constant"):
                false, true = boolean_strings[column.name]
                values = pc.if_else(table.column(column.name), true, false)
                table = table.set_column(table.column_names.index(column.name), column.name, values)
        return table


class EncodedArray(ArraySource):
    """Encoded rows of a table in memory."""

    allow_nan = True

    def __init__(self, array: np.ndarray, encoder: TableEncoder, name: str = "the rows") -> None:
        super().__init__(array, name=name)
        self.encoder = encoder
