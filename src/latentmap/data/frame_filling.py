"""Data frames in which some cells are replaced, and everything else stays as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from latentmap.data.types import FrameLike


def fill_frame(X: Any, table: pa.Table, changed: np.ndarray, container: str) -> FrameLike:
    """Return the data frame X with the cells of an Arrow table where ``changed`` is true.

    A frame of pandas keeps its index, its dtypes and its other cells. If X is not a data frame, the
    result is the table as a data frame of the kind ``container``: "pandas", "polars" or "arrow".
    """
    if hasattr(X, "iloc"):
        return _fill_pandas(X, table, changed)
    if hasattr(X, "to_arrow") or container == "polars":
        import polars

        frame = polars.from_arrow(table)
        return frame.cast(dict(X.schema)) if hasattr(X, "to_arrow") else frame
    is_pandas = container == "pandas" and not hasattr(X, "schema")
    return table.to_pandas() if is_pandas else table


def _fill_pandas(X: Any, table: pa.Table, changed: np.ndarray) -> pd.DataFrame:
    frame = X.copy()
    for j in np.flatnonzero(changed.any(axis=0)):
        rows = np.flatnonzero(changed[:, j])
        cells = table.column(int(j)).take(rows).to_pandas()
        column = frame.iloc[:, j].copy()
        if hasattr(column, "cat"):
            new_levels = [
                level for level in dict.fromkeys(cells) if level not in column.cat.categories
            ]
            column = column.cat.add_categories(new_levels)
        column.iloc[rows] = _as_objects(cells) if column.dtype == object else list(cells)
        frame.isetitem(j, column)
    return frame


def _as_objects(cells: pd.Series) -> np.ndarray:
    """Return values as an array of objects, also if they are vectors."""
    objects = np.empty(len(cells), object)
    for i, cell in enumerate(cells):
        objects[i] = cell
    return objects
