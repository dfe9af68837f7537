"""Conversion of the string columns of data frames and Parquet files by the rules for CSV files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

    from latentmap.data.column_parsing import ParsedColumn
    from latentmap.data.table_options import TableOptions


def parse_string_columns(
    table: pa.Table, options: TableOptions
) -> tuple[pa.Table, dict[str, ParsedColumn]]:
    """Convert string columns to numbers, Booleans or dates if all their strings are such.

    Other strings keep the spaces around them, and those that mark missing values become null. Whole
    numbers that are all dates, such as 20240131, become dates. Return the table, and the columns
    that were strings or became dates.
    """
    import pyarrow as pa

    candidates = {
        name: column
        for name, column in zip(table.column_names, table.columns, strict=True)
        if is_string_type(column.type) or may_be_dates(column)
    }
    if not candidates:
        return table, {}
    from latentmap.data.column_parsing import TEXT_ROLES, clean_cells
    from latentmap.data.format_search import infer_decimals, parse_columns

    strings = {}
    for name, column in candidates.items():
        is_text = options.roles.get(name) in TEXT_ROLES
        if is_text and (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
            table = _set_missing_to_null(table, name, clean_cells(column, options.missing))
        else:
            strings[name] = column if column.type == pa.string() else column.cast("string")
    if not strings:
        return table, {}
    string_table = pa.table(strings)
    columns = parse_columns(string_table, infer_decimals(string_table, options), options)
    for name, column in list(columns.items()):
        values = column.values
        if not is_string_type(table.schema.field(name).type) and values.type != pa.date32():
            del columns[name]
        elif pa.types.is_string(values.type):
            table = _set_missing_to_null(table, name, values)
        else:
            table = table.set_column(table.column_names.index(name), name, values)
    return table, columns


def _set_missing_to_null(table: pa.Table, name: str, cells: pa.Array) -> pa.Table:
    """Replace the strings of a column by null where the parsed cells are null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    strings = table.column(name)
    # Few functions of Arrow accept views of strings, so views are converted to strings.
    if pa.types.is_string_view(strings.type):
        strings = strings.cast("string")
    elif cells.null_count == strings.null_count:
        return table
    values = pc.if_else(cells.is_valid(), strings, pa.scalar(None, strings.type))
    return table.set_column(table.column_names.index(name), name, values)


def may_be_dates(column: pa.ChunkedArray | pa.Array) -> bool:
    """Return whether the least and the largest integer of a column are dates such as 20240131."""
    from pyarrow import types

    if not types.is_integer(column.type):
        return False
    import pyarrow.compute as pc

    from latentmap.data.date_formats import COMPACT_DATE

    limits = pc.min_max(column).as_py().values()
    return all(re.fullmatch(COMPACT_DATE.pattern, str(limit)) for limit in limits)


def is_string_type(kind: pa.DataType) -> bool:
    """Return whether a type is a string type."""
    from pyarrow import types

    return types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)
