"""Conversion of the string columns of data frames and Parquet files by the rules for CSV files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

    from latentmap.data.table_options import TableOptions


@dataclass(frozen=True)
class TypedTable:
    """A table whose string columns are converted to the types of their values.

    ``units`` and ``boolean_strings``, the values of false and true, have a key for each column that
    has them.
    """

    table: pa.Table
    units: Mapping[str, str] = field(default_factory=dict)
    boolean_strings: Mapping[str, tuple[str, str]] = field(default_factory=dict)


def parse_string_columns(table: pa.Table, options: TableOptions) -> TypedTable:
    """Convert string columns to numbers, Booleans or dates if all their strings are such.

    Other strings keep the spaces around them, and those that mark missing values become null.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    strings = {
        name: column
        for name in table.column_names
        if (column := as_strings(table.column(name))) is not None
    }
    if not strings:
        return TypedTable(table)
    from latentmap.data.csv_files import infer_decimal_separators, parse_columns

    string_table = pa.table(strings)
    decimals = options.decimal or infer_decimal_separators(string_table, None, options.missing)
    columns = parse_columns(string_table, string_table.column_names, decimals, options)
    for name, column in columns.items():
        values = column.values
        if pa.types.is_string(values.type):
            written = strings[name].combine_chunks()
            values = pc.if_else(values.is_valid(), written, pa.scalar(None, written.type))
        table = table.set_column(table.column_names.index(name), name, values)
    return TypedTable(
        table,
        {name: column.unit for name, column in columns.items() if column.unit},
        {
            name: column.boolean_strings
            for name, column in columns.items()
            if column.boolean_strings
        },
    )


def is_string_type(kind: pa.DataType) -> bool:
    """Return whether a type is a string type."""
    from pyarrow import types

    return types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)


def as_strings(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """Return a string column with the type string, or None for other columns."""
    return column.cast("string") if is_string_type(column.type) else None
