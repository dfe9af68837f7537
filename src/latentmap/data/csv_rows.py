"""Cells of text tables as strings, read by pyarrow, or by the csv module if lines are short.

Other lines with a wrong number of cells are skipped and counted.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import islice

import pyarrow as pa
from pyarrow import csv as arrow_csv

from latentmap.data.csv_layout import CsvLayout
from latentmap.data.csv_separators import csv_reader
from latentmap.data.file_suffixes import is_compressed
from latentmap.data.memory import available_bytes, check_memory
from latentmap.data.table_notes import TableRowStream
from latentmap.data.table_problems import format_omitted_count
from latentmap.data.text_files import close_on_error, open_utf8

# Memory for each byte of a file: its strings in Arrow, and a copy of one column.
_MEMORY_PER_BYTE = 2
# Memory for each cell: the offset of a string in Arrow, and a value of eight bytes.
_MEMORY_PER_CELL = 12
_BLOCK_BYTES = 2**20
_CHUNK_ROWS = 10_000


class CsvRows:
    """The rows of a text table as strings.

    ``n_comments`` and ``n_ragged`` are the numbers of comments and of other lines with a wrong
    number of cells, which the last complete reading skipped. ``n_filled`` is the number of lines
    whose last cells were missing and became empty, ``n_blank`` that of lines of empty cells at the
    end, and ``n_headers`` that of repeated headers, which are left out.
    """

    def __init__(self, layout: CsvLayout) -> None:
        self.layout = layout
        self.n_comments = self.n_ragged = self.n_filled = self.n_blank = self.n_headers = 0
        self._fills_lines = False

    def read(self, names: Sequence[str]) -> pa.Table:
        """Read columns into memory; raise TooLargeError if they do not fit."""
        batches = list(self.batches(names, self._check_size()))
        schema = pa.schema([(name, pa.string()) for name in names])
        return pa.Table.from_batches(batches, schema)

    def batches(self, names: Sequence[str], limit: int | None = None) -> Iterator[pa.RecordBatch]:
        """Yield batches of columns; ``limit`` is the maximum number of bytes of text."""
        self.n_comments = self.n_ragged = self.n_filled = self.n_blank = self.n_headers = 0
        layout = self.layout
        if layout.separator == " " or layout.quoting.follows_space or self._fills_lines:
            yield from self._split_lines(names, limit)
            return
        with self._open(limit) as stream:
            yield from arrow_csv.open_csv(stream, *self._arrow_options(names))
            self._count_omitted(stream.raw)

    def find_lines(self, rows: Sequence[int]) -> dict[int, int]:
        """Return the number of the first line of each row, as a text editor counts lines."""
        lines: dict[int, int] = {}
        row = -1
        for line, cells in self._records():
            if len(self._complete(cells)) == len(self.layout.names):
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
            if len(cells) != width and not _is_comment(cells):
                return [
                    f"line {line:,}: expected {width} columns, found {len(cells)}"
                    f"{format_omitted_count(self.n_ragged - 1, 'line')}; "
                    "another separator is set with --separator"
                ]
        return []

    def fill_short_lines(self) -> bool:
        """Read missing cells at the end of lines as empty; return whether this solves all problems.

        It does if no line is too long or has a single cell, and if short lines do not form a table
        of their own above or below a blank line.
        """
        width, n_records, n_full = len(self.layout.names), 0, 0
        is_after_blank = False
        for _, cells in self._records(with_blank=True):
            is_short = len(cells) < width
            if not cells:
                is_after_blank = True
            elif _is_comment(cells):
                continue
            elif (
                len(cells) == 1
                or len(cells) > width
                or (is_after_blank and n_records and (is_short if n_full else not is_short))
            ):
                return False
            else:
                n_records, n_full = n_records + 1, n_full + (not is_short)
        self._fills_lines = True
        return True

    def _complete(self, cells: list[str]) -> list[str]:
        """Return the cells of a record, with empty cells for those that a short line lacks."""
        n_missing = len(self.layout.names) - len(cells)
        is_filled = self._fills_lines and n_missing > 0 and len(cells) > 1
        return [*cells, *[""] * n_missing] if is_filled and not _is_comment(cells) else cells

    def notes(self) -> list[str]:
        """Return short phrases about the lines that the last complete reading skipped or filled."""
        return row_notes(self.n_comments, self.n_headers, self.n_filled, self.n_blank)

    def _records(self, with_blank: bool = False) -> Iterator[tuple[int, list[str]]]:
        """Yield the number of the first line and the cells of each record, without blank lines."""
        with io.TextIOWrapper(self._open(None), "utf-8", newline="") as lines:
            reader = csv_reader(lines, self.layout.separator, self.layout.quoting)
            line = 0
            try:
                for cells in reader:
                    if cells or with_blank:
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

    def _open(self, limit: int | None) -> io.BufferedReader[TableRowStream]:
        stream = open_utf8(self.layout.path, self.layout.encoding, limit)
        layout = self.layout
        with close_on_error(stream):
            stream.read(layout.offset)
        width, lines = len(layout.names), (layout.header_text, layout.has_separator_lines)
        return io.BufferedReader(
            TableRowStream(stream, layout.separator, layout.quoting, width, *lines)
        )

    def _arrow_options(
        self, names: Sequence[str]
    ) -> tuple[arrow_csv.ReadOptions, arrow_csv.ParseOptions, arrow_csv.ConvertOptions]:
        layout = self.layout
        return (
            arrow_csv.ReadOptions(
                column_names=layout.names, block_size=max(_BLOCK_BYTES, 8 * layout.longest_line)
            ),
            arrow_csv.ParseOptions(
                # pyarrow needs a separator even for one column. Texts have no such character.
                delimiter=layout.separator or "\x1f",
                quote_char=layout.quoting.quote,
                double_quote=layout.quoting.escape is None,
                escape_char=layout.quoting.escape or False,
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
        is_comment = _is_comment([line])
        self.n_comments += is_comment
        self.n_ragged += not is_comment
        return "skip"

    def _split_lines(self, names: Sequence[str], limit: int | None) -> Iterator[pa.RecordBatch]:
        """Yield batches of a table with the csv module.

        pyarrow separates cells by a single character only, does not skip the spaces before a quote,
        and does not read short lines.
        """
        width = len(self.layout.names)
        stream = self._open(limit)
        with io.TextIOWrapper(stream, "utf-8", newline="") as lines:
            reader = csv_reader(lines, self.layout.separator, self.layout.quoting)
            records = filter(None, reader)
            while chunk := list(islice(records, _CHUNK_ROWS)):
                rows = [self._complete(cells) for cells in chunk]
                self.n_filled += sum(len(a) > len(b) for a, b in zip(rows, chunk, strict=True))
                for cells in rows:
                    if len(cells) != width:
                        self._skip(cells[0])
                columns = zip(*(cells for cells in rows if len(cells) == width), strict=True)
                columns_by_name = dict(zip(self.layout.names, columns, strict=False))
                if columns_by_name:
                    arrays = [pa.array(columns_by_name[name], pa.string()) for name in names]
                    yield pa.record_batch(arrays, list(names))
            self._count_omitted(stream.raw)

    def _count_omitted(self, stream: TableRowStream) -> None:
        self.n_blank, self.n_headers = stream.n_blank, stream.n_headers
        self.n_comments += stream.n_notes


def row_notes(n_comments: int, n_headers: int, n_filled: int = 0, n_blank: int = 0) -> list[str]:
    """Return a short phrase for each kind of line that was skipped or filled."""
    counts = {
        "skipped {:,} comment line": n_comments,
        "filled {:,} short line": n_filled,
        "left out {:,} empty line": n_blank,
        "left out {:,} repeated header": n_headers,
    }
    return [text.format(n) + "s" * (n > 1) for text, n in counts.items() if n]


def _is_comment(cells: Sequence[str]) -> bool:
    return cells[0].lstrip().startswith("#")
