"""Vectors in a column of a table as rows of numbers, with the other columns as metadata."""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn, cast

import numpy as np

from latentmap.data.parquet_footers import is_vector
from latentmap.data.sources import ArraySource, Source
from latentmap.data.table_options import UNFITTED_ROLES, fitted_names
from latentmap.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

    from latentmap.data.tables import Table, TableSchema
    from latentmap.data.types import DataLike, FrameLike


def find_vector_column(
    schema: pa.Schema, roles: Mapping[str, str], columns: Collection[str] | None
) -> str | None:
    """Return the name of the column of vectors if it is the only column to fit, else None.

    The columns to fit are those that have vectors, unless ``columns`` or a role in ``roles`` names
    another column.

    Examples
    --------
    >>> import pyarrow as pa
    >>> schema = pa.schema({"title": pa.string(), "embedding": pa.list_(pa.float32())})
    >>> find_vector_column(schema, {}, None)
    'embedding'
    >>> find_vector_column(schema, {"title": "category"}, None) is None
    True
    """
    vectors = _vector_names(schema, roles)
    not_fitted = {name for name, role in roles.items() if role in UNFITTED_ROLES}
    requested_names = {*(columns or ()), *roles} - not_fitted
    return vectors[0] if len(vectors) == 1 and requested_names <= {*vectors} else None


def vector_and_role_columns(
    schema: pa.Schema, roles: Mapping[str, str], columns: Collection[str] | None
) -> tuple[str, ...] | None:
    """Return the column of vectors, and the columns that ``roles`` adds to the fit.

    Return None if there is no such column, or if ``columns`` names the columns to fit.

    Examples
    --------
    >>> import pyarrow as pa
    >>> schema = pa.schema({"year": pa.int64(), "id": pa.int64(), "x": pa.list_(pa.float32())})
    >>> vector_and_role_columns(schema, {"year": "number"}, None)
    ('x', 'year')
    """
    vectors, requested_names = _vector_names(schema, roles), fitted_names(roles)
    if columns is not None or len(vectors) != 1 or not {*requested_names} - {*vectors}:
        return None
    return tuple(dict.fromkeys((*vectors, *requested_names)))


def _vector_names(schema: pa.Schema, roles: Mapping[str, str]) -> list[str]:
    return [
        field.name
        for field in schema
        if is_vector(field.type) and roles.get(field.name) not in UNFITTED_ROLES
    ]


def split_vectors(table: Table, column: str) -> ArraySource:
    """Return the vectors of a column as rows, and the other columns of the table as metadata."""
    values = table.table.column(column).combine_chunks()
    rows = vector_rows(values, column, table.name)
    source = ArraySource(rows, labels=table.labels, name=table.name)
    source.metadata = table.without([column])
    return source


