"""Reading of text tables into string columns by pyarrow; ragged lines are reported."""

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
from latentmap.data.text_files import open_utf8

# Memory for each byte of a file: its strings in Arrow, and a copy of one column.
_MEMORY_PER_BYTE = 2
# Memory for each cell: the offset of a string in Arrow, and a value of eight bytes.
_MEMORY_PER_CELL = 12
_BLOCK_BYTES = 2**20
_CHUNK_ROWS = 10_000


class RaggedRows:
    """Handler for lines with a wrong number of cells: it skips comments, and counts other lines."""

    def __init__(self) -> None:
        self.n_comments = self.n_ragged = 0

    def __call__(self, row: arrow_csv.InvalidRow) -> str:
        """Return "skip", so that pyarrow reads the whole file and all problems are known."""
        if row.text.lstrip().startswith("#"):
            self.n_comments += 1
        else:
            self.n_ragged += 1
        return "skip"


def read_strings(layout: CsvLayout, columns: Sequence[int], ragged: RaggedRows) -> pa.Table:
    """Read columns as strings; raise TooLargeError if they do not fit in memory."""
    limit = _check_size(layout)
    if layout.separator == " ":
        batches = list(_split_by_spaces(layout, columns, ragged, limit))
        return pa.Table.from_batches(batches, _schema(columns))
    with _open_rows(layout, limit) as stream:
        return arrow_csv.read_csv(stream, *_arrow_options(layout, columns, ragged))


def stream_strings(
    layout: CsvLayout, columns: Sequence[int], ragged: RaggedRows
) -> Iterator[pa.RecordBatch]:
    """Yield batches of columns as strings."""
    if layout.separator == " ":
        yield from _split_by_spaces(layout, columns, ragged, None)
        return
    with _open_rows(layout, None) as stream:
        yield from arrow_csv.open_csv(stream, *_arrow_options(layout, columns, ragged))


def find_lines(layout: CsvLayout, rows: Sequence[int]) -> dict[int, int]:
    """Return the first lines of rows, in the counts of an editor and of `read_strings`."""
    lines: dict[int, int] = {}
    row = -1
    for line, cells in _records(layout):
        if len(cells) == len(layout.names):
            row += 1
            if row in rows:
                lines[row] = line
                if len(lines) == len(set(rows)):
                    break
    return lines


def find_ragged_line(layout: CsvLayout) -> tuple[int, int]:
    """Return the first line with a wrong number of cells, and its number of cells."""
    for line, cells in _records(layout):
        if len(cells) != len(layout.names) and not cells[0].lstrip().startswith("#"):
            return line, len(cells)
    return layout.first_line, 0


def _records(layout: CsvLayout) -> Iterator[tuple[int, list[str]]]:
    """Yield the first line and the cells of each record that is not blank."""
    with _open_lines(layout, None) as lines:
        reader = csv_reader(lines, layout.separator)
        line = 0
        try:
            for cells in reader:
                if cells:
                    yield layout.first_line + line, cells
                line = reader.line_num
        except csv.Error:
            return


def _check_size(layout: CsvLayout) -> int | None:
    """Check the memory for a table, and return the limit of the text of a compressed file."""
    factor = _MEMORY_PER_BYTE + _MEMORY_PER_CELL * layout.cells_per_byte
    if is_compressed(layout.path):
        n_available_bytes = available_bytes()
        return None if n_available_bytes is None else int(n_available_bytes / factor)
    check_memory(layout.name, int(layout.path.stat().st_size * factor))
    return None


def _open_rows(layout: CsvLayout, limit: int | None) -> IO[bytes]:
    stream = open_utf8(layout.path, layout.encoding, limit)
    stream.read(layout.offset)
    return stream


def _open_lines(layout: CsvLayout, limit: int | None) -> io.TextIOWrapper:
    return io.TextIOWrapper(_open_rows(layout, limit), "utf-8", newline="")


def _schema(columns: Sequence[int]) -> pa.Schema:
    return pa.schema([(str(i), pa.string()) for i in columns])


def _arrow_options(
    layout: CsvLayout, columns: Sequence[int], ragged: RaggedRows
) -> tuple[arrow_csv.ReadOptions, arrow_csv.ParseOptions, arrow_csv.ConvertOptions]:
    keys = [str(i) for i in range(len(layout.names))]
    block_size = max(_BLOCK_BYTES, 8 * layout.longest_line)
    return (
        arrow_csv.ReadOptions(column_names=keys, block_size=block_size),
        arrow_csv.ParseOptions(
            # A single column has no separator, so a character is used that text does not contain.
            delimiter=layout.separator or "\x1f",
            newlines_in_values=True,
            invalid_row_handler=ragged,
        ),
        arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(keys, pa.string()),
            include_columns=[str(i) for i in columns],
            strings_can_be_null=False,
            check_utf8=False,  # `open_utf8` checks the encoding.
        ),
    )


def _split_by_spaces(
    layout: CsvLayout, columns: Sequence[int], ragged: RaggedRows, limit: int | None
) -> Iterator[pa.RecordBatch]:
    """Yield batches of a table whose cells are separated by any number of spaces.

    pyarrow separates cells by a single character only.
    """
    width = len(layout.names)
    with _open_lines(layout, limit) as lines:
        reader = csv_reader(lines, " ")
        while chunk := list(islice(reader, _CHUNK_ROWS)):
            rows = [cells for cells in chunk if len(cells) == width]
            for cells in chunk:
                if cells and len(cells) != width:
                    n_comments = cells[0].startswith("#")
                    ragged.n_comments += n_comments
                    ragged.n_ragged += not n_comments
            if rows:
                cell_columns = list(zip(*rows, strict=True))
                yield pa.record_batch(
                    [pa.array(cell_columns[i], pa.string()) for i in columns], _schema(columns)
                )
