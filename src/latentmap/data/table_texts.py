"""Types of the text columns of data frames and Parquet files, by the rules for text tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

    from latentmap.data.table_options import TableOptions


@dataclass(frozen=True)
class TypedTexts:
    """A table whose texts are typed; ``texts`` holds the texts of false and true of a column."""

    table: pa.Table
    units: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, tuple[str, str]] = field(default_factory=dict)


def parse_texts(table: pa.Table, options: TableOptions) -> TypedTexts:
    """Convert columns of texts to numbers, booleans or dates if all their texts are such."""
    import pyarrow as pa

    strings = {name: as_strings(table.column(name)) for name in table.column_names}
    strings = {name: column for name, column in strings.items() if column is not None}
    if not strings:
        return TypedTexts(table)
    from latentmap.data.csv_files import order_of_decimals, parse_columns

    texts = pa.table(strings)
    decimals = options.decimal or order_of_decimals(texts, None, options.missing)
    columns = parse_columns(texts, texts.column_names, decimals, options)
    for name, column in columns.items():
        table = table.set_column(table.column_names.index(name), name, column.values)
    return TypedTexts(
        table,
        {name: column.unit for name, column in columns.items() if column.unit},
        {name: column.texts for name, column in columns.items() if column.texts},
    )


def is_text(kind: pa.DataType) -> bool:
    """Return whether a type is one of texts."""
    from pyarrow import types

    return types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)


def as_strings(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """Return a column of texts with the type string, or None for other columns."""
    return column.cast("string") if is_text(column.type) else None
