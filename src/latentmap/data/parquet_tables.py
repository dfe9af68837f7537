"""Parquet files, or a folder of them, read piece by piece.

Only the footers are read at opening. A row is found by its piece, some megabytes of a row group, or
of several that are small; the last piece that was read is kept, and from there its groups are read
on, so that rows that are asked for in order are decoded once. What is in memory at any time is one
piece, however many there are, and however large or small their writer made the row groups.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import numpy as np

from latentmap.data.batching import rebatch
from latentmap.data.checks import as_labels
from latentmap.data.columns import common_dtype, feature_columns
from latentmap.data.foreign import reading
from latentmap.data.memory import check_memory
from latentmap.data.sources import Source
from latentmap.errors import DataError, FileError

__all__ = ["ParquetSource", "open_parquet"]

_KIND = "a Parquet file"
_PIECE_BYTES = 16 * 2**20
_PANDAS_INDEX = re.compile(r"__index_level_\d+__")  # row names that pandas stores as a column


class _Groups(NamedTuple):
    """Row groups of one file, read together: one, or as many small ones as a piece can hold."""

    file: int
    first: int
    last: int
    start: int
    start_in_file: int
    rows: int


class _Piece(NamedTuple):
    """Some rows of `_Groups`: the number of these, and the rows' places there and among all."""

    groups: int
    in_groups: int
    start: int
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
        If a file is cut short or foreign, or its columns are called otherwise than the first's.
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
        filled = [i for i, footer in enumerate(footers) if footer.num_rows]
        if not filled:
            raise DataError(f"{name}: expected at least one row, found none")
        self._set_columns({self.paths[i]: schemas[i] for i in filled}, label)
        self._piece_rows = max(1, _PIECE_BYTES // self._row_bytes)
        self._groups = list(_groups(footers, self._piece_rows))
        self._pieces = list(_pieces(self._groups, self._piece_rows))
        self._starts = np.array([piece.start for piece in self._pieces])
        self.block_starts = self._starts
        self._last: tuple[int, np.ndarray] | None = None
        self._coming: tuple[int, Iterator[np.ndarray]] | None = None
        self._opened: tuple[Path, Any] | None = None
        if label is not None:
            self.labels = _narrowed(as_labels(np.concatenate(list(self._label_values(label)))))

    def __getstate__(self) -> dict[str, Any]:
        # Another process reads for itself.
        return {**self.__dict__, "_last": None, "_coming": None, "_opened": None}

    def __len__(self) -> int:
        return self._groups[-1].start + self._groups[-1].rows

    def take(self, indices: Any) -> np.ndarray:  # noqa: D102
        indices = np.asarray(indices, dtype=np.intp)
        out = np.empty((len(indices), *self.row_shape), self.dtype)
        number = np.searchsorted(self._starts, indices, side="right") - 1
        for p in np.unique(number):
            here = number == p
            out[here] = self._rows_of(int(p))[indices[here] - self._pieces[p].start]
        return out

    def _set_columns(self, schemas: dict[Path, Any], label: str | None) -> None:
        first, *others = schemas
        schema = schemas[first]
        for path in others:
            _check_names(path, schema, schemas[path])
        columns = [schema.names[i] for i in feature_columns(self.name, schema.names, label)]
        self._columns = columns
        self._lists = _is_lists(schema, columns)
        if self._lists:
            for path in others:
                _check_lists(path, columns[0], schema, schemas[path])
            lists = schema.field(columns[0]).type
            self.row_shape = (lists.list_size,)
            self.dtype = _number_dtype(self.name, columns[0], lists.value_type)
            return
        self.row_shape, self.feature_names = (len(columns),), columns
        first_of: dict[Any, tuple[str, str]] = {}
        for path, found in schemas.items():
            name = self.name if path == first else path.name
            for column, kind in zip(found.names, found.types, strict=True):
                if column != label:
                    first_of.setdefault(kind, (name, column))
        dtypes = [_number_dtype(name, column, kind) for kind, (name, column) in first_of.items()]
        self.dtype = common_dtype(dtypes)

    def _rows_of(self, p: int) -> np.ndarray:
        last = self._last
        if last is None or last[0] != p:
            self._last = last = None  # let the old piece go before the next one comes
            self._last = last = (p, self._read_piece(p))
        return last[1]

    def _read_piece(self, p: int) -> np.ndarray:
        """Read on where the last piece ended, or else the piece's groups from their start."""
        first = p - self._pieces[p].in_groups
        if self._coming is None or not first < self._coming[0] <= p:
            self._coming = (first, self._rows_of_groups(self._groups[self._pieces[p].groups]))
        at, coming = self._coming
        self._coming = None  # an error shall not leave it half way
        for _ in range(at, p):
            next(coming)
        rows = next(coming)
        self._coming = (p + 1, coming)
        return rows

    def _rows_of_groups(self, groups: _Groups) -> Iterator[np.ndarray]:
        """Read groups, as many rows at a time as a piece has."""
        return rebatch(self._decoded(groups), self._piece_rows)

    def _decoded(self, groups: _Groups) -> Iterator[np.ndarray]:
        # Twice: pyarrow holds the columns while they are laid out as rows.
        check_memory(self.paths[groups.file].name, 2 * self._piece_rows * self._row_bytes)
        done = 0
        for table in self._tables(groups, self._columns):
            part = groups._replace(start_in_file=groups.start_in_file + done, rows=table.num_rows)
            yield self._laid_out(part, table)
            done += table.num_rows

    def _laid_out(self, groups: _Groups, table: Any) -> np.ndarray:
        rows = np.empty((groups.rows, *self.row_shape), self.dtype)
        if self._lists:
            rows[:] = self._values(groups, self._columns[0], table.column(0), flatten=True)
            return rows
        for j, column in enumerate(self._columns):
            rows[:, j] = self._values(groups, column, table.column(column))
        return rows

    def _values(
        self, groups: _Groups, name: str, column: Any, *, flatten: bool = False
    ) -> np.ndarray:
        # The footer's statistics would tell this at opening, but asking a damaged file for them
        # makes pyarrow 26 end the whole process.
        if column.null_count:
            self._refuse_null(groups, name, column.is_null().to_numpy())
        if not flatten:
            return column.to_numpy()
        values = column.combine_chunks().flatten()
        if values.null_count:
            missing = values.is_null().to_numpy(zero_copy_only=False)
            self._refuse_null(groups, name, missing.reshape(groups.rows, -1).any(axis=1))
        return values.to_numpy(zero_copy_only=False).reshape(groups.rows, -1)

    def _refuse_null(self, groups: _Groups, column: str, missing: np.ndarray) -> NoReturn:
        row = groups.start_in_file + int(np.flatnonzero(missing)[0])
        file = self.paths[groups.file].name
        raise DataError(f"{file}, row {row}, column {column}: expected a number, found nothing")

    def _label_values(self, label: str) -> Iterator[np.ndarray]:
        for groups in self._groups:
            row = groups.start_in_file
            for table in self._tables(groups, [label]):
                column = table.column(0)
                if column.null_count:
                    row += int(np.flatnonzero(column.is_null())[0])
                    file = self.paths[groups.file].name
                    raise DataError(
                        f"{file}, row {row}, column {label}: expected a label, found none"
                    )
                row += table.num_rows
                with _reading(self.paths[groups.file]):
                    yield as_labels(column.to_pylist())

    def _tables(self, groups: _Groups, columns: list[str]) -> Iterator[Any]:
        """Read columns of row groups, at most so many rows at a time as a piece has."""
        import pyarrow as pa

        path, done = self.paths[groups.file], 0
        numbers = range(groups.first, groups.last + 1)
        with _reading(path):
            for batch in self._file(path).iter_batches(
                self._piece_rows, row_groups=numbers, columns=columns
            ):
                done += batch.num_rows
                yield pa.Table.from_batches([batch])
        if done != groups.rows:
            raise FileError(f"{path.name}: expected {groups.rows} rows, found {done}")

    def _file(self, path: Path) -> Any:
        """Open a file, or give the one that is open: a footer of many row groups is long."""
        from pyarrow import parquet

        opened = self._opened
        if opened is None or opened[0] != path:
            self._opened = opened = (path, parquet.ParquetFile(path))
        return opened[1]


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


def _check_names(path: Path, expected: Any, found: Any) -> None:
    if expected.names == found.names or sorted(expected.names) == sorted(found.names):
        return  # at once, however many columns
    for name in (*expected.names, *found.names):
        types = [s.field(name).type if name in s.names else None for s in (expected, found)]
        if None in types:
            told = [kind or "no such column" for kind in types]
            raise FileError(f"{path.name}, column {name}: expected {told[0]}, found {told[1]}")


def _check_lists(path: Path, name: str, expected: Any, found: Any) -> None:
    types = [schema.field(name).type for schema in (expected, found)]
    if types[0] != types[1]:
        raise FileError(f"{path.name}, column {name}: expected {types[0]}, found {types[1]}")


def _groups(footers: Sequence[Any], most: int) -> Iterator[_Groups]:
    """Take row groups of a file together as long as they have at most so many rows."""
    start = 0
    for file, footer in enumerate(footers):
        begun, held = start, None
        for index in range(footer.num_row_groups):
            rows = footer.row_group(index).num_rows
            if held is not None and held.rows + rows <= most:
                held = held._replace(last=index, rows=held.rows + rows)
            else:
                if held is not None and held.rows:
                    yield held
                held = _Groups(file, index, index, start, start - begun, rows)
            start += rows
        if held is not None and held.rows:
            yield held


def _pieces(groups: Sequence[_Groups], size: int) -> Iterator[_Piece]:
    for number, some in enumerate(groups):
        for place, start in enumerate(range(0, some.rows, size)):
            yield _Piece(number, place, some.start + start, min(size, some.rows - start))


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
