"""Footers of Parquet files: names and types of columns, and the position of the rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from latentmap.data.columns import common_dtype
from latentmap.data.parse_errors import as_file_error
from latentmap.errors import DataError, FileError

if TYPE_CHECKING:
    import pyarrow as pa

_PANDAS_INDEX = re.compile(r"__index_level_\d+__")  # column in which pandas stores row names


class Groups(NamedTuple):
    """Consecutive row groups of a file, ``first`` to ``last``, which are read together."""

    file: int
    first: int
    last: int
    start: int
    start_in_file: int
    rows: int


class Piece(NamedTuple):
    """Part of a `Groups`: rows ``start`` to ``start + rows`` of all files, part ``in_groups``."""

    groups: int
    in_groups: int
    start: int
    rows: int


def reading_parquet(path: Path) -> AbstractContextManager[None]:
    """Convert the errors of pyarrow to FileError."""
    import pyarrow as pa

    return as_file_error(path.name, "a Parquet file", pa.ArrowException, UnicodeDecodeError)


def read_footers(paths: Iterable[Path]) -> Iterator[tuple[list[int], pa.Schema]]:
    """Yield, for each file, the number of rows of each row group, and the schema.

    pyarrow stores about a thousand bytes for each column of each row group, which are gigabytes for
    large folders. Footers are therefore deleted at once, and files with equal columns share one
    schema.
    """
    from pyarrow import parquet

    shared = None
    for path in paths:
        # A footer from read_metadata is only deleted by the garbage collector.
        with reading_parquet(path), parquet.ParquetFile(path) as file:
            footer, schema = file.metadata, _without_index(file.schema_arrow)
            group_rows = [footer.row_group(i).num_rows for i in range(footer.num_row_groups)]
        del file, footer
        shared = schema if shared is None or not schema.equals(shared) else shared
        yield group_rows, shared


def _without_index(schema: pa.Schema) -> pa.Schema:
    for name in filter(_PANDAS_INDEX.fullmatch, schema.names):
        schema = schema.remove(schema.get_field_index(name))
    return schema


def check_columns(path: Path, expected: pa.Schema, found: pa.Schema) -> None:
    """Raise FileError if a file does not have the columns of the first file, in any order."""
    if expected.names == found.names or sorted(expected.names) == sorted(found.names):
        return  # without comparing types, which is slow for many columns
    for name in (*expected.names, *found.names):
        types = [s.field(name).type if name in s.names else None for s in (expected, found)]
        if None in types:
            texts = [kind or "no such column" for kind in types]
            raise FileError(f"{path.name}, column {name}: expected {texts[0]}, found {texts[1]}")


def check_list_type(path: Path, name: str, expected: pa.Schema, found: pa.Schema) -> None:
    """Raise FileError if the lists of a file have another length or type than in the first."""
    types = [schema.field(name).type for schema in (expected, found)]
    if types[0] != types[1]:
        raise FileError(f"{path.name}, column {name}: expected {types[0]}, found {types[1]}")


def combine_groups(group_rows: Iterable[Sequence[int]], max_rows: int) -> Iterator[Groups]:
    """Combine consecutive row groups of each file to at most ``max_rows`` rows; skip empty ones."""
    start = 0
    for file, rows_of_file in enumerate(group_rows):
        file_start, current = start, None
        for index, rows in enumerate(rows_of_file):
            if current is not None and current.rows + rows <= max_rows:
                current = current._replace(last=index, rows=current.rows + rows)
            else:
                if current is not None and current.rows:
                    yield current
                current = Groups(file, index, index, start, start - file_start, rows)
            start += rows
        if current is not None and current.rows:
            yield current


def cut_pieces(groups: Sequence[Groups], size: int) -> Iterator[Piece]:
    """Cut groups into pieces of at most ``size`` rows."""
    for number, part in enumerate(groups):
        for index, start in enumerate(range(0, part.rows, size)):
            yield Piece(number, index, part.start + start, min(size, part.rows - start))


def is_list_table(schema: pa.Schema, columns: list[str]) -> bool:
    """Return whether the only column holds lists of one length, of which each is a row."""
    from pyarrow import types

    return len(columns) == 1 and types.is_fixed_size_list(schema.field(columns[0]).type)


def number_dtype(name: str, column: str, kind: pa.DataType) -> np.dtype:
    """Return the type as which a column of an Arrow type is read, or raise DataError."""
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


def common_number_dtype(
    name: str, schemas: Mapping[Path, pa.Schema], label: str | None
) -> np.dtype:
    """Return the smallest type that holds every column of every file, except the label."""
    first_use: dict[pa.DataType, tuple[str, str]] = {}  # file and column where each type is first
    for number, (path, schema) in enumerate(schemas.items()):
        table = path.name if number else name
        for column, kind in zip(schema.names, schema.types, strict=True):
            if column != label:
                first_use.setdefault(kind, (table, column))
    return common_dtype([number_dtype(*column, kind) for kind, column in first_use.items()])
