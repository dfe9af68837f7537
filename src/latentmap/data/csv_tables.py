"""Read CSV files by pyarrow; the csv module then locates an invalid cell for the message."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from latentmap.data.array_checks import as_labels
from latentmap.data.columns import common_dtype, feature_columns
from latentmap.data.memory import check_memory
from latentmap.data.parse_errors import as_file_error
from latentmap.data.sources import ArraySource
from latentmap.errors import DataError, FileError

if TYPE_CHECKING:
    import pyarrow as pa

_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*")
# IndexError: the csv module and pyarrow may split a damaged line differently.
_CSV_ERRORS = (csv.Error, IndexError, UnicodeDecodeError)
_SAMPLE_BYTES = 2**16
_BYTES_PER_CELL = 16  # eight in the table of pyarrow, eight in the array


@dataclass(frozen=True)
class _Layout:
    """Delimiter and columns, read from the first line."""

    path: Path
    delimiter: str
    names: list[str]
    has_header: bool
    lines_to_skip: int

    @property
    def name(self) -> str:
        return self.path.name

    def column(self, index: int) -> str:
        return f"column {self.names[index]}"


def open_csv(path: Path, label: str | None = None) -> ArraySource:
    """Read a CSV file of numbers into memory, as int64 if every cell is a whole number.

    The first line is a header unless all its cells are numbers. Without a header, ``label`` is the
    number of the column, from 1. Cells are separated by comma, semicolon or tab. Raise DataError
    for a cell that is not a finite number, for a line with too many or too few cells, and if there
    are no rows; the message names line and column.
    """
    with as_file_error(path.name, "a CSV file in UTF-8", *_CSV_ERRORS):
        layout = _read_layout(path)
        features = feature_columns(layout.name, layout.names, label)
        _check_size(layout)
        table = _read_table(layout, None if label is None else layout.names.index(label))
        rows = _numbers(layout, table, features)
    return ArraySource(
        rows,
        feature_names=[layout.names[i] for i in features] if layout.has_header else None,
        labels=None
        if label is None
        else as_labels(table.column(layout.names.index(label)), path.name),
        name=layout.name,
    )


def _read_layout(path: Path) -> _Layout:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        first = next((line for line in stream if line.strip()), "")
    if not first:
        raise DataError(f"{path.name}: expected rows, found an empty file")
    delimiter = max(",;\t", key=first.count)
    for count, (_, cells) in enumerate(_records(path, delimiter), start=1):
        if cells:
            has_header = not all(_NUMBER.fullmatch(cell) for cell in cells)
            names = [str(i) for i in range(1, len(cells) + 1)]
            names = [" ".join(cell.split()) for cell in cells] if has_header else names
            return _Layout(path, delimiter, names, has_header, count if has_header else 0)
    raise DataError(f"{path.name}: expected rows, found an empty file")


def _records(path: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of the line on which each record starts, from 1, and its cells."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.reader(stream, delimiter=delimiter)
        line = 1
        for cells in reader:
            yield line, cells
            line = reader.line_num + 1


def _check_size(layout: _Layout) -> None:
    with layout.path.open("rb") as stream:
        sample = stream.read(_SAMPLE_BYTES)
    cells = sample.count(layout.delimiter.encode()) + sample.count(b"\n") + 1
    all_cells = cells * layout.path.stat().st_size // len(sample)
    check_memory(layout.name, all_cells * _BYTES_PER_CELL)


def _read_table(layout: _Layout, label: int | None) -> pa.Table:
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    keys = [str(i) for i in range(len(layout.names))]
    text = {} if label is None else {str(label): pa.string()}
    try:
        return arrow_csv.read_csv(
            layout.path,
            arrow_csv.ReadOptions(column_names=keys, skip_rows_after_names=layout.lines_to_skip),
            arrow_csv.ParseOptions(delimiter=layout.delimiter, newlines_in_values=True),
            # An empty cell raises an error instead of becoming a missing value.
            arrow_csv.ConvertOptions(null_values=[], column_types=text),
        )
    except pa.ArrowInvalid as error:
        _raise_ragged_line(layout, str(error))


def _numbers(layout: _Layout, table: pa.Table, features: list[int]) -> np.ndarray:
    if table.num_rows == 0:
        raise DataError(f"{layout.name}: expected at least one row, found only a header")
    columns = []
    for index in features:
        values = table.column(index).to_numpy()
        if values.dtype.kind == "b":
            values = values.astype(np.int64)
        if values.dtype.kind not in "if" or not np.isfinite(values).all():
            _raise_invalid_cell(layout, index)
        columns.append(values)
    dtype = common_dtype([column.dtype for column in columns])
    rows = np.empty((table.num_rows, len(features)), dtype)
    for j, column in enumerate(columns):
        rows[:, j] = column
    return rows


def _raise_ragged_line(layout: _Layout, reason: str) -> NoReturn:
    expected = len(layout.names)
    for line, cells in _records(layout.path, layout.delimiter):
        if cells and len(cells) != expected:
            raise DataError(
                f"{layout.name}, line {line}: expected {expected} columns, found {len(cells)}"
            )
    raise FileError(f"{layout.name}: cannot be read ({reason.splitlines()[0]})")


def _raise_invalid_cell(layout: _Layout, index: int) -> NoReturn:
    records = ((line, cells) for line, cells in _records(layout.path, layout.delimiter) if cells)
    if layout.has_header:
        next(records)
    invalid, n_numbers = None, 0
    for line, cells in records:
        if _NUMBER.fullmatch(cells[index]):
            n_numbers += 1
        elif invalid is None:
            invalid = (line, cells[index])
        if invalid and n_numbers:
            break
    if invalid is None:
        raise FileError(f"{layout.name}, {layout.column(index)}: cannot be read as numbers")
    line, cell = invalid
    text = repr(cell) if cell.strip() else "nothing"
    names_rows = not n_numbers and text != "nothing"
    hint = f" (if it names the rows, pass --label {layout.names[index]})" if names_rows else ""
    raise DataError(
        f"{layout.name}, line {line}, {layout.column(index)}: expected a number, found {text}{hint}"
    )