def vector_rows(
    values: pa.Array, column: str, name: str, width: int | None = None, first_row: int = 0
) -> np.ndarray:
    """Return lists of numbers as an array of shape (n, width).

    ``width`` is by default the most frequent length. Raise DataError for a missing value or a list
    of another length. The error states the number of the row, counted from ``first_row``.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    # The missing values are counted here and not read from the statistics of a Parquet file,
    # because pyarrow 26 crashes the process when it reads these from a damaged file.
    if values.null_count:
        is_missing = values.is_null().to_numpy(zero_copy_only=False)
        _raise_at(name, first_row, column, is_missing, "expected a vector, found null")
    lengths = pc.list_value_length(values).to_numpy()
    width = most_frequent_length(lengths) if width is None else width
    if (is_other := lengths != width).any():
        problem = f"expected a vector of {width} numbers, found one of {lengths[is_other][0]}"
        _raise_at(name, first_row, column, is_other, problem)
    numbers = values.flatten()
    numbers = numbers.cast("double") if pa.types.is_decimal(numbers.type) else numbers
    if numbers.null_count:
        is_missing = numbers.is_null().to_numpy(zero_copy_only=False)
        is_missing = is_missing.reshape(len(values), -1).any(axis=1)
        _raise_at(name, first_row, column, is_missing, "expected a number, found null")
    return numbers.to_numpy(zero_copy_only=False).reshape(len(values), -1)


def most_frequent_length(lengths: np.ndarray) -> int:
    """Return the most frequent of the lengths of vectors.

    Examples
    --------
    >>> most_frequent_length(np.array([5, 32, 32]))
    32
    """
    distinct, counts = np.unique(lengths, return_counts=True)
    return int(distinct[counts.argmax()])


def _raise_at(
    name: str, first_row: int, column: str, is_wrong: np.ndarray, problem: str
) -> NoReturn:
    row = first_row + int(np.flatnonzero(is_wrong)[0])
    raise DataError(
        f"{name}, row {row}, column {column}: {problem}; remove such rows, or drop the column to "
        "fit the others"
    )


def add_metadata(
    rows: DataLike, metadata: FrameLike | Source, *, label: str | None = None
) -> Source:
    """Combine rows of numbers, such as embeddings, with a table that is not fitted.

    Parameters
    ----------
    rows : array-like of shape (n, d), sparse matrix, data frame of numbers or vectors, or Source
    metadata : data frame or Source
        A table with one line for each of the ``rows``, in the same order. Its columns can be
        displayed, searched, and used to colour points. If it is a Source of vectors, only their own
        metadata are used. Columns with a role that is fitted, such as "number", are fitted: the
        result is then a table of these columns and of the rows as a column "vector".
    label : str, optional
        The column of a data frame that holds labels.

    Returns
    -------
    Source

    Raises
    ------
    DataError
        If the numbers of rows differ, ``rows`` are not numbers, or ``metadata`` is not a table.

    Examples
    --------
    >>> import pandas as pd
    >>> articles = pd.DataFrame({"title": ["Soup", "Stars"], "topic": ["food", "sky"]})
    >>> rows = add_metadata([[0.6, 0.8], [1.0, 0.0]], articles, label="topic")
    >>> rows.labels.tolist(), rows.metadata.feature_names
    (['food', 'sky'], ['title'])
    """
    from latentmap.data.conversion import as_source
    from latentmap.data.data_frames import is_frame
    from latentmap.data.tables import Table, as_numbers_source

    rows = as_numbers_source(as_source(rows))
    if is_frame(metadata):
        metadata = Table(metadata, label=label, name="metadata")
    if not isinstance(metadata, Source):
        raise DataError(f"metadata: expected a data frame, found {type(metadata).__name__}")
    if metadata.metadata is not None:
        labels, metadata = metadata.labels, copy.copy(metadata.metadata)
        metadata.labels = labels
    schema = metadata.table_schema
    if schema is None:
        raise DataError(
            f"{metadata.name}: expected a table with columns to show, such as a .csv file, found "
            "only rows of numbers"
        )
    if len(rows) != len(metadata):
        raise DataError(
            f"{metadata.name}: expected a row of metadata for each of the {len(rows):,} rows of "
            f"{rows.name}, found {len(metadata):,}; both must have the same rows in the same order"
        )
    if fitted := fitted_names(schema.roles):
        return _join(rows, metadata, schema, fitted)
    rows = copy.copy(rows)
    rows.metadata = metadata
    if metadata.labels is not None:
        rows.labels = metadata.labels
    return rows


def _join(rows: Source, metadata: Source, schema: TableSchema, fitted: tuple[str, ...]) -> Source:
    """Return a table whose first column holds the rows as vectors."""
    import pyarrow as pa

    from latentmap.data.tables import Table

    x, table = rows[:].reshape(len(rows), -1), cast("pa.Table", metadata[:])
    x = x if x.dtype.kind == "f" else x.astype(np.float32)
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(x.ravel()), x.shape[1])
    name = "vector"
    while name in table.column_names:
        name += "_"
    joined = Table.from_arrow(
        table.add_column(0, name, vectors),
        replace(schema, fitted_columns=(name, *fitted)),
        rows.name,
    )
    joined.labels = metadata.labels
    return joined
