"""Data frames of any library, column by column.

pandas and polars both give a column by its name and turn it into an array; everything else that
speaks the data-frame interchange protocol comes in through pyarrow. So none of them is imported.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from latentmap.data.array_checks import as_labels, check_rows
from latentmap.data.columns import common_dtype, feature_columns
from latentmap.data.sources import ArraySource
from latentmap.errors import DataError

__all__ = ["is_frame", "read_frame"]

_NAME = "the data frame"


def is_frame(data: Any) -> bool:
    """Tell whether ``data`` is a table with columns, of whatever library."""
    return hasattr(data, "__dataframe__") or (
        hasattr(data, "columns") and hasattr(data, "to_numpy")
    )


def read_frame(frame: Any, label: str | None = None) -> ArraySource:
    """Make a source of a data frame.

    Parameters
    ----------
    frame : pandas, polars or other data frame
    label : str, optional
        The column that holds labels.

    Returns
    -------
    ArraySource
        Integers if all columns are. ``feature_names`` are the columns' names if all are text.

    Raises
    ------
    DataError
        If a column does not hold numbers; the sentence names it.
    UnknownNameError
        If there is no column ``label``.

    Examples
    --------
    >>> import pandas as pd
    >>> source = read_frame(pd.DataFrame({"a": [1, 2], "b": [3, 4], "kind": ["x", "y"]}), "kind")
    >>> source.feature_names, source[:].tolist(), source.labels.tolist()
    (['a', 'b'], [[1, 3], [2, 4]], ['x', 'y'])
    """
    keys, table = _columns(frame)
    names = [str(key) for key in keys]
    chosen = feature_columns(_NAME, names, label)
    numbers = [_numbers(table[keys[i]], names[i]) for i in chosen]
    rows = np.column_stack([c.astype(common_dtype([n.dtype for n in numbers])) for c in numbers])
    return ArraySource(
        rows,
        feature_names=[names[i] for i in chosen] if _all_text(keys) else None,
        labels=None if label is None else as_labels(table[keys[names.index(label)]], _NAME),
        name=_NAME,
    )


def _columns(frame: Any) -> tuple[list[Any], Any]:
    if hasattr(frame, "to_numpy"):
        return list(frame.columns), frame
    from pyarrow.interchange import from_dataframe

    table = from_dataframe(frame)
    return list(table.column_names), table


def _numbers(column: Any, name: str) -> np.ndarray:
    values = np.asarray(column)
    if values.dtype == object:
        values = _unboxed(values, name)
    dtype = check_rows(f"{_NAME}, column {name}", (*values.shape, 1), values.dtype)
    return values.astype(dtype, copy=False)


def _unboxed(values: np.ndarray, name: str) -> np.ndarray:
    # Nullable columns arrive as objects; what is no number there is missing or text.
    for row, value in enumerate(values):
        if not isinstance(value, int | float | np.number):
            raise DataError(
                f"{_NAME}, row {row}, column {name}: expected a number, found {str(value)!r}"
            )
    return np.array(values.tolist())


def _all_text(keys: list[Any]) -> bool:
    return all(isinstance(key, str) for key in keys)
