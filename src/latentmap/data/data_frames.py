"""Data frames of pandas, polars and other libraries as Arrow tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np

from latentmap.data.index_checks import check_indices
from latentmap.data.parquet_footers import is_vector
from latentmap.data.table_parsing import is_string_type
from latentmap.data.table_problems import check_column_names
from latentmap.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

    from latentmap.data.types import FrameLike


def is_frame(data: object) -> TypeGuard[FrameLike]:
    """Return whether ``data`` is a data frame of any library."""
    return hasattr(data, "__dataframe__") or (
        hasattr(data, "columns") and hasattr(data, "to_numpy")
    )


def has_lists(data: FrameLike) -> bool:
    """Return whether a column of a data frame may hold lists of numbers, or strings of them."""
    if hasattr(data, "iloc"):
        columns = [data.iloc[:, i] for i, dtype in enumerate(data.dtypes) if dtype.kind == "O"]
        first_values = [value for column in columns for value in column.dropna().iloc[:1]]
    else:
        table = as_arrow(data, "X")[0]
        columns = [c for c in table.columns if is_vector(c.type) or is_string_type(c.type)]
        first_values = [
            c[c.is_valid().index(True).as_py()].as_py() for c in columns if c.null_count < len(c)
        ]
    return any(
        isinstance(value, list | tuple | np.ndarray) or str(value).lstrip().startswith("[")
        for value in first_values
    )


def arrow_table(rows: np.ndarray, names: Sequence[str]) -> pa.Table:
    """Return rows of numbers, shape (n, d), as an Arrow table with the names of d columns."""
    import pyarrow as pa

    return pa.table({name: pa.array(rows[:, i]) for i, name in enumerate(names)})


def as_arrow(data: FrameLike, name: str) -> tuple[pa.Table, str, bool]:
    """Return an Arrow table, the kind of data frame, and whether all column names are strings."""
    import pyarrow as pa

    if isinstance(data, pa.Table):
        return data, "arrow", True
    if hasattr(type(data), "to_arrow"):
        return data.to_arrow(), "polars", True
    if not hasattr(type(data), "to_numpy"):
        from pyarrow.interchange import from_dataframe

        return from_dataframe(data), "pandas", True
    keys = list(data.columns)
    has_string_names = [isinstance(key, str) for key in keys]
    names = [str(key) for key in keys]
    check_column_names(name, names)
    columns = (values for _, values in data.items())
    arrays = [
        _as_array(values, column, name) for values, column in zip(columns, names, strict=True)
    ]
    return pa.table(dict(zip(names, arrays, strict=True))), "pandas", all(has_string_names)


def _as_array(values: Any, column: str, name: str) -> pa.Array:
    import pandas as pd
    import pyarrow as pa

    dtype = values.dtype
    if isinstance(dtype, np.dtype) and dtype.kind in "biuf":
        values = values.to_numpy()  # pyarrow reads arrays faster than columns of a data frame.
    elif isinstance(dtype, pd.SparseDtype):
        values = values.sparse.to_dense()
    elif isinstance(dtype, pd.CategoricalDtype):
        n_categories = len(values.cat.categories)
        check_indices(f"{name}, column {column}", values.cat.codes, n_categories, low=-1)
    if values.dtype.kind == "c":
        raise DataError(f"{name}, column {column}: expected real numbers, found complex numbers")
    try:
        array = pa.array(values, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
        shapes = {np.shape(value) for value in values if isinstance(value, np.ndarray)}
        if any(len(shape) > 1 for shape in shapes):
            raise DataError(
                f"{name}, column {column}: expected a vector in each row, found an array of shape "
                f"{max(shapes, key=len)}; flatten the arrays with numpy.ravel"
            ) from None
        # A column that contains several types of objects is read as strings.
        strings = [None if pd.api.types.is_scalar(x) and pd.isna(x) else str(x) for x in values]
        return pa.array(strings, pa.string())
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
