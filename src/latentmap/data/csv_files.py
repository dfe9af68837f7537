"""Reading of text tables (CSV and TSV, also compressed) into typed columns.

`detect_layout` detects how the file is written, pyarrow splits it into cells, and
`latentmap.data.format_search` chooses the type of each column.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from lzma import LZMAError
from pathlib import Path
from typing import TypeVar

import pyarrow as pa

from latentmap.data.csv_layout import detect_layout
from latentmap.data.csv_results import CsvTable, last_row, make_csv_table, warn_of_totals
from latentmap.data.csv_rows import CsvRows
from latentmap.data.format_search import FormatSearch, find_formats, infer_decimals, parse_columns
from latentmap.data.parse_errors import as_file_error
from latentmap.data.table_options import TableOptions
from latentmap.data.table_problems import selected_columns
from latentmap.data.text_files import detect_legacy_encoding, open_bytes

_T = TypeVar("_T")


def read_csv(path: str | os.PathLike[str], options: TableOptions | None = None) -> CsvTable:
    """Read a text table into memory, with the types that its cells suggest.

    Parameters
    ----------
    path : path-like
        A .csv, .tsv or .txt file, also compressed as .gz, .bz2, .xz or .zst.
    options : TableOptions, optional
        How the file is written. Options that are None are detected.

    Returns
    -------
    CsvTable

    Raises
    ------
    DataError
        If there are no rows, lines with a wrong number of cells, unknown columns in the options, or
        cells that do not have the role of their column. The message lists all problems.
    FileError
        If the file is not text.
    TooLargeError
        If the table does not fit in memory; `stream_csv` reads it in batches.
    """
    return _try_encodings(path, options, _read_csv)


@dataclass(frozen=True)
class CsvStream:
    """The rows of a text table in batches; each iteration reads the file.

    ``description`` holds the first rows and notes on the file.
    """

    description: CsvTable
    _rows: CsvRows
    _searches: Mapping[str, FormatSearch]

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        schema = self.description.table.schema
        for batch in self._rows.batches(schema.names):
            columns = [self._searches[n].parse(batch.column(n)).values for n in schema.names]
            yield pa.record_batch(columns, schema)


def stream_csv(path: str | os.PathLike[str], options: TableOptions | None = None) -> CsvStream:
    """Open a text table of any size, with the types that all its cells suggest.

    The file is read completely once or several times to choose the types. Parameters and errors are
    those of `read_csv`, but the table may be larger than memory.
    """
    return _try_encodings(path, options, _stream_csv)


def _try_encodings(
    path: str | os.PathLike[str],
    options: TableOptions | None,
    read: Callable[[CsvRows, TableOptions], _T],
) -> _T:
    """Read a file in the encoding detected at its start, or else in that of all its lines."""
    path, options = Path(path), options or TableOptions()

    def read_as(encoding: str | None) -> _T:
        layout = detect_layout(path, replace(options, encoding=encoding))
        names = () if layout.header else layout.names
        return read(CsvRows(layout), options.with_numbered_names(names))

    with as_file_error(path.name, "text", pa.ArrowInvalid, UnicodeError, EOFError, LZMAError):
        if options.encoding:
            return read_as(options.encoding)
        with contextlib.suppress(UnicodeError):
            return read_as(None)
        with contextlib.suppress(UnicodeError), open_bytes(path) as lines:
            return read_as(detect_legacy_encoding(lines))
        return read_as("latin-1")


def _read_csv(rows: CsvRows, options: TableOptions) -> CsvTable:
    names, problems = selected_columns(rows.layout.names, options)
    strings = rows.read(names)
    if rows.n_ragged and rows.fill_short_lines():
        strings = rows.read(names)
    problems += rows.ragged_problems()
    decimals = infer_decimals(strings, options, rows.layout.separator)
    columns = parse_columns(strings, decimals, options)
    source = (rows.layout, rows.find_lines, rows.notes())
    table = make_csv_table(*source, columns, options, problems)
    cells = last_row(strings), lambda name: [strings.column(name)]
    return warn_of_totals(table, *cells, rows.find_lines)


def _stream_csv(rows: CsvRows, options: TableOptions) -> CsvStream:
    names, problems = selected_columns(rows.layout.names, options)
    formats = find_formats(rows.batches, names, options, rows.layout.separator)
    if rows.n_ragged and rows.fill_short_lines():
        formats = find_formats(rows.batches, names, options, rows.layout.separator)
    searches, columns = formats
    problems += rows.ragged_problems()
    source = (rows.layout, rows.find_lines, rows.notes())
    table = make_csv_table(*source, columns, options, problems)
    last_cells = {name: search.last_cell for name, search in searches.items()}
    cells = last_cells, lambda name: (batch.column(0) for batch in rows.batches([name]))
    table = warn_of_totals(table, *cells, rows.find_lines)
    return CsvStream(table, rows, searches)
