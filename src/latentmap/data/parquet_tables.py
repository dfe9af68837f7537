"""Parquet files, or a folder of them, read one row group at a time.

Only the footers are read at opening. A row is found by its row group; the last group that was read
is kept, so that batches in order, and batches shuffled group by group, read each group once. What
is in memory at any time is one group, however many there are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import numpy as np

from latentmap.data.checks import as_labels
from latentmap.data.columns import common_dtype, feature_columns
from latentmap.data.foreign import reading
from latentmap.data.memory import check_memory
from latentmap.data.sources import Source
from latentmap.errors import DataError, FileError

__all__ = ["ParquetSource", "open_parquet"]

_KIND = "a Parquet file"
_PANDAS_INDEX = re.compile(r"__index_level_\d+__")  # row names that pandas stores as a column


class _Group(NamedTuple):
    """One row group: where it is, and its place among all rows and among its file's rows."""

    file: int
    in_file: int
    start: int
    start_in_file: int
    rows: int


def open_parquet(path: Path, label: str | None = None) -> ParquetSource:
    """Open one Parquet file; see `ParquetSource`."""
    return ParquetSource([path], label=label, name=path.name)


class ParquetSource(Source):
    """The rows of Parquet files, one after another.

    Parameters
    ----------
    paths : sequence of pathlib.Path
        At least one. All must have the columns of the first.
    label : str, optional
        The column that holds labels. It is the only one that is read whole.
    name : str
        For messages.

    Raises
    ------
    FileError
        If a file is cut short or foreign, or its columns differ from the first file's.
    DataError
        If a column does not hold numbers. A missing value is found when its row group is read.
    UnknownNameError
        If there is no column ``label``.

    Notes
    -----
    A single column of lists of one length, such as ``pixels``, is a row each.
    """

    def __init__(self, paths: Sequence[Path], *, label: str | None = None, name: str) -> None:
        self.paths, self.name = list(paths), name
        footers, schemas = zip(*map(_read_footer, self.paths), strict=True)
        schema = schemas[0]
        for path, found in zip(self.paths, schemas, strict=True):
            _check_same(path, schema, found)
        self._groups = list(_groups(footers))
        if not self._groups:
            raise DataError(f"{name}: expected at least one row, found none")
        self._set_columns(schema, label)
        self._starts = np.array([group.start for group in self._groups])
        self.block_starts = self._starts
        self._last: tuple[int, np.ndarray] | None = None
        if label is not None:
            self.labels = _narrowed(as_labels(np.concatenate(list(self._label_values(label)))))

    def __len__(self) -> int:
        return self._groups[-1].start + self._groups[-1].rows

    def take(self, indices: Any) -> np.ndarray:  # noqa: D102
        indices = np.asarray(indices, dtype=np.intp)
        out = np.empty((len(indices), *self.row_shape), self.dtype)
        number = np.searchsorted(self._starts, indices, side="right") - 1
        for g in np.unique(number):
            here = number == g
            out[here] = self._rows_of(int(g))[indices[here] - self._groups[g].start]
        return out

    def _set_columns(self, schema: Any, label: str | None) -> None:
        columns = [schema.names[i] for i in feature_columns(self.name, schema.names, label)]
        self._columns = columns
        self._lists = _is_lists(schema, columns)
        if self._lists:
            lists = schema.field(columns[0]).type
            self.row_shape = (lists.list_size,)
            self.dtype = _number_dtype(self.name, columns[0], lists.value_type)
            return
        self.row_shape, self.feature_names = (len(columns),), columns
        dtypes = [_number_dtype(self.name, c, schema.field(c).type) for c in columns]
        self.dtype = common_dtype(dtypes)

    def _rows_of(self, g: int) -> np.ndarray:
        last = self._last
        if last is None or last[0] != g:
            self._last = last = None  # let the old group go before the next one comes
            self._last = last = (g, self._read_group(g))
        return last[1]

    def _read_group(self, g: int) -> np.ndarray:
        group = self._groups[g]
        rows = np.empty((group.rows, *self.row_shape), self.dtype)
        # Twice: pyarrow holds the group's columns while they are laid out as rows.
        check_memory(self.paths[group.file].name, 2 * rows.nbytes)
        table = self._read_columns(group, self._columns)
        if self._lists:
            rows[:] = self._values(group, self._columns[0], table.column(0), flatten=True)
            return rows
        for j, column in enumerate(self._columns):
            rows[:, j] = self._values(group, column, table.column(column))
        return rows

    def _values(
        self, group: _Group, name: str, column: Any, *, flatten: bool = False
    ) -> np.ndarray:
        # The footer's statistics would tell this at opening, but asking a damaged file for them
        # makes pyarrow 26 end the whole process.
        if column.null_count:
            self._refuse_null(group, name, column.is_null().to_numpy())
        if not flatten:
            return column.to_numpy()
        values = column.combine_chunks().flatten()
        if values.null_count:
            missing = values.is_null().to_numpy(zero_copy_only=False)
            self._refuse_null(group, name, missing.reshape(group.rows, -1).any(axis=1))
        return values.to_numpy(zero_copy_only=False).reshape(group.rows, -1)

    def _refuse_null(self, group: _Group, column: str, missing: np.ndarray) -> NoReturn:
        row = group.start_in_file + int(np.flatnonzero(missing)[0])
        file = self.paths[group.file].name
        raise DataError(f"{file}, row {row}, column {column}: expected a number, found nothing")

    def _label_values(self, label: str) -> Iterator[np.ndarray]:
        for group in self._groups:
            column = self._read_columns(group, [label]).column(0)
            if column.null_count:
                row = group.start_in_file + int(np.flatnonzero(column.is_null())[0])
                file = self.paths[group.file].name
                raise DataError(f"{file}, row {row}, column {label}: expected a label, found none")
            with _reading(self.paths[group.file]):
                yield as_labels(column.to_pylist())

    def _read_columns(self, group: _Group, columns: list[str]) -> Any:
        from pyarrow import parquet

        path = self.paths[group.file]
        with _reading(path), parquet.ParquetFile(path) as file:
            table = file.read_row_group(group.in_file, columns=columns)
        if table.num_rows != group.rows:
            raise FileError(f"{path.name}: expected {group.rows} rows, found {table.num_rows}")
        return table


