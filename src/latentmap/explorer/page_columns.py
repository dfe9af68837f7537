"""Columns of a fitted table in the form in which the page encodes cells of .csv files.

``page/csv_cells.js`` computes what the columns of `preprocessing.table_encoder` compute.
"""

from __future__ import annotations

from typing import Any

from latentmap.preprocessing.category_columns import BooleanColumn, CategoryColumn
from latentmap.preprocessing.column_types import is_time_type
from latentmap.preprocessing.encoded_columns import Column
from latentmap.preprocessing.number_columns import NumberColumn
from latentmap.preprocessing.table_encoder import TableEncoder


def describe_unsupported_column(table: TableEncoder) -> str | None:
    """Return the first column that the page cannot encode, as the end of a sentence, or None."""
    for column in table.columns:
        if column.width and _describe(column) is None:
            return f"the page cannot encode the column {column.name}, which contains {column.role}s"
    return None


def describe_columns(table: TableEncoder) -> list[dict[str, Any]]:
    """Return the columns that have encoded numbers, as JSON values."""
    descriptions = [_describe(column) for column in table.columns if column.width]
    return [description for description in descriptions if description is not None]


def _describe(column: Column) -> dict[str, Any] | None:
    """Return a column as JSON values; None if the page cannot encode it."""
    if isinstance(column, NumberColumn):
        is_duration = column.type.startswith("duration")
        kind = "duration" if is_duration else "date" if is_time_type(column.type) else "number"
        numbers = {name: getattr(column, name) for name in ("mean", "scale", "arsinh_scale")}
        return {"name": column.name, "kind": kind, **numbers}
    if isinstance(column, BooleanColumn):
        strings = column.boolean_strings or ["false", "true"]
        shares, levels = [column.share], [[strings[1]], [strings[0]]]
    elif isinstance(column, CategoryColumn):
        shares = column.shares.tolist()
        levels = [[level] for level in column.levels]
        if column.rare:
            levels[-1] = column.rare
    else:
        return None
    # A Boolean has two levels, but one encoded number, that of true.
    shared = {"name": column.name, "kind": "category", "weight": column.weight}
    return {**shared, "shares": shares, "levels": levels}
