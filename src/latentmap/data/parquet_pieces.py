"""Rows of Parquet files, read piece by piece.

Opening reads only the footers and the labels. A piece is some megabytes of a row group, or of
several small ones. The last piece is in memory, and reading continues from there, so that rows that
are read in order are decoded once. The memory does not depend on the number or the size of the row
groups.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from latentmap.data.batching import concatenated, rebatch, take_rows
from latentmap.data.memory import check_memory
from latentmap.data.parquet_footers import (
    Groups,
    ParquetFiles,
    combine_groups,
    cut_pieces,
    reading_parquet,
)
from latentmap.data.sources import Source
from latentmap.data.table_labels import column_labels
from latentmap.errors import FileError
from latentmap.progress import progress

if TYPE_CHECKING:
    import pyarrow as pa

_PIECE_BYTES = 16 * 2**20


class ParquetSource(Source):
    """The rows of Parquet files, one after another; a subclass converts them.

    Parameters
    ----------
    files : ParquetFiles
    columns : list of str
        Columns to read for each row.
    row_bytes : int
        Size of a row in memory.
    label : str or None
        Column of labels, which is read completely at opening.
    verbose : bool
        Show progress while labels are read.
    """

    def __init__(
        self,
        files: ParquetFiles,
        columns: Sequence[str],
        row_bytes: int,
        label: str | None,
        verbose: bool,
    ) -> None:
        self.files, self.paths, self.name = files, files.paths, files.name
        self._columns, self._bytes_of_row = list(columns), max(1, row_bytes)
        self._piece_rows = max(1, _PIECE_BYTES // self._bytes_of_row)
        self._groups = list(combine_groups(files.group_rows, self._piece_rows))
        self._pieces = list(cut_pieces(self._groups, self._piece_rows))
        self._starts = np.array([piece.start for piece in self._pieces])
        self.block_starts = self._starts
        self._last_piece: tuple[int, Any] | None = None
        self._next_piece: tuple[int, Iterator[Any]] | None = None
        self._open_file: tuple[Path, Any] | None = None
        self.labels = None if label is None else self._read_labels(label, verbose)

    @abstractmethod
    def _convert(self, path: Path, first_row: int, table: pa.Table) -> Any:
        """Return consecutive rows of a file as a batch; ``first_row`` is the index of the first."""

    @property
    def _row_bytes(self) -> int:
        return self._bytes_of_row

    def __getstate__(self) -> dict[str, Any]:
        # Another process opens the files itself.
        return {**self.__dict__, "_last_piece": None, "_next_piece": None, "_open_file": None}

    def __len__(self) -> int:
        return self._groups[-1].start + self._groups[-1].rows

    def take(self, indices: ArrayLike) -> Any:  # noqa: D102
        indices = np.asarray(indices, dtype=np.intp)
        piece = np.searchsorted(self._starts, indices, side="right") - 1
        order = np.argsort(piece, kind="stable")
        parts = [
            take_rows(
                self._load_piece(int(p)), indices[order][piece[order] == p] - self._pieces[p].start
            )
            for p in np.unique(piece)
        ]
        if not parts:
            return take_rows(self._load_piece(0), indices)
        rows = concatenated(parts)
        return rows if len(parts) == 1 else take_rows(rows, np.argsort(order, kind="stable"))

    def _load_piece(self, p: int) -> Any:
        last = self._last_piece
        if last is None or last[0] != p:
            self._last_piece = last = None  # The old piece is freed first.
            self._last_piece = last = (p, self._read_piece(p))
        return last[1]

    def _read_piece(self, p: int) -> Any:
        """Continue reading after the last piece, or start at the first piece of the groups."""
        first = p - self._pieces[p].in_groups
        if self._next_piece is None or not first < self._next_piece[0] <= p:
            self._next_piece = (
                first,
                rebatch(self._decode(self._groups[self._pieces[p].groups]), self._piece_rows),
            )
        next_index, pieces_left = self._next_piece
        self._next_piece = None  # An error leaves no half-read iterator.
        for _ in range(next_index, p):
            next(pieces_left)
        rows = next(pieces_left)
        self._next_piece = (p + 1, pieces_left)
        return rows

    def _decode(self, groups: Groups) -> Iterator[Any]:
        # The memory is needed twice, because pyarrow's columns exist while they are converted.
        check_memory(self.paths[groups.file].name, 2 * self._piece_rows * self._bytes_of_row)
        start = groups.start_in_file
        for table in self._tables(groups, self._columns):
            yield self._convert(self.paths[groups.file], start, table)
            start += table.num_rows

    def _read_labels(self, label: str, verbose: bool) -> np.ndarray:
        import pyarrow as pa

        parts, task = [], f"reading {len(self):,} labels"
        with progress(task, len(self), verbose, delay=True) as advance:
            for groups in self._groups:
                for table in self._tables(groups, [label]):
                    column = table.column(0).cast(self.files.schema.field(label).type)
                    # Equal strings are stored once.
                    is_string_type = pa.types.is_string(column.type)
                    parts.append(column.dictionary_encode() if is_string_type else column)
                    advance(table.num_rows)
        column = pa.chunked_array([chunk for part in parts for chunk in part.chunks])
        return column_labels(column, label, self.name)

    def _tables(self, groups: Groups, columns: list[str]) -> Iterator[pa.Table]:
        """Yield columns of row groups as tables that are at most as long as a piece."""
        import pyarrow as pa

        path, n_rows = self.paths[groups.file], 0
        numbers = range(groups.first, groups.last + 1)
        with reading_parquet(path):
            for batch in self._file(path).iter_batches(
                self._piece_rows, row_groups=numbers, columns=columns
            ):
                n_rows += batch.num_rows
                yield pa.Table.from_batches([batch]).select(columns)
        if n_rows != groups.rows:
            raise FileError(f"{path.name}: expected {groups.rows} rows, found {n_rows}")

    def _file(self, path: Path) -> Any:
        """Return the open file; it is not reopened, because reading a long footer is slow."""
        from pyarrow import parquet

        open_file = self._open_file
        if open_file is None or open_file[0] != path:
            if path.is_fifo():
                raise FileError(f"{path.name}: expected a file, found a pipe")
            self._open_file = open_file = (path, parquet.ParquetFile(path))
        return open_file[1]