def _narrowed(labels: np.ndarray) -> np.ndarray:
    """Keep whole numbers in as few bytes as they need: there is one for each of very many rows."""
    if labels.dtype.kind != "i":
        return labels
    kinds = (np.min_scalar_type(int(end)) for end in (-1, labels.min(), labels.max()))
    return labels.astype(np.result_type(*kinds))


def _reading(path: Path) -> AbstractContextManager[None]:
    import pyarrow as pa

    return reading(path.name, _KIND, pa.ArrowException, UnicodeDecodeError)


def _read_footer(path: Path) -> tuple[Any, Any]:
    """Give a file's metadata and the columns that are for us."""
    from pyarrow import parquet

    with _reading(path):
        footer = parquet.read_metadata(path)
        return footer, _without_index(footer.schema.to_arrow_schema())


def _without_index(schema: Any) -> Any:
    for name in filter(_PANDAS_INDEX.fullmatch, schema.names):
        schema = schema.remove(schema.get_field_index(name))
    return schema


def _check_same(path: Path, expected: Any, found: Any) -> None:
    for name in [*expected.names, *found.names]:
        types = [
            s.field(name).type if name in s.names else "no such column" for s in (expected, found)
        ]
        if types[0] != types[1]:
            raise FileError(f"{path.name}, column {name}: expected {types[0]}, found {types[1]}")


def _groups(footers: Sequence[Any]) -> Iterator[_Group]:
    start = 0
    for file, footer in enumerate(footers):
        first = start
        for index in range(footer.num_row_groups):
            rows = footer.row_group(index).num_rows
            if rows:
                yield _Group(file, index, start, start - first, rows)
            start += rows


def _is_lists(schema: Any, columns: list[str]) -> bool:
    from pyarrow import types

    return len(columns) == 1 and types.is_fixed_size_list(schema.field(columns[0]).type)


def _number_dtype(name: str, column: str, kind: Any) -> np.dtype:
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
