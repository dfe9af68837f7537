"""Cells of text tables, read by pyarrow as strings.

Lines with a wrong number of cells are skipped and counted.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import IO

import pyarrow as pa
from pyarrow import csv as arrow_csv

from latentmap.data.csv_layout import CsvLayout
from latentmap.data.csv_separators import csv_reader
from latentmap.data.file_suffixes import is_compressed
from latentmap.data.memory import available_bytes, check_memory
from latentmap.data.table_problems import format_omitted_count
from latentmap.data.text_files import open_utf8

# Memory for each byte of a file: its strings in Arrow, and a copy of one column.
_MEMORY_PER_BYTE = 2
# Memory for each cell: the offset of a string in Arrow, and a value of eight bytes.
_MEMORY_PER_CELL = 12
_BLOCK_BYTES = 2**20
_CHUNK_ROWS = 10_000


class CsvRows:
    """The rows of a text table as strings.

    ``n_comments`` and ``n_ragged`` are the numbers of comments and of other lines with a wrong
    number of cells, which the last complete reading skipped.
    """

    def __init__(self, layout: CsvLayout) -> None:
        self.layout = layout
        self.n_comments = self.n_ragged = 0

    def read(self, names: Sequence[str]) -> pa.Table:
        """Read columns into memory; raise TooLargeError if they do not fit."""
        batches = list(self.batches(names, self._check_size()))
        schema = pa.schema([(name, pa.string()) for name in names])
        return pa.Table.from_batches(batches, schema)

    def batches(self, names: Sequence[str], limit: int | None = None) -> Iterator[pa.RecordBatch]:
        """Yield batches of columns; ``limit`` is the maximum number of bytes of text."""
        self.n_comments = self.n_ragged = 0
        if self.layout.separator == " ":
            yield from self._split_by_spaces(names, limit)
            return
        with self._open(limit) as stream:
            yield from arrow_csv.open_csv(stream, *self._arrow_options(names))

    def find_lines(self, rows: Sequence[int]) -> dict[int, int]:
        """Return the number of the first line of each row, as a text editor counts lines."""
        lines: dict[int, int] = {}
        row = -1
        for line, cells in self._records():
            if len(cells) == len(self.layout.names):
                row += 1
                if row in rows:
                    lines[row] = line
                    if len(lines) == len(set(rows)):
                        break
        return lines

    def ragged_problems(self) -> list[str]:
        """Return a sentence about the lines with a wrong number of cells, if there are any."""
        width = len(self.layout.names)
        for line, cells in self._records() if self.n_ragged else ():
            if len(cells) != width and not cells[0].lstrip().startswith("#"):
                return [
                    f"line {line:,}: expected {width} columns, found {len(cells)}"
                    f"{format_omitted_count(self.n_ragged - 1, 'line')}; "
                    "another separator is set with --separator"
                ]
        return []

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        """Yield the number of the first line and the cells of each record that is not blank."""
        with io.TextIOWrapper(self._open(None), "utf-8", newline="") as lines:
            reader = csv_reader(lines, self.layout.separator)
            line = 0
            try:
                for cells in reader:
                    if cells:
                        yield self.layout.first_line + line, cells
                    line = reader.line_num
            except csv.Error:
                return

    def _check_size(self) -> int | None:
        """Check the memory for the table, and return the limit of the text of a compressed file."""
        layout = self.layout
        factor = _MEMORY_PER_BYTE + _MEMORY_PER_CELL * layout.cells_per_byte
        if is_compressed(layout.path):
            n_available_bytes = available_bytes()
            return None if n_available_bytes is None else int(n_available_bytes / factor)
        check_memory(layout.name, int(layout.path.stat().st_size * factor))
        return None

    def _open(self, limit: int | None) -> IO[bytes]:
        stream = open_utf8(self.layout.path, self.layout.encoding, limit)
        stream.read(self.layout.offset)
        return stream

    def _arrow_options(
        self, names: Sequence[str]
    ) -> tuple[arrow_csv.ReadOptions, arrow_csv.ParseOptions, arrow_csv.ConvertOptions]:
        layout = self.layout
        return (
            arrow_csv.ReadOptions(
                column_names=layout.names, block_size=max(_BLOCK_BYTES, 8 * layout.longest_line)
            ),
            arrow_csv.ParseOptions(
                # pyarrow needs a separator for a single column, too: a character not in texts.
                delimiter=layout.separator or "\x1f",
                newlines_in_values=True,
                invalid_row_handler=lambda row: self._skip(row.text),
            ),
            arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(layout.names, pa.string()),
                include_columns=names,
                strings_can_be_null=False,
                check_utf8=False,  # `open_utf8` checks the encoding.
            ),
        )

    def _skip(self, line: str) -> str:
        """Count a comment or a line with a wrong number of cells; reading continues after it."""
        is_comment = line.lstrip().startswith("#")
        self.n_comments += is_comment
        self.n_ragged += not is_comment
        return "skip"

    def _split_by_spaces(self, names: Sequence[str], limit: int | None) -> Iterator[pa.RecordBatch]:
        """Yield batches of a table whose cells are separated by any number of spaces.

        pyarrow separates cells by a single character only.
        """
        width = len(self.layout.names)
        with io.TextIOWrapper(self._open(limit), "utf-8", newline="") as lines:
            reader = filter(None, csv_reader(lines, " "))
            while chunk := list(islice(reader, _CHUNK_ROWS)):
                for cells in chunk:
                    if len(cells) != width:
                        self._skip(cells[0])
                columns = zip(*(cells for cells in chunk if len(cells) == width), strict=True)
                named = dict(zip(self.layout.names, columns, strict=False))
                if named:
                    arrays = [pa.array(named[name], pa.string()) for name in names]
                    yield pa.record_batch(arrays, list(names))
