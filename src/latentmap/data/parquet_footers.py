"""Footers of Parquet files: names and types of columns, and the position of the rows."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from latentmap.data.parse_errors import as_file_error
from latentmap.data.table_problems import check_column_names
from latentmap.errors import DataError, FileError
from latentmap.progress import progress

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow import parquet

_PANDAS_INDEX = re.compile(r"__index_level_\d+__")  # Column in which pandas stores row names.
_TEXT_BYTES = 32  # Assumed number of bytes of a string or a list in memory.


class RowGroups(NamedTuple):
    """Consecutive row groups of a file, ``first`` to ``last``, which are read together."""

    file: int
    first: int
    last: int
    start: int
    start_in_file: int
    rows: int


class Chunk(NamedTuple):
    """Part of row groups that is read at once: ``rows`` rows of all files from row ``start``."""

    groups: int
    index_in_groups: int
    start: int
    rows: int


def reading_parquet(path: Path) -> AbstractContextManager[None]:
    """Convert the errors of pyarrow to FileError."""
    import pyarrow as pa

    return as_file_error(path.name, "a Parquet file", pa.ArrowException, UnicodeDecodeError)


@contextmanager
def open_parquet_file(path: Path) -> Iterator[parquet.ParquetFile]:
    """Open a Parquet file, and convert the errors of pyarrow to FileError."""
    import pyarrow as pa
    from pyarrow import parquet

    # pyarrow accepts names that are not UTF-8 only as bytes.
    with (
        reading_parquet(path),
        pa.OSFile(os.fsencode(path)) as stream,
        parquet.ParquetFile(stream) as file,
    ):
        yield file


@dataclass(frozen=True)
class ParquetFiles:
    """Parquet files with the same columns, one after another.

    Attributes
    ----------
    paths : list of Path
    name : str
        Used in messages.
    group_rows : list of list of int
        Number of rows of each row group of each file.
    schema : pyarrow.Schema
        Columns in the order of the first file, with types that hold the values of all files.
    nbytes : int
        Size of all rows in memory, estimated from the footers.
    """

    paths: Sequence[Path]
    name: str
    group_rows: Sequence[Sequence[int]]
    schema: pa.Schema
    nbytes: int

    def __len__(self) -> int:
        return sum(map(sum, self.group_rows))

    def schema_of(self, names: Sequence[str]) -> pa.Schema:
        """Return the schema of some columns."""
        import pyarrow as pa

        return pa.schema([self.schema.field(name) for name in names])

    def row_bytes(self, names: Sequence[str]) -> int:
        """Return the size of columns of a row in memory, estimated."""
        share = sum(_value_bytes(self.schema.field(name).type) for name in names)
        return int(self.nbytes / len(self) * share / sum(map(_value_bytes, self.schema.types)))


def open_files(paths: Sequence[Path], name: str, verbose: bool = False) -> ParquetFiles:
    """Read the footers of files, and check that the files have the same columns."""
    import pyarrow as pa

    task = f"reading {len(paths):,} files"
    group_rows: list[list[int]] = []
    schemas: dict[Path, pa.Schema] = {}
    n_stored = 0
    with progress(task, len(paths), verbose, delay=True) as advance:
        for path, (rows, n_bytes, schema) in zip(paths, _read_footers(paths), strict=True):
            group_rows.append(rows)
            if sum(rows):
                schemas[path] = schema
            n_stored += n_bytes
            advance(1)
    if not schemas:
        raise DataError(f"{name}: expected at least one row, found none")
    schema = next(iter(schemas.values()))
    check_column_names(name, schema.names)
    for path, other in schemas.items():
        _check_columns(path, schema, other)
    distinct = {schema.remove_metadata() for schema in schemas.values()}
    try:
        unified_schema = pa.unify_schemas(distinct, promote_options="permissive")
    except pa.ArrowTypeError as error:
        raise FileError(f"{name}: expected files with the same types ({error})") from error
    schema = pa.schema([unified_schema.field(column) for column in schema.names])
    row_bytes = sum(map(_value_bytes, schema.types))
    n_bytes = max(n_stored, row_bytes * sum(map(sum, group_rows)))
    return ParquetFiles(paths, name, group_rows, schema, n_bytes)


def _value_bytes(kind: pa.DataType) -> int:
    """Return the bytes of a value in memory, estimated for types of any length."""
    try:
        return max(1, kind.bit_width // 8)
    except ValueError:
        return _TEXT_BYTES


def _read_footers(paths: Iterable[Path]) -> Iterator[tuple[list[int], int, pa.Schema]]:
    """Yield the numbers of rows of the row groups, the size and the schema of each file.

    pyarrow stores about a thousand bytes for each column of each row group, which are gigabytes for
    large folders. Footers are therefore deleted at once, and files with equal columns share one
    schema.
    """
    common_schema = None
    for path in paths:
        # A closed ParquetFile frees its footer at once; read_metadata leaves it to the garbage
        # collector.
        with open_parquet_file(path) as file:
            footer, schema = file.metadata, _without_index(file.schema_arrow)
            groups = [footer.row_group(i) for i in range(footer.num_row_groups)]
            sizes = [(group.num_rows, group.total_byte_size) for group in groups]
        del file, footer, groups
        if any(number < 0 for size in sizes for number in size):
            raise FileError(f"{path.name}: expected a Parquet file, found a damaged footer")
        common_schema = (
            schema if common_schema is None or not schema.equals(common_schema) else common_schema
        )
        yield [rows for rows, _ in sizes], sum(size for _, size in sizes), common_schema


def _without_index(schema: pa.Schema) -> pa.Schema:
    for name in filter(_PANDAS_INDEX.fullmatch, schema.names):
        schema = schema.remove(schema.get_field_index(name))
    return schema


def _check_columns(path: Path, expected: pa.Schema, schema: pa.Schema) -> None:
    """Raise FileError if a file does not have the columns of the first file, in any order."""
    if expected.names == schema.names or sorted(expected.names) == sorted(schema.names):
        return  # Comparing the types of many columns is slow.
    for name in (*expected.names, *schema.names):
        types = [s.field(name).type if name in s.names else None for s in (expected, schema)]
        if None in types:
            found_types = [kind or "no such column" for kind in types]
            raise FileError(
                f"{path.name}, column {name}: expected {found_types[0]}, found {found_types[1]}"
            )


def combine_row_groups(group_rows: Iterable[Sequence[int]], max_rows: int) -> Iterator[RowGroups]:
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
                current = RowGroups(file, index, index, start, start - file_start, rows)
            start += rows
        if current is not None and current.rows:
            yield current


def split_into_chunks(groups: Sequence[RowGroups], size: int) -> Iterator[Chunk]:
    """Cut groups into chunks of at most ``size`` rows."""
    for number, part in enumerate(groups):
        for index, start in enumerate(range(0, part.rows, size)):
            yield Chunk(number, index, part.start + start, min(size, part.rows - start))


def is_vector(kind: pa.DataType) -> bool:
    """Return whether a type is that of lists of numbers."""
    from pyarrow import types

    if not types.is_nested(kind):
        return False
    is_list = types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
    are_numbers = (types.is_integer, types.is_floating, types.is_decimal)
    return is_list and any(is_kind(kind.value_type) for is_kind in are_numbers)
