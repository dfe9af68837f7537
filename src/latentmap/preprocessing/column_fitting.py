"""Fitting of the encoder of each column of a table to a sample of its rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from latentmap.data.tables import TableSchema
from latentmap.preprocessing.column_encoders import ENCODERS
from latentmap.preprocessing.column_types import type_name
from latentmap.preprocessing.encoded_columns import Column, ConstantColumn
from latentmap.preprocessing.vector_columns import (
    MAX_COMPONENTS_ALONE,
    MAX_TERMS_ALONE,
    TextColumn,
)

if TYPE_CHECKING:
    import pyarrow as pa


def fit_column(
    name: str, role: str, sample: pa.Table, schema: TableSchema, standardize: bool
) -> Column:
    """Return the encoder of a column of a table, fitted to a sample of the rows."""
    import pyarrow as pa

    values = sample.column(name)
    properties = {
        "name": name,
        "role": role,
        "type": type_name(values.type),
        "has_missing_values": values.null_count > 0 or _has_nan(values),
        "unit": schema.units.get(name),
        "is_categorical": pa.types.is_dictionary(values.type),
    }
    if role in ("number", "integer", "date"):
        return ENCODERS[role].fit(values, standardize, **properties)  # type: ignore[attr-defined]
    if role == "boolean":
        properties["boolean_strings"] = schema.boolean_strings.get(name)
    return ENCODERS[role].fit(values, **properties)  # type: ignore[attr-defined]


def fit_texts(name: str, sample: pa.Table) -> Column:
    """Return the encoder of the only column of a table, with more components than beside others."""
    values = sample.column(name)
    return TextColumn.fit(
        values,
        MAX_COMPONENTS_ALONE,
        MAX_TERMS_ALONE,
        name=name,
        role="text",
        type=type_name(values.type),
        has_missing_values=values.null_count > 0,
    )


def has_no_terms(column: Column, roles: Mapping[str, str]) -> bool:
    """Return whether different texts could not be encoded, because no term occurs in two texts."""
    if not isinstance(column, ConstantColumn):
        return False
    return roles[column.name] == "text" and column.value is None


def _has_nan(values: pa.ChunkedArray) -> bool:
    import pyarrow.compute as pc
    from pyarrow import types

    return types.is_floating(values.type) and bool(pc.any(pc.is_nan(values)).as_py())
