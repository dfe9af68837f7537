"""Rows of Parquet files, read chunk by chunk.

Opening reads only the footers and the labels. A chunk is some megabytes of a row group, or of
several small ones. The last chunk is in memory, and reading continues from there, so that rows that
are read in order are decoded once. The memory does not depend on the number or the size of the row
groups.
"""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from latentmap.data.batching import concatenate, rebatch, take_rows
from latentmap.data.index_checks import check_arrow
from latentmap.data.memory import check_memory
from latentmap.data.parquet_footers import (
    ParquetFiles,
    RowGroups,
    combine_row_groups,
    reading_parquet,
    split_into_chunks,
)
from latentmap.data.sources import Source
from latentmap.data.table_labels import column_labels
from latentmap.data.table_parsing import is_string_type
from latentmap.errors import FileError
from latentmap.progress import progress

if TYPE_CHECKING:
    import pyarrow as pa

_CHUNK_BYTES = 16 * 2**20


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
        self._chunk_rows = max(1, _CHUNK_BYTES // self._bytes_of_row)
        self._groups = list(combine_row_groups(files.group_rows, self._chunk_rows))
        self._chunks = list(split_into_chunks(self._groups, self._chunk_rows))
        self._starts = np.array([chunk.start for chunk in self._chunks])
        self.block_starts = self._starts
        self._last_chunk: tuple[int, Any] | None = None
        self._next_chunk: tuple[int, Iterator[Any]] | None = None
        self._open_file: tuple[Path, Any] | None = None
        self.labels = None if label is None else self._read_labels(label, verbose)

    @abstractmethod
    def _convert(self, path: Path, first_row: int, table: pa.Table) -> Any:
        """Return consecutive rows of a file as a batch; ``first_row`` is the index of the first."""

    @property
    def _row_bytes(self) -> int:
        return self._bytes_of_row

    def __getstate__(self) -> dict[str, Any]:
        # Open files cannot be pickled. Each process opens the files when it reads them.
        return {**self.__dict__, "_last_chunk": None, "_next_chunk": None, "_open_file": None}

    def __len__(self) -> int:
        return self._groups[-1].start + self._groups[-1].rows

    def take(self, indices: ArrayLike) -> Any:  # noqa: D102
        indices = np.asarray(indices, dtype=np.intp)
        # The memory is needed twice, because the parts exist while they are combined.
        check_memory(self.name, 2 * len(indices) * self._bytes_of_row)
        chunk = np.searchsorted(self._starts, indices, side="right") - 1
        order = np.argsort(chunk, kind="stable")
        parts = [
            take_rows(
                self._load_chunk(int(p)), indices[order][chunk[order] == p] - self._chunks[p].start
            )
            for p in np.unique(chunk)
        ]
        if not parts:
            return take_rows(self._load_chunk(0), indices)
        rows = concatenate(parts)
        return rows if len(parts) == 1 else take_rows(rows, np.argsort(order, kind="stable"))

    def _load_chunk(self, p: int) -> Any:
        last = self._last_chunk
        if last is None or last[0] != p:
            self._last_chunk = last = None  # The old chunk is freed before the new one is read.
            self._last_chunk = last = (p, self._read_chunk(p))
        return last[1]

    def _read_chunk(self, p: int) -> Any:
        """Continue reading after the last chunk, or start at the first chunk of the groups."""
        first = p - self._chunks[p].index_in_groups
        if self._next_chunk is None or not first < self._next_chunk[0] <= p:
            self._next_chunk = (
                first,
                rebatch(self._decode(self._groups[self._chunks[p].groups]), self._chunk_rows),
            )
        next_index, chunks_left = self._next_chunk
        self._next_chunk = None  # After an error, the partly read iterator must not be used again.
        for _ in range(next_index, p):
            next(chunks_left)
        rows = next(chunks_left)
        self._next_chunk = (p + 1, chunks_left)
        return rows

    def _decode(self, groups: RowGroups) -> Iterator[Any]:
        # The memory is needed twice, because pyarrow's columns exist while they are converted.
        check_memory(self.name, 2 * self._chunk_rows * self._bytes_of_row)
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
                    # Dictionary encoding stores equal strings once.
                    is_string = is_string_type(column.type)
                    parts.append(column.dictionary_encode() if is_string else column)
                    advance(table.num_rows)
        column = pa.chunked_array([chunk for part in parts for chunk in part.chunks])
        return column_labels(column, label, self.name)

    def _tables(self, groups: RowGroups, columns: list[str]) -> Iterator[pa.Table]:
        """Yield columns of row groups as tables that are at most as long as a chunk."""
        import pyarrow as pa

        path, n_rows = self.paths[groups.file], 0
        numbers = range(groups.first, groups.last + 1)
        with reading_parquet(path):
            for batch in self._file(path).iter_batches(
                self._chunk_rows, row_groups=numbers, columns=columns
            ):
                n_rows += batch.num_rows
                table = pa.Table.from_batches([batch]).select(columns)
                yield check_arrow(path.name, table, FileError)
        if n_rows != groups.rows:
            raise FileError(f"{path.name}: expected {groups.rows} rows, found {n_rows}")

    def _file(self, path: Path) -> Any:
        """Return the open file; it is not reopened, because reading a long footer is slow."""
        import pyarrow as pa
        from pyarrow import parquet

        open_file = self._open_file
        if open_file is None or open_file[0] != path:
            if path.is_fifo():
                raise FileError(f"{path.name}: expected a file, found a pipe")
            self._open_file = open_file = (path, parquet.ParquetFile(pa.OSFile(os.fsencode(path))))
        return open_file[1]
