"""Parquet files, or a folder of them, read piece by piece.

Opening reads only the footers. A piece is some megabytes of a row group, or of several small ones.
The last piece is in memory, and reading continues from there, so that rows that are read in order
are decoded once. The memory does not depend on the number or the size of the row groups.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import ArrayLike

from latentmap.data.array_checks import as_labels, check_label_memory
from latentmap.data.batching import rebatch
from latentmap.data.columns import feature_columns
from latentmap.data.memory import check_memory
from latentmap.data.parquet_footers import (
    Groups,
    check_columns,
    check_list_type,
    combine_groups,
    common_number_dtype,
    cut_pieces,
    is_list_table,
    number_dtype,
    read_footers,
    reading_parquet,
)
from latentmap.data.sources import Source
from latentmap.errors import DataError, FileError
from latentmap.progress import progress

if TYPE_CHECKING:
    import pyarrow as pa

_PIECE_BYTES = 16 * 2**20


def open_parquet(path: Path, label: str | None = None) -> ParquetSource:
    """Open one Parquet file; see `ParquetSource`."""
    return ParquetSource([path], label=label, name=path.name)


class ParquetSource(Source):
    """The rows of Parquet files, one after another.

    All files must have the columns of the first, whose values are numbers. The column ``label`` is
    read completely at opening. A missing value raises an error when it is read. In a single column
    of lists of one length, such as ``pixels``, each list is a row.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        *,
        label: str | None = None,
        name: str,
        verbose: bool = False,
    ) -> None:
        self.paths, self.name = list(paths), name
        footers = _with_progress(read_footers(self.paths), "files", len(self.paths), verbose)
        group_rows, schemas = zip(*footers, strict=True)
        not_empty = [i for i, rows in enumerate(group_rows) if sum(rows)]
        if not not_empty:
            raise DataError(f"{name}: expected at least one row, found none")
        self._set_columns({self.paths[i]: schemas[i] for i in not_empty}, label)
        self._piece_rows = max(1, _PIECE_BYTES // self._row_bytes)
        self._groups = list(combine_groups(group_rows, self._piece_rows))
        self._pieces = list(cut_pieces(self._groups, self._piece_rows))
        self._starts = np.array([piece.start for piece in self._pieces])
        self.block_starts = self._starts
        self._last_piece: tuple[int, np.ndarray] | None = None
        self._next_piece: tuple[int, Iterator[np.ndarray]] | None = None
        self._open_file: tuple[Path, Any] | None = None
        if label is not None:
            parts = self._label_parts(label)
            parts = _with_progress(parts, "labels", len(self), verbose, lambda part: len(part[1]))
            self.labels = _concatenate_labels(name, *zip(*parts, strict=True))

    def __getstate__(self) -> dict[str, Any]:
        # Another process opens the files itself.
        return {**self.__dict__, "_last_piece": None, "_next_piece": None, "_open_file": None}

    def __len__(self) -> int:
        return self._groups[-1].start + self._groups[-1].rows

    def take(self, indices: ArrayLike) -> np.ndarray:  # noqa: D102
        indices = np.asarray(indices, dtype=np.intp)
        batch = np.empty((len(indices), *self.row_shape), self.dtype)
        piece = np.searchsorted(self._starts, indices, side="right") - 1
        for p in np.unique(piece):
            in_piece = piece == p
            batch[in_piece] = self._rows_of(int(p))[indices[in_piece] - self._pieces[p].start]
        return batch

    def _set_columns(self, schemas: dict[Path, Any], label: str | None) -> None:
        first, *other_paths = schemas
        schema = schemas[first]
        for path in other_paths:
            check_columns(path, schema, schemas[path])
        columns = [schema.names[i] for i in feature_columns(self.name, schema.names, label)]
        self._columns = columns
        self._lists = is_list_table(schema, columns)
        if self._lists:
            for path in other_paths:
                check_list_type(path, columns[0], schema, schemas[path])
            lists = schema.field(columns[0]).type
            self.row_shape = (lists.list_size,)
            self.dtype = number_dtype(self.name, columns[0], lists.value_type)
            return
        self.row_shape, self.feature_names = (len(columns),), columns
        self.dtype = common_number_dtype(self.name, schemas, label)

    def _rows_of(self, p: int) -> np.ndarray:
        last = self._last_piece
        if last is None or last[0] != p:
            self._last_piece = last = None  # free the old piece before the next one is read
            self._last_piece = last = (p, self._read_piece(p))
        return last[1]

    def _read_piece(self, p: int) -> np.ndarray:
        """Continue reading after the last piece, or start at the first piece of the groups."""
        first = p - self._pieces[p].in_groups
        if self._next_piece is None or not first < self._next_piece[0] <= p:
            self._next_piece = (
                first,
                rebatch(self._decode(self._groups[self._pieces[p].groups]), self._piece_rows),
            )
        at, pieces_left = self._next_piece
        self._next_piece = None  # an error below leaves no half-read iterator
        for _ in range(at, p):
            next(pieces_left)
        rows = next(pieces_left)
        self._next_piece = (p + 1, pieces_left)
        return rows

    def _decode(self, groups: Groups) -> Iterator[np.ndarray]:
        # Twice, because the columns of pyarrow exist while they are copied to rows.
        check_memory(self.paths[groups.file].name, 2 * self._piece_rows * self._row_bytes)
        start = groups.start_in_file
        for table in self._tables(groups, self._columns):
            part = groups._replace(start_in_file=start, rows=table.num_rows)
            yield self._as_rows(part, table)
            start += table.num_rows

    def _as_rows(self, groups: Groups, table: pa.Table) -> np.ndarray:
        rows = np.empty((groups.rows, *self.row_shape), self.dtype)
        if self._lists:
            rows[:] = self._values(groups, self._columns[0], table.column(0), flatten=True)
            return rows
        for j, column in enumerate(self._columns):
            rows[:, j] = self._values(groups, column, table.column(column))
        return rows

    def _values(
        self, groups: Groups, name: str, column: pa.ChunkedArray, *, flatten: bool = False
    ) -> np.ndarray:
        # The statistics in the footer have this count, but pyarrow 26 crashes the process when it
        # reads them from a damaged file.
        if column.null_count:
            self._raise_missing(groups, name, column.is_null().to_numpy())
        if not flatten:
            return column.to_numpy()
        values = column.combine_chunks().flatten()
        if values.null_count:
            missing = values.is_null().to_numpy(zero_copy_only=False)
            self._raise_missing(groups, name, missing.reshape(groups.rows, -1).any(axis=1))
        return values.to_numpy(zero_copy_only=False).reshape(groups.rows, -1)

    def _raise_missing(self, groups: Groups, column: str, missing: np.ndarray) -> NoReturn:
        row = groups.start_in_file + int(np.flatnonzero(missing)[0])
        file = self.paths[groups.file].name
        raise DataError(f"{file}, row {row}, column {column}: expected a number, found null")

    def _label_parts(self, label: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the distinct labels of a piece, and the number of each row's label among them."""
        for groups in self._groups:
            row = groups.start_in_file
            for table in self._tables(groups, [label]):
                column = table.column(0)
                if column.null_count:
                    row += int(np.flatnonzero(column.is_null())[0])
                    file = self.paths[groups.file].name
                    raise DataError(
                        f"{file}, row {row}, column {label}: expected a label, found null"
                    )
                row += table.num_rows
                with reading_parquet(self.paths[groups.file]):
                    yield _encode_labels(self.name, label, column)

    def _tables(self, groups: Groups, columns: list[str]) -> Iterator[Any]:
        """Yield some columns of row groups as tables of at most the length of a piece."""
        import pyarrow as pa

        path, n_rows = self.paths[groups.file], 0
        numbers = range(groups.first, groups.last + 1)
        with reading_parquet(path):
            for batch in self._file(path).iter_batches(
                self._piece_rows, row_groups=numbers, columns=columns
            ):
                n_rows += batch.num_rows
                yield pa.Table.from_batches([batch])
        if n_rows != groups.rows:
            raise FileError(f"{path.name}: expected {groups.rows} rows, found {n_rows}")

    def _file(self, path: Path) -> Any:
        """Return the open file; it is not reopened, because reading a long footer is slow."""
        from pyarrow import parquet

        opened = self._open_file
        if opened is None or opened[0] != path:
            if path.is_fifo():
                raise FileError(f"{path.name}: expected a file, found a pipe")
            self._open_file = opened = (path, parquet.ParquetFile(path))
        return opened[1]


def _with_progress(
    parts: Iterable[Any],
    noun: str,
    total: int,
    verbose: bool,
    size: Callable[[Any], int] = lambda _: 1,
) -> Iterator[Any]:
    """Yield the same parts and show progress."""
    with progress(f"reading {total:,} {noun}", total, verbose, delayed=True) as advance:
        for part in parts:
            yield part
            advance(size(part))


def _encode_labels(name: str, label: str, column: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    from pyarrow import types

    if types.is_nested(column.type):
        raise DataError(f"{name}, column {label}: expected labels, found {column.type}")
    labels = column.combine_chunks().dictionary_encode()
    values = labels.dictionary.to_pylist()
    values = [v.decode("utf-8", "backslashreplace") if isinstance(v, bytes) else v for v in values]
    are_numbers = all(isinstance(value, int | float) for value in values)
    return np.array(values, None if are_numbers else object), labels.indices.to_numpy()


def _concatenate_labels(
    name: str, values: Sequence[np.ndarray], indices: Sequence[np.ndarray]
) -> np.ndarray:
    """Concatenate the labels of all pieces; they are numbers only if all of them are."""
    starts = np.cumsum([0, *map(len, values)])
    labels = _as_smallest_integers(as_labels(np.concatenate(values), name))
    if labels.dtype.kind == "U":
        check_label_memory(name, labels.itemsize // 4, sum(map(len, indices)))
    parts = zip(starts[:-1], indices, strict=True)
    return np.concatenate([labels[start:][label_numbers] for start, label_numbers in parts])


def _as_smallest_integers(labels: np.ndarray) -> np.ndarray:
    """Convert whole numbers to the smallest type, to save memory for many rows."""
    if labels.dtype.kind != "i":
        return labels
    return labels.astype(np.min_scalar_type(min(int(labels.min()), -1 - int(labels.max()))))
