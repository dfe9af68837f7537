"""What the footers of Parquet files tell: how columns are called and typed, and where rows lie."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from latentmap.data.columns import common_dtype
from latentmap.data.parse_errors import as_file_error
from latentmap.errors import DataError, FileError

__all__ = [
    "Groups",
    "Piece",
    "check_lists",
    "check_names",
    "common_number_dtype",
    "is_lists",
    "number_dtype",
    "pieces",
    "read_footers",
    "reading_parquet",
    "taken_together",
]

_PANDAS_INDEX = re.compile(r"__index_level_\d+__")  # row names that pandas stores as a column


class Groups(NamedTuple):
    """Row groups of one file, read together: one, or as many small ones as a piece can hold."""

    file: int
    first: int
    last: int
    start: int
    start_in_file: int
    rows: int


class Piece(NamedTuple):
    """Some rows of `Groups`: the number of these, and the rows' places there and among all."""

    groups: int
    in_groups: int
    start: int
    rows: int


def reading_parquet(path: Path) -> AbstractContextManager[None]:
    """Turn whatever pyarrow raises of a file into one sentence; see `as_file_error`."""
    import pyarrow as pa

    return as_file_error(path.name, "a Parquet file", pa.ArrowException, UnicodeDecodeError)


def read_footers(paths: Iterable[Path]) -> Iterator[tuple[list[int], Any]]:
    """Give, file by file, the rows of each row group, and the columns that are for us.

    pyarrow keeps about a thousand bytes for each column of each row group, gigabytes for large
    folders; so footers go at once, and files of the same columns have one schema.
    """
    from pyarrow import parquet

    last = None
    for path in paths:
        # Not read_metadata: a footer that was asked for its schema waits for the garbage collector.
        with reading_parquet(path), parquet.ParquetFile(path) as file:
            footer, schema = file.metadata, _without_index(file.schema_arrow)
            group_rows = [footer.row_group(i).num_rows for i in range(footer.num_row_groups)]
        del file, footer
        last = schema if last is None or not schema.equals(last) else last
        yield group_rows, last


def _without_index(schema: Any) -> Any:
    for name in filter(_PANDAS_INDEX.fullmatch, schema.names):
        schema = schema.remove(schema.get_field_index(name))
    return schema


def check_names(path: Path, expected: Any, found: Any) -> None:
    """Refuse a file whose schema has other columns than the first one's, in whatever order."""
    if expected.names == found.names or sorted(expected.names) == sorted(found.names):
        return  # at once, however many columns
    for name in (*expected.names, *found.names):
        types = [s.field(name).type if name in s.names else None for s in (expected, found)]
        if None in types:
            told = [kind or "no such column" for kind in types]
            raise FileError(f"{path.name}, column {name}: expected {told[0]}, found {told[1]}")


def check_lists(path: Path, name: str, expected: Any, found: Any) -> None:
    """Refuse a file whose lists have another length or type than the first one's."""
    types = [schema.field(name).type for schema in (expected, found)]
    if types[0] != types[1]:
        raise FileError(f"{path.name}, column {name}: expected {types[0]}, found {types[1]}")


def taken_together(group_rows: Iterable[Sequence[int]], most: int) -> Iterator[Groups]:
    """Take row groups of a file together as long as they have at most so many rows.

    Parameters
    ----------
    group_rows : iterable of sequence of int
        Of each file, the rows of its groups.
    most : int

    Yields
    ------
    Groups
        All rows, in their order; none of groups without rows.

    Examples
    --------
    >>> [(some.first, some.last, some.rows) for some in taken_together([[40, 50, 60], [70]], 100)]
    [(0, 1, 90), (2, 2, 60), (0, 0, 70)]
    """
    start = 0
    for file, of_file in enumerate(group_rows):
        begun, held = start, None
        for index, rows in enumerate(of_file):
            if held is not None and held.rows + rows <= most:
                held = held._replace(last=index, rows=held.rows + rows)
            else:
                if held is not None and held.rows:
                    yield held
                held = Groups(file, index, index, start, start - begun, rows)
            start += rows
        if held is not None and held.rows:
            yield held


def pieces(groups: Sequence[Groups], size: int) -> Iterator[Piece]:
    """Cut groups into pieces of at most so many rows.

    Examples
    --------
    >>> [piece.rows for piece in pieces([Groups(0, 0, 0, 0, 0, 250)], 100)]
    [100, 100, 50]
    """
    for number, some in enumerate(groups):
        for place, start in enumerate(range(0, some.rows, size)):
            yield Piece(number, place, some.start + start, min(size, some.rows - start))


def is_lists(schema: Any, columns: list[str]) -> bool:
    """Tell whether the only column holds lists of one length: a row each."""
    from pyarrow import types

    return len(columns) == 1 and types.is_fixed_size_list(schema.field(columns[0]).type)


def number_dtype(name: str, column: str, kind: Any) -> np.dtype:
    """Give the dtype that a column of an Arrow type is read as.

    Raises
    ------
    DataError
        Naming the file and the column, if its values are no numbers.

    Examples
    --------
    >>> import pyarrow as pa
    >>> number_dtype("rows.parquet", "age", pa.int16())
    dtype('int16')
    """
    from pyarrow import types

    if types.is_boolean(kind):
        return np.dtype(np.uint8)
    if types.is_float16(kind):
        return np.dtype(np.float32)
    if types.is_decimal(kind):
        return np.dtype(np.float64)
    if types.is_integer(kind) or types.is_floating(kind):
        return np.dtype(kind.to_pandas_dtype())
    text = types.is_string(kind) or types.is_large_string(kind) or types.is_dictionary(kind)
    hint = f" (if it names the rows, pass --label {column})" if text else ""
    raise DataError(f"{name}, column {column}: expected numbers, found {kind}{hint}")


def common_number_dtype(name: str, schemas: Mapping[Path, Any], label: str | None) -> np.dtype:
    """Give the smallest dtype that holds every column, but the label's, of every file.

    Raises
    ------
    DataError
        Naming the table, or a later file of it, and the column that holds no numbers.
    """
    first_of: dict[Any, tuple[str, str]] = {}  # of each type, so that it is looked at once
    for number, (path, schema) in enumerate(schemas.items()):
        where = path.name if number else name
        for column, kind in zip(schema.names, schema.types, strict=True):
            if column != label:
                first_of.setdefault(kind, (where, column))
    return common_dtype([number_dtype(*place, kind) for kind, place in first_of.items()])
