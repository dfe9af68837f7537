"""Columns of a table that the page displays, and their values in all rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from latentmap.data import Source
from latentmap.data.batching import read_batches
from latentmap.explorer.display_columns import (
    CATEGORY,
    TEXT,
    DisplayColumn,
    as_display_strings,
)
from latentmap.preprocessing.column_types import Values, type_from_name
from latentmap.preprocessing.table_encoder import TableEncoder

if TYPE_CHECKING:
    import pyarrow as pa

MAX_COLUMNS = 256
MAX_CATEGORIES = 1000
OTHER_CATEGORIES = "(others)"
# Maximum quantised number; 65,535 represents a missing value.
MAX_QUANTIZED = 65_534
MISSING = MAX_QUANTIZED + 1

DisplayRows: TypeAlias = list[np.ndarray]
"""An array of shape (m,) for each displayed column of m rows; see `DisplayColumn.convert`."""


@dataclass(frozen=True)
class TableColumns:
    """The k displayed columns of a table of ``n_total`` columns.

    ``values`` holds these columns in all rows. ``importance``, shape (k,), determines which columns
    are displayed if there are too many.
    """

    columns: list[DisplayColumn]
    values: pa.Table
    importance: np.ndarray
    n_total: int

    @classmethod
    def read(
        cls,
        source: Source,
        columns: Sequence[DisplayColumn],
        importance: np.ndarray,
        verbose: bool = False,
    ) -> Self:
        """Read the 256 most important columns of all rows, or all columns if there are fewer."""
        indices = _largest(importance, MAX_COLUMNS)
        page_columns = [columns[i] for i in indices]
        values = _read_values(source, page_columns, verbose)
        page_columns = [c.with_inferred_kind(values.column(j)) for j, c in enumerate(page_columns)]
        return cls(page_columns, values, importance[indices], len(columns))

    def keep_most_important(self, count: int) -> TableColumns:
        """Return the ``count`` most important columns."""
        indices = _largest(self.importance, count)
        return replace(
            self,
            columns=[self.columns[i] for i in indices],
            values=self.values.select(indices.tolist()),
            importance=self.importance[indices],
        )

    @property
    def text_buffers(self) -> dict[str, int]:
        """Names of the buffers of text columns, and the indices of these columns."""
        text_columns = [j for j, column in enumerate(self.columns) if column.kind == TEXT]
        return {f"originals-text-{j}": j for j in text_columns}

    @property
    def names(self) -> list[str]:
        """Names of the displayed columns."""
        return [column.name for column in self.columns]

    def column_values(self, j: int) -> np.ndarray:
        """Return the values of a column in all rows; see `DisplayColumn.convert`."""
        return self.columns[j].convert(self.values.column(j))

    @cached_property
    def ranges(self) -> np.ndarray:
        """The minimum and the maximum of each column of numbers or dates, shape (k, 2)."""
        parts = self.describe()["columns"]
        return np.array([[part.get("low", 0.0), part.get("high", 1.0)] for part in parts])

    @cached_property
    def categories(self) -> list[list[str]]:
        """Categories of each column, in order; beyond 1,000, rare categories become "(others)"."""
        return [
            _categories(self.values.column(j)) if column.kind == CATEGORY else []
            for j, column in enumerate(self.columns)
        ]

    def to_display(
        self, rows: np.ndarray | pa.Table, metadata: pa.Table | None = None
    ) -> DisplayRows:
        """Return the displayed columns of rows, with those of their metadata."""
        table = _select(rows, self.columns, metadata)
        return [column.convert(table.column(j)) for j, column in enumerate(self.columns)]

    def rows_at(self, indices: np.ndarray) -> DisplayRows:
        """Return the displayed columns of the rows at ``indices``."""
        table = self.values.take(indices)
        return [column.convert(table.column(j)) for j, column in enumerate(self.columns)]

    def decode(self, rows: np.ndarray) -> DisplayRows:
        """Convert decoded rows of shape (m, d) to the displayed columns."""
        rows = rows.reshape(len(rows), -1)
        return [column.decode(rows) for column in self.columns]

    def encode_categories(self, j: int, values: Values) -> np.ndarray:
        """Return the category index of each string as uint16; 65,535 is a missing string."""
        import pyarrow as pa
        import pyarrow.compute as pc

        categories = self.categories[j]
        indices = pc.index_in(as_display_strings(values), pa.array(categories, pa.string()))
        if categories and categories[-1] == OTHER_CATEGORIES:
            indices = pc.if_else(
                pc.is_null(values), indices, pc.fill_null(indices, len(categories) - 1)
            )
        return np.asarray(pc.fill_null(indices, MISSING)).astype("<u2")

    def quantize(self, rows: DisplayRows, ranges: np.ndarray) -> np.ndarray:
        """Return the displayed columns except text columns, uint16 of shape (m, n_columns)."""
        import pyarrow as pa

        columns = []
        for j, (column, values) in enumerate(zip(self.columns, rows, strict=True)):
            if column.kind == CATEGORY:
                columns.append(self.encode_categories(j, pa.array(values, pa.string())))
            elif column.kind != TEXT:
                columns.append(quantize(values, *ranges[j]))
        return np.column_stack(columns) if columns else np.empty((len(rows[0]), 0), "<u2")

    def strings(self, j: int) -> list[str | None]:
        """Return the values of a column in all rows as strings."""
        return as_display_strings(self.values.column(j)).to_pylist()

    def describe(self) -> dict[str, Any]:
        """Return the kind of rows and a description of each column, as JSON values."""
        return {"kind": "table", "columns": [self._describe(j) for j in range(len(self.columns))]}

    def _describe(self, j: int) -> dict[str, Any]:
        column = self.columns[j]
        if column.kind == TEXT:
            return column.describe(np.empty(0))
        if column.kind != CATEGORY:
            return column.describe(self.column_values(j))
        codes = self.encode_categories(j, self.values.column(j))
        counts = np.bincount(codes, minlength=MISSING + 1)[: len(self.categories[j])]
        shares = np.round(counts / max(1, counts.sum()), 4).tolist()
        return {**column.describe(np.empty(0)), "categories": self.categories[j], "shares": shares}


def numeric_columns(names: Sequence[str], dtype: np.dtype) -> list[DisplayColumn]:
    """Return the columns of rows of numbers."""
    is_integer = dtype.kind in "iub"
    kind = "int64" if is_integer else "double"
    return [DisplayColumn(name, "number", kind, slice(i, i + 1)) for i, name in enumerate(names)]


def table_columns(encoder: TableEncoder, source: Source) -> list[DisplayColumn]:
    """Return all columns of a fitted table in their order, including columns not fitted."""
    assert source.table_schema is not None
    schema = source.table_schema.schema
    pairs = zip(encoder.columns, encoder.slices, strict=True)
    fitted = {
        column.name: DisplayColumn.from_fitted(column, column_slice)
        for column, column_slice in pairs
    }
    names = source.feature_names or list(fitted)
    return [
        fitted.get(name) or DisplayColumn.from_unfitted(name, schema.field(name).type)
        for name in names
    ]


def metadata_columns(metadata: Source) -> list[DisplayColumn]:
    """Return the columns beside rows of numbers."""
    assert metadata.table_schema is not None
    return [DisplayColumn.from_unfitted(f.name, f.type) for f in metadata.table_schema.schema]


def _read_values(source: Source, columns: Sequence[DisplayColumn], verbose: bool) -> pa.Table:
    """Read columns of a table, or of rows of numbers and their metadata."""
    import pyarrow as pa

    is_metadata = [c.encoded_slice is None and source.table_schema is None for c in columns]
    row_columns = [
        c for c, in_metadata in zip(columns, is_metadata, strict=True) if not in_metadata
    ]
    parts: dict[str, Any] = {}
    if row_columns:
        task = f"Reading {len(source):,} rows"
        batches = read_batches(source, task=task, verbose=verbose)
        table = pa.concat_tables([_select(batch, row_columns) for _, batch in batches])
        parts |= dict(zip(table.column_names, table.columns, strict=True))
    if source.metadata is not None:
        metadata: Any = source.metadata[:]
        parts |= dict(zip(metadata.column_names, metadata.columns, strict=True))
    return pa.table({column.name: parts[column.name] for column in columns})


def _select(
    rows: np.ndarray | pa.Table, columns: Sequence[DisplayColumn], metadata: pa.Table | None = None
) -> pa.Table:
    """Return columns of a batch of rows and of their metadata as an Arrow table."""
    import pyarrow as pa

    names = [column.name for column in columns]
    if not isinstance(rows, np.ndarray):
        return rows.select(names)
    numbers = rows.reshape(len(rows), -1)
    numbers = numbers.astype(np.float32) if numbers.dtype.kind == "f" else numbers
    arrays = [
        _metadata_values(c, len(rows), metadata)
        if c.encoded_slice is None
        else pa.array(np.ascontiguousarray(numbers[:, c.encoded_slice][:, 0]))
        for c in columns
    ]
    return pa.table(arrays, names=names)


def _metadata_values(column: DisplayColumn, n_rows: int, metadata: pa.Table | None) -> Values:
    """Return the values of a column that is not fitted; missing if the metadata has none."""
    import pyarrow as pa

    dtype = type_from_name(column.type) if column.type != "other" else pa.string()
    if metadata is not None and column.name in metadata.column_names:
        try:
            return metadata[column.name].cast(dtype)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            pass  # Values that cannot be converted to the fitted type are shown as missing.
    return pa.nulls(n_rows, dtype)


def _categories(values: Values) -> list[str]:
    """Return the distinct values as strings; numbers are in numerical order."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    counts = pc.value_counts(values.drop_null())
    table = pa.table({"value": counts.field(0), "count": counts.field(1)})
    if table.num_rows > MAX_CATEGORIES:
        table = table.take(pc.sort_indices(table, [("count", "descending")]))
        common_values = table.slice(0, MAX_CATEGORIES - 1).sort_by("value")
        return [*as_display_strings(common_values.column("value")).to_pylist(), OTHER_CATEGORIES]
    return as_display_strings(table.sort_by("value").column("value")).to_pylist()


def _largest(values: np.ndarray, count: int) -> np.ndarray:
    """Return the indices of the largest values, in ascending order."""
    return np.sort(np.argsort(-values, kind="stable")[:count])


def quantize(values: np.ndarray, low: ArrayLike, high: ArrayLike) -> np.ndarray:
    """Map numbers from low to high to integers from 0 to 65,534, and NaN to 65,535."""
    width = np.subtract(high, low)
    width = np.where(width > 0, width, 1.0)
    steps = np.rint(np.clip((values - low) / width, 0, 1) * MAX_QUANTIZED)
    return np.where(np.isnan(steps), MISSING, steps).astype("<u2")
