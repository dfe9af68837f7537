"""Excel files as typed columns, read by python-calamine (the extra ``excel``).

Excel stores a type for each cell and not for each column, and many sheets hold numbers as strings.
Cells are therefore converted to strings, and columns get their types as in text tables.
"""

from __future__ import annotations

import datetime
import os
import zipfile
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING
from xml.parsers.expat import ExpatError

import pyarrow as pa

from latentmap.data.csv_layout import table_layout
from latentmap.data.csv_results import CsvTable, last_row, make_csv_table, warn_of_totals
from latentmap.data.csv_rows import row_notes
from latentmap.data.csv_separators import Record
from latentmap.data.excel_size import count_cells
from latentmap.data.file_suffixes import split_sheet
from latentmap.data.format_search import infer_decimals, parse_columns
from latentmap.data.frame_batches import format_duration
from latentmap.data.memory import check_memory
from latentmap.data.parse_errors import ZIP_ERRORS, as_file_error
from latentmap.data.table_notes import count_rows
from latentmap.data.table_options import TableOptions
from latentmap.data.table_problems import selected_columns
from latentmap.errors import FileError, UnknownNameError

if TYPE_CHECKING:
    from python_calamine import CalamineWorkbook

# Memory of the Python objects of cells, for each byte of XML.
_MEMORY_PER_BYTE = 8
# Memory of an empty cell: its value in python-calamine, and two references to it.
_MEMORY_PER_CELL = 48
# Largest factor by which a member is compressed, as in Apache POI. That of cells is 8 to 18.
_MAX_COMPRESSION = 100
_ALWAYS_READ_BYTES = 100_000_000  # Size of XML up to which its compression is not limited.
_SAMPLE_ROWS = 200


def read_excel(path: str | os.PathLike[str], options: TableOptions | None = None) -> CsvTable:
    """Read a sheet of an Excel file into memory.

    Parameters
    ----------
    path : path-like
        A .xlsx file, whose first sheet is read, or ``"file.xlsx:Sheet name"``.
    options : TableOptions, optional
        Options that are None are detected. ``separator`` and ``encoding`` have no effect.

    Returns
    -------
    CsvTable

    Raises
    ------
    DataError
        As `latentmap.data.csv_files.read_csv`.
    FileError
        If the file is not an Excel file, or python-calamine is not installed.
    UnknownNameError
        If there is no sheet with this name.
    """
    file, sheet = split_sheet(path)
    options = options or TableOptions()
    name = file.name if sheet is None else f"{file.name}:{sheet}"
    workbook = _open_workbook(file)
    sheet_note = []
    if sheet is None:
        sheet = workbook.sheet_names[0]
        sheet_note = [f"sheet {sheet!r}"] if len(workbook.sheet_names) > 1 else []
    elif sheet not in workbook.sheet_names:
        raise UnknownNameError("sheet", sheet, workbook.sheet_names)
    with _reading_excel(file.name):
        cells = workbook.get_sheet_by_name(sheet).to_python()
    rows = [list(map(_as_text, row)) for row in cells]
    return _read_rows(name, rows, sheet_note, options)


def _open_workbook(path: Path) -> CalamineWorkbook:
    try:
        from python_calamine import CalamineWorkbook
    except ImportError:
        raise FileError(
            f"{path.name}: python-calamine is not installed; run pip install latentmap[excel]"
        ) from None
    with _reading_excel(path.name):
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
            check_memory(path.name, size * _MEMORY_PER_BYTE)
            _check_compression(path.name, archive)
            check_memory(path.name, count_cells(archive) * _MEMORY_PER_CELL)
        workbook = CalamineWorkbook.from_path(str(path))
    if not workbook.sheet_names:
        raise FileError(f"{path.name}: expected an Excel file with a sheet, found none")
    return workbook


def _check_compression(name: str, archive: zipfile.ZipFile) -> None:
    """Raise FileError if reading a small file would take minutes, because it is mostly spaces."""
    for member in archive.infolist():
        is_large = member.file_size > _ALWAYS_READ_BYTES
        if is_large and member.file_size > _MAX_COMPRESSION * member.compress_size:
            raise FileError(
                f"{name}: {member.filename!r} has {member.file_size / 1e6:,.0f} MB, which is more "
                f"than {_MAX_COMPRESSION} times its compressed size, so that the file is mostly "
                "repetitions; save the sheet again with a spreadsheet program, or as .csv"
            )


def _reading_excel(name: str) -> AbstractContextManager[None]:
    """Convert the errors of zipfile and python-calamine to FileError."""
    from python_calamine import CalamineError, PasswordError, XmlError, ZipError

    errors = (CalamineError, PasswordError, XmlError, ZipError, ExpatError, *ZIP_ERRORS)
    return as_file_error(name, "an Excel file", *errors)


def _as_text(value: object) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    if isinstance(value, datetime.timedelta):
        return format_duration(value)
    return str(value)


def _read_rows(
    name: str, rows: Sequence[list[str]], notes: Sequence[str], options: TableOptions
) -> CsvTable:
    n_rows = count_rows(rows, len(rows[0]) if rows else 0)
    all_records = [Record(i, i, cells) for i, cells in enumerate(rows, start=1)]
    layout = table_layout(name, all_records[:n_rows][:_SAMPLE_ROWS], options.header)
    records = [r for r in all_records if r.line >= layout.first_line and not r.is_blank]
    header = rows[layout.header_line - 1] if layout.header_line else None
    table = [r for r in records if r.line <= n_rows and r.cells != header]
    n_notes = sum(record.line > n_rows for record in records)
    notes = [*notes, *row_notes(n_notes, len(records) - n_notes - len(table))]
    options = options.with_numbered_names(() if layout.header else layout.names)
    names, problems = selected_columns(layout.names, options)
    indices = [layout.names.index(name) for name in names]
    strings = pa.table([pa.array([r.cells[i] for r in table], pa.string()) for i in indices], names)
    decimals = infer_decimals(strings, options)
    columns = parse_columns(strings, decimals, options)

    def find_lines(rows: Sequence[int]) -> dict[int, int]:
        return {row: table[row].line for row in rows}

    result = make_csv_table(layout, find_lines, notes, columns, options, problems)
    return warn_of_totals(result, last_row(strings), lambda n: [strings.column(n)], find_lines)
