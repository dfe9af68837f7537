"""Replacement of cells of a data frame; everything else is unchanged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from latentmap.data.types import FrameLike


def fill_frame(X: Any, table: pa.Table, is_changed: np.ndarray, container: str) -> FrameLike:
    """Return the data frame X with the cells of an Arrow table where ``is_changed`` is true.

    A frame of pandas keeps its index, its dtypes and its other cells. String columns that are
    numbers or dates in the table become columns of numbers or dates. If X is not a data frame, the
    result is the table as a data frame of the kind ``container``: "pandas", "polars" or "arrow".
    """
    if hasattr(X, "iloc"):
        return _fill_pandas(X, table, is_changed)
    if hasattr(X, "to_arrow") or container == "polars":
        import polars

        return polars.from_arrow(table)
    if hasattr(X, "schema"):
        return _with_text_types(table, X.schema)
    return table.to_pandas() if container == "pandas" else table


def _fill_pandas(X: Any, table: pa.Table, is_changed: np.ndarray) -> pd.DataFrame:
    frame = X.copy()
    for j in np.flatnonzero(is_changed.any(axis=0)):
        rows = np.flatnonzero(is_changed[:, j])
        cells = table.column(int(j)).take(rows).to_pandas()
        column = frame.iloc[:, j].copy()
        if hasattr(column, "cat"):
            levels = set(column.cat.categories)
            new_levels = [level for level in dict.fromkeys(cells) if level not in levels]
            column = column.cat.add_categories(new_levels)
        try:
            column.iloc[rows] = _as_objects(cells) if column.dtype == object else list(cells)
        except TypeError:
            # The strings of the column were parsed as numbers or dates, so it cannot hold them.
            column = table.column(int(j)).to_pandas().set_axis(frame.index)
        frame.isetitem(j, column)
    return frame


def _as_objects(cells: pd.Series) -> np.ndarray:
    """Return values as a one-dimensional array of objects, which may be vectors."""
    objects = np.empty(len(cells), object)
    for i, cell in enumerate(cells):
        objects[i] = cell
    return objects


def _with_text_types(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return a table whose string columns have the string types of a schema."""
    from pyarrow import types

    for i, (old, new) in enumerate(zip(schema, table.schema, strict=True)):
        if types.is_large_string(old.type) and types.is_string(new.type):
            table = table.set_column(i, old, table.column(i).cast(old.type))
    return table
