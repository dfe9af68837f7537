"""Tables in Parquet files, or in folders of them: in memory if they fit, otherwise in chunks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from latentmap.data import memory
from latentmap.data.index_checks import check_arrow
from latentmap.data.parquet_footers import ParquetFiles, open_files, open_parquet_file
from latentmap.data.parquet_source import ParquetSource
from latentmap.data.table_options import TableOptions, label_column, label_roles
from latentmap.data.table_parsing import is_string_type, may_be_dates, parse_string_columns
from latentmap.data.table_problems import check_column_names, raise_problems, selected_columns
from latentmap.data.tables import Table, TableSchema, typed_schema
from latentmap.data.vector_rows import find_vector_column, most_frequent_length, vector_rows
from latentmap.errors import DataError, FileError

if TYPE_CHECKING:
    import pyarrow as pa

    from latentmap.data.format_search import FormatSearch
    from latentmap.data.sources import Source


def open_parquet(
    paths: Sequence[Path],
    label: str | None = None,
    options: TableOptions | None = None,
    *,
    name: str,
    verbose: bool = False,
) -> Source:
    """Open Parquet files with the same columns.

    If one column holds vectors, its vectors are the rows, and the columns beside it are their
    metadata, unless an option asks for other columns.
    """
    options = options or TableOptions()
    options = replace(options, roles=label_roles(label, options.roles))
    files = open_files(paths, name, verbose)
    check_column_names(name, files.schema.names)
    names, problems = selected_columns(files.schema.names, options)
    raise_problems(name, problems)
    vector = find_vector_column(files.schema_of(names), options.roles, options.columns)
    if vector is None:
        return _open_table(files, names, options, verbose)
    label = label_column(options.roles)
    rows = ParquetVectors(files, vector, label, verbose)
    if others := [name for name in names if name not in (vector, label)]:
        roles = {name: role for name, role in options.roles.items() if name in others}
        rows.metadata = _open_table(files, others, replace(options, roles=roles), verbose)
    return rows


def _open_table(
    files: ParquetFiles, names: Sequence[str], options: TableOptions, verbose: bool
) -> Source:
    if fits_in_memory(files, names):
        return _read_table(files, names, options)
    return ParquetTable(files, names, options, verbose)


def fits_in_memory(files: ParquetFiles, names: Sequence[str]) -> bool:
    """Return whether given columns take at most 512 MiB and half of the available memory."""
    n_available_bytes = memory.available_bytes()
    max_bytes = memory.BUDGET.loaded_rows.max_bytes()
    # Strings and the values that are read from them are in memory at the same time.
    n_bytes = files.row_bytes(names) * len(files)
    return 2 * n_bytes <= (
        2 * max_bytes if n_available_bytes is None else min(2 * max_bytes, n_available_bytes)
    )


def _read_table(files: ParquetFiles, names: Sequence[str], options: TableOptions) -> Table:
    import pyarrow as pa

    schema = files.schema_of(names)
    tables = []
    for path, rows in zip(files.paths, files.group_rows, strict=True):
        if sum(rows):
            with open_parquet_file(path) as file:
                table = check_arrow(path.name, file.read(columns=list(names)), FileError)
                tables.append(table.select(list(names)).cast(schema))
    table, columns = parse_string_columns(pa.concat_tables(tables), options)
    return Table.from_arrow(table, typed_schema(table.schema, columns, options), files.name)


class ParquetTable(ParquetSource):
    """A table in Parquet files that does not fit in memory.

    With ``parse``, the constructor reads the string columns completely, to find out whether all
    their strings are numbers, booleans or dates.
    """

    dtype = np.dtype(object)
    table_schema: TableSchema

    def __init__(
        self,
        files: ParquetFiles,
        names: Sequence[str],
        options: TableOptions,
        verbose: bool,
        parse: bool = True,
    ) -> None:
        label = label_column(options.roles)
        features = [name for name in names if name != label]
        self.feature_names, self.row_shape = features, (len(features),)
        self.table_schema = typed_schema(files.schema_of(features), {}, options)
        self._searches: dict[str, FormatSearch] = {}
        super().__init__(files, features, files.row_bytes(features), label, verbose)
        if parse:
            self._parse(features, options)

    def _parse(self, features: list[str], options: TableOptions) -> None:
        """Find the types of the string columns, and of integers such as 20240131, from all rows."""
        from pyarrow import types

        from latentmap.data.format_search import find_formats

        strings = [field.name for field in self.table_schema.schema if is_string_type(field.type)]
        integers = self._date_candidates(features)
        if not strings and not integers:
            return
        searches, columns = find_formats(self._strings, [*strings, *integers], options)
        for name in integers:
            if not types.is_date(columns[name].values.type):
                del searches[name], columns[name]
        self._searches = searches
        first = next(self._tables(self._groups[0], features))
        schema = self._convert(self.paths[0], 0, first).schema
        self.table_schema = typed_schema(schema, columns, options)

    def _date_candidates(self, features: Sequence[str]) -> list[str]:
        """Return the columns of integers whose first rows may be dates as yyyymmdd.

        The rows are read only if the footer does not state their minimum and maximum.
        """
        import pyarrow as pa

        integers = [n for n in features if pa.types.is_integer(self.files.schema.field(n).type)]
        groups = self._groups[0]
        path, limits = self.paths[groups.file], {}
        if integers:
            with open_parquet_file(path) as file:
                group = file.metadata.row_group(groups.first)
                for column in map(group.column, range(group.num_columns)):
                    if column.is_stats_set and column.statistics.has_min_max:
                        limits[column.path_in_schema] = column.statistics
        return [
            name
            for name in integers
            if may_be_dates(
                pa.array([limits[name].min, limits[name].max])
                if name in limits
                else next(self._tables(groups, [name])).column(0)
            )
        ]

    def _strings(self, names: Sequence[str]) -> Iterator[pa.Table]:
        import pyarrow as pa

        for groups in self._groups:
            for table in self._tables(groups, list(names)):
                yield table.cast(pa.schema([(name, pa.string()) for name in names]))

    def _convert(self, path: Path, first_row: int, table: pa.Table) -> Any:
        memory.check_memory(self.name, table.nbytes)
        table = table.cast(self.files.schema_of(self._columns))
        for i, name in enumerate(self._columns):
            if name in self._searches:
                values = self._searches[name].parse(table.column(name).cast("string")).values
                table = table.set_column(i, name, values)
        return table


class ParquetVectors(ParquetSource):
    """The vectors of a column, each of which is a row; all must have the same length.

    A missing value raises an error when it is read.
    """

    def __init__(
        self, files: ParquetFiles, column: str, label: str | None, verbose: bool = False
    ) -> None:
        kind = files.schema.field(column).type
        dtype = np.dtype(kind.value_type.to_pandas_dtype())
        # Half-precision numbers are read as float32, and decimals as float64.
        self.dtype = np.dtype({"e": "float32", "O": "float64"}.get(dtype.char, dtype))
        self.row_shape = (_find_width(files, column),)
        row_bytes = self.row_shape[0] * self.dtype.itemsize
        super().__init__(files, [column], row_bytes, label, verbose)

    def _convert(self, path: Path, first_row: int, table: pa.Table) -> np.ndarray:
        values = table.column(0).combine_chunks()
        rows = vector_rows(values, self._columns[0], path.name, self.row_shape[0], first_row)
        return rows.astype(self.dtype, copy=False)


def _find_width(files: ParquetFiles, column: str) -> int:
    """Return the length of the lists of a column, from its type or its first lists."""
    import pyarrow.compute as pc
    from pyarrow import types

    kind = files.schema.field(column).type
    if types.is_fixed_size_list(kind):
        return kind.list_size
    for path, rows in zip(files.paths, files.group_rows, strict=True):
        if not sum(rows):
            continue
        with open_parquet_file(path) as file:
            for batch in file.iter_batches(1000, columns=[column]):
                lengths = pc.list_value_length(batch.column(0)).drop_null().to_numpy()
                if lengths.any():
                    return most_frequent_length(lengths[lengths > 0])
    raise DataError(f"{files.name}, column {column}: expected vectors, found none")
