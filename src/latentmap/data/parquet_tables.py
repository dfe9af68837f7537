"""Parquet files, or a folder of them, read piece by piece.

Only the footers are read at opening. A row is found by its piece, some megabytes of a row group, or
of several that are small; the last piece that was read is kept, and from there its groups are read
on, so that rows that are asked for in order are decoded once. What is in memory at any time is one
piece, however many there are, and however large or small their writer made the row groups.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from latentmap.data.array_checks import as_labels, check_label_memory
from latentmap.data.batching import rebatch
from latentmap.data.columns import feature_columns
from latentmap.data.memory import check_memory
from latentmap.data.parquet_footers import (
    Groups,
    check_lists,
    check_names,
    common_number_dtype,
    is_lists,
    number_dtype,
    pieces,
    read_footers,
    reading_parquet,
    taken_together,
)
from latentmap.data.sources import Source
from latentmap.errors import DataError, FileError
from latentmap.progress import progress

__all__ = ["ParquetSource", "open_parquet"]

_PIECE_BYTES = 16 * 2**20


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
    verbose : bool
        Show progress, where opening takes a while.

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
        filled = [i for i, rows in enumerate(group_rows) if sum(rows)]
        if not filled:
            raise DataError(f"{name}: expected at least one row, found none")
        self._set_columns({self.paths[i]: schemas[i] for i in filled}, label)
        self._piece_rows = max(1, _PIECE_BYTES // self._row_bytes)
        self._groups = list(taken_together(group_rows, self._piece_rows))
        self._pieces = list(pieces(self._groups, self._piece_rows))
        self._starts = np.array([piece.start for piece in self._pieces])
        self.block_starts = self._starts
        self._last: tuple[int, np.ndarray] | None = None
        self._coming: tuple[int, Iterator[np.ndarray]] | None = None
        self._opened: tuple[Path, Any] | None = None
        if label is not None:
            parts = self._label_parts(label)
            told = _with_progress(parts, "labels", len(self), verbose, lambda part: len(part[1]))
            self.labels = _joined(name, *zip(*told, strict=True))

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
            check_names(path, schema, schemas[path])
        columns = [schema.names[i] for i in feature_columns(self.name, schema.names, label)]
        self._columns = columns
        self._lists = is_lists(schema, columns)
        if self._lists:
            for path in others:
                check_lists(path, columns[0], schema, schemas[path])
            lists = schema.field(columns[0]).type
            self.row_shape = (lists.list_size,)
            self.dtype = number_dtype(self.name, columns[0], lists.value_type)
            return
        self.row_shape, self.feature_names = (len(columns),), columns
        self.dtype = common_number_dtype(self.name, schemas, label)

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

    def _rows_of_groups(self, groups: Groups) -> Iterator[np.ndarray]:
        """Read groups, as many rows at a time as a piece has."""
        return rebatch(self._decoded(groups), self._piece_rows)

    def _decoded(self, groups: Groups) -> Iterator[np.ndarray]:
        # Twice: pyarrow holds the columns while they are laid out as rows.
        check_memory(self.paths[groups.file].name, 2 * self._piece_rows * self._row_bytes)
        done = 0
        for table in self._tables(groups, self._columns):
            part = groups._replace(start_in_file=groups.start_in_file + done, rows=table.num_rows)
            yield self._laid_out(part, table)
            done += table.num_rows

    def _laid_out(self, groups: Groups, table: Any) -> np.ndarray:
        rows = np.empty((groups.rows, *self.row_shape), self.dtype)
        if self._lists:
            rows[:] = self._values(groups, self._columns[0], table.column(0), flatten=True)
            return rows
        for j, column in enumerate(self._columns):
            rows[:, j] = self._values(groups, column, table.column(column))
        return rows

    def _values(
        self, groups: Groups, name: str, column: Any, *, flatten: bool = False
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

    def _refuse_null(self, groups: Groups, column: str, missing: np.ndarray) -> NoReturn:
        row = groups.start_in_file + int(np.flatnonzero(missing)[0])
        file = self.paths[groups.file].name
        raise DataError(f"{file}, row {row}, column {column}: expected a number, found nothing")

    def _label_parts(self, label: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Give the labels that differ, and of each row the number of its own, piece by piece."""
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
                with reading_parquet(self.paths[groups.file]):
                    yield _encoded(self.name, label, column)

    def _tables(self, groups: Groups, columns: list[str]) -> Iterator[Any]:
        """Read columns of row groups, at most so many rows at a time as a piece has."""
        import pyarrow as pa

        path, done = self.paths[groups.file], 0
        numbers = range(groups.first, groups.last + 1)
        with reading_parquet(path):
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
            if path.is_fifo():
                raise FileError(f"{path.name}: expected a file, found a pipe")
            self._opened = opened = (path, parquet.ParquetFile(path))
        return opened[1]


def _with_progress(
    parts: Iterable[Any],
    what: str,
    total: int,
    verbose: bool,
    size: Callable[[Any], int] = lambda _: 1,
) -> Iterator[Any]:
    """Pass parts on, and show how many of all have come."""
    with progress(f"reading {total:,} {what}", total, verbose, patient=True) as advance:
        for part in parts:
            yield part
            advance(size(part))


def _encoded(name: str, label: str, column: Any) -> tuple[np.ndarray, np.ndarray]:
    from pyarrow import types

    if types.is_nested(column.type):
        raise DataError(f"{name}, column {label}: expected labels, found {column.type}")
    encoded = column.combine_chunks().dictionary_encode()
    values = encoded.dictionary.to_pylist()
    values = [v.decode("utf-8", "backslashreplace") if isinstance(v, bytes) else v for v in values]
    plain = all(isinstance(value, int | float) for value in values)
    return np.array(values, None if plain else object), encoded.indices.to_numpy()


def _joined(name: str, values: Sequence[np.ndarray], indices: Sequence[np.ndarray]) -> np.ndarray:
    """Join labels of pieces, of which only all tell whether they are numbers: 10 may go with A1."""
    starts = np.cumsum([0, *map(len, values)])
    labels = _narrowed(as_labels(np.concatenate(values), name))
    if labels.dtype.kind == "U":
        check_label_memory(name, labels.itemsize // 4, sum(map(len, indices)))
    parts = zip(starts[:-1], indices, strict=True)
    return np.concatenate([labels[start:][chosen] for start, chosen in parts])


def _narrowed(labels: np.ndarray) -> np.ndarray:
    """Keep whole numbers in as few bytes as they need: there is one for each of very many rows."""
    if labels.dtype.kind != "i":
        return labels
    return labels.astype(np.min_scalar_type(min(int(labels.min()), -1 - int(labels.max()))))
