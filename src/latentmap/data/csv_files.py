"""Reading of text tables (CSV and TSV, also compressed) into typed columns.

`detect_layout` detects how the file is written, pyarrow splits it into cells, and
`parse_column` chooses the type of each column.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from lzma import LZMAError
from pathlib import Path
from typing import TypeVar

import pyarrow as pa

from latentmap.data.column_parsing import (
    ParsedColumn,
    clean_cells,
    fitting_decimal,
    parse_column,
)
from latentmap.data.csv_layout import CsvLayout, detect_layout
from latentmap.data.csv_results import CsvTable, make_csv_table
from latentmap.data.csv_rows import (
    RaggedRows,
    find_lines,
    find_ragged_line,
    read_strings,
)
from latentmap.data.parse_errors import as_file_error
from latentmap.data.table_options import TableOptions
from latentmap.data.table_problems import format_omitted_count, raise_problems, selected_columns

_T = TypeVar("_T")
# Number of columns that determine the decimal separator of a file.
_MAX_VOTES = 100
_8_BIT_ENCODINGS = ("cp1252", "latin-1")


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
    return try_encodings(Path(path), options or TableOptions(), _read_csv)


def try_encodings(
    path: Path, options: TableOptions, read: Callable[[Path, TableOptions], _T]
) -> _T:
    """Read a file in the encoding detected at its start, or else in an 8-bit encoding."""
    encodings = [options.encoding] if options.encoding else [None, *_8_BIT_ENCODINGS]
    with as_file_error(path.name, "text", pa.ArrowInvalid, UnicodeError, EOFError, LZMAError):
        for encoding in encodings[:-1]:
            try:
                return read(path, replace(options, encoding=encoding))
            except UnicodeError:
                continue
        return read(path, replace(options, encoding=encodings[-1]))


def _read_csv(path: Path, options: TableOptions) -> CsvTable:
    layout = detect_layout(path, options)
    indices, problems = selected_columns(layout.names, options)
    ragged = RaggedRows()
    strings = read_strings(layout, indices, ragged)
    problems += ragged_problems(layout, ragged)
    names = [layout.names[i] for i in indices]
    decimals = options.decimal or infer_decimal_separators(
        strings, layout.separator, options.missing
    )
    columns = parse_columns(strings, names, decimals, options)
    warnings = report_invalid(columns, options, problems, partial(find_lines, layout))
    raise_problems(layout.name, problems)
    return make_csv_table(layout, columns, decimals[0], options, ragged.n_comments, warnings)


def parse_columns(
    strings: pa.Table, names: Sequence[str], decimals: str, options: TableOptions
) -> dict[str, ParsedColumn]:
    """Parse string columns; ``decimals`` holds the decimal separators, the likelier one first."""

    def parse(index: int) -> ParsedColumn:
        return parse_column(
            strings.column(index),
            decimal=decimals,
            missing=options.missing,
            role=options.roles.get(names[index]),
        )

    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as threads:
        return dict(zip(names, threads.map(parse, range(len(names))), strict=True))


def infer_decimal_separators(
    strings: pa.Table | pa.RecordBatch, separator: str | None, missing: Sequence[str]
) -> str:
    """Return the two decimal separators, the more frequent one first.

    The comma in 1,234 can be a decimal or a thousands separator. If no other column decides, it is
    the decimal separator unless commas separate the cells.
    """
    columns = strings.columns[:: max(1, strings.num_columns // _MAX_VOTES)]
    votes = [fitting_decimal(clean_cells(column[:1000], missing)[0]) for column in columns]
    n_comma, n_point = votes.count(","), votes.count(".")
    if n_comma == n_point == 0 and "?" in votes and separator in (";", "\t"):
        n_comma = 1
    return ",." if n_comma > n_point else ".,"


def ragged_problems(layout: CsvLayout, ragged: RaggedRows) -> list[str]:
    """Return a sentence about the lines with a wrong number of cells, if there are any."""
    if not ragged.n_ragged:
        return []
    line, n_cells = find_ragged_line(layout)
    return [
        f"line {line:,}: expected {len(layout.names)} columns, found {n_cells}"
        f"{format_omitted_count(ragged.n_ragged - 1, 'line')}; "
        "another separator is set with --separator"
    ]


def report_invalid(
    columns: Mapping[str, ParsedColumn],
    options: TableOptions,
    problems: list[str],
    find_line_numbers: Callable[[Sequence[int]], Mapping[int, int]],
) -> list[str]:
    """Append problems of columns with a given role, and return warnings about other columns.

    ``find_line_numbers`` returns the line of each row.
    """
    invalid = {name: c.invalid for name, c in columns.items() if c.invalid is not None}
    if not invalid:
        return []
    lines = find_line_numbers([cells.row for cells in invalid.values()])
    warnings: list[str] = []
    for name, cells in invalid.items():
        sentence = cells.describe(name, lines[cells.row])
        (problems if name in options.roles else warnings).append(sentence)
    return warnings
