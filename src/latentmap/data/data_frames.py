"""Read data frames of any library, column by column, without importing the library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
from numpy.typing import ArrayLike

from latentmap.data.array_checks import as_labels, check_rows
from latentmap.data.columns import common_dtype, feature_columns
from latentmap.data.sources import ArraySource
from latentmap.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

_NAME = "the data frame"


def is_frame(data: object) -> TypeGuard[pd.DataFrame]:
    """Return whether ``data`` is a data frame of any library."""
    return hasattr(data, "__dataframe__") or (
        hasattr(data, "columns") and hasattr(data, "to_numpy")
    )


def read_frame(frame: pd.DataFrame, label: str | None = None) -> ArraySource:
    """Convert a data frame of any library to a source.

    Rows are integers if all columns are. ``feature_names`` are the column names if all are texts.
    Raise DataError if a column does not hold numbers, and UnknownNameError if there is no column
    ``label``.
    """
    keys, table = _columns(frame)
    names = [str(key) for key in keys]
    features = feature_columns(_NAME, names, label)
    numbers = [_numbers(table[keys[i]], names[i]) for i in features]
    rows = np.column_stack([c.astype(common_dtype([n.dtype for n in numbers])) for c in numbers])
    return ArraySource(
        rows,
        feature_names=[names[i] for i in features] if _all_text(keys) else None,
        labels=None if label is None else as_labels(table[keys[names.index(label)]], _NAME),
        name=_NAME,
    )


def _columns(frame: pd.DataFrame) -> tuple[list[Any], Any]:
    """Return the keys of the columns, and an object that is indexed by them."""
    if hasattr(frame, "to_numpy"):
        return list(frame.columns), frame
    from pyarrow.interchange import from_dataframe

    table = from_dataframe(frame)
    return list(table.column_names), table


def _numbers(column: ArrayLike, name: str) -> np.ndarray:
    values = np.asarray(column)
    if values.dtype == object:
        values = _from_objects(values, name)
    dtype = check_rows(f"{_NAME}, column {name}", (*values.shape, 1), values.dtype)
    return values.astype(dtype, copy=False)


def _from_objects(values: np.ndarray, name: str) -> np.ndarray:
    # Columns of nullable types are arrays of objects; other objects than numbers are missing.
    for row, value in enumerate(values):
        if not isinstance(value, int | float | np.number):
            raise DataError(
                f"{_NAME}, row {row}, column {name}: expected a number, found {str(value)!r}"
            )
    return np.array(values.tolist())


def _all_text(keys: list[Any]) -> bool:
    return all(isinstance(key, str) for key in keys)
