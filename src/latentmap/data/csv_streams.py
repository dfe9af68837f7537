"""Text tables larger than memory, in typed batches.

The formats of columns are taken from the first batch and then checked on all rows. A column whose
format changes, for example from integers to numbers, is checked again. A table thus has the same
types as if it were read into memory.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pyarrow as pa

from latentmap.data.cell_formats import CellFormat
from latentmap.data.column_parsing import (
    InvalidCells,
    ParsedColumn,
    clean_cells,
    convert_column,
    matching_formats,
    parse_column,
)
from latentmap.data.csv_files import (
    infer_decimal_separators,
    ragged_problems,
    report_invalid,
    try_encodings,
)
from latentmap.data.csv_layout import CsvLayout, detect_layout
from latentmap.data.csv_results import CsvTable, make_csv_table
from latentmap.data.csv_rows import RaggedRows, find_lines, stream_strings
from latentmap.data.table_options import TableOptions
from latentmap.data.table_problems import raise_problems, selected_columns


class FormatSearch:
    """Search for the format that all cells of a column have, batch by batch.

    ``formats`` is None as long as all cells are missing, and empty for a string column.
    """

    def __init__(self, role: str | None, options: TableOptions, decimals: str) -> None:
        self._role, self._missing_option, self._decimals = role, options.missing, decimals
        self.formats: list[CellFormat] | None = None
        self.invalid: InvalidCells | None = None
        self._missing: frozenset[str] = frozenset()

    def update(self, values: pa.Array, first_row: int) -> bool:
        """Check a batch, and return True if it changes how the earlier batches are read."""
        cells, missing = clean_cells(values, self._missing_option)
        self._missing |= missing
        if cells.null_count == len(cells):
            return False
        if self.formats is None:
            column = self._parse_text(cells)
            is_text = pa.types.is_string(column.values.type)
            self.formats = [] if is_text else list(matching_formats(cells, self._decimals))
            if column.invalid is not None:
                self._set_invalid(column.invalid, first_row)
        if not self.formats or _fits(self.formats[0], cells):
            return False
        self.formats = [f for f in self.formats[1:] if _fits(f, cells)]
        if not self.formats:
            self._set_invalid(self._parse_text(cells).invalid, first_row)
        return bool(self.formats)

    def _parse_text(self, cells: pa.Array) -> ParsedColumn:
        return parse_column(
            cells, decimal=self._decimals, missing=self._missing_option, role=self._role
        )

    def _set_invalid(self, invalid: InvalidCells | None, first_row: int) -> None:
        if invalid is not None:
            self.invalid = replace(invalid, row=invalid.row + first_row)

    def parse(self, values: pa.Array) -> ParsedColumn:
        """Convert a batch with the format that was found."""
        cells, _ = clean_cells(values, self._missing_option)
        if self.formats is None:
            column = ParsedColumn(pa.nulls(len(cells)))
        elif not self.formats:
            column = ParsedColumn(cells, invalid=self.invalid)
        else:
            column = convert_column(cells, self.formats[0]) or ParsedColumn(cells)
        return replace(column, missing=self._missing)


def _fits(cell_format: CellFormat, cells: pa.Array) -> bool:
    return cell_format.match_all(cells) and (
        cell_format.kind != "date" or cell_format.convert(cells) is not None
    )


@dataclass(frozen=True)
class CsvStream:
    """The rows of a text table in batches; each iteration reads the file.

    ``description`` holds the first rows and notes on the file. ``n_rows`` is the number of rows.
    """

    description: CsvTable
    n_rows: int
    _layout: CsvLayout
    _searches: Mapping[int, FormatSearch]

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        schema = self.description.table.schema
        indices = {self._layout.names.index(name): name for name in schema.names}
        for batch in stream_strings(self._layout, list(indices), RaggedRows()):
            columns = [self._searches[i].parse(batch.column(str(i))).values for i in indices]
            yield pa.record_batch(columns, schema)


def stream_csv(path: str | os.PathLike[str], options: TableOptions | None = None) -> CsvStream:
    """Open a text table of any size, with the types that all its cells suggest.

    The file is read completely once or several times to choose the types. Parameters and errors are
    those of `latentmap.data.csv_files.read_csv`, but the table may be larger than memory.
    """
    return try_encodings(Path(path), options or TableOptions(), _stream_csv)


def _stream_csv(path: Path, options: TableOptions) -> CsvStream:
    layout = detect_layout(path, options)
    indices, problems = selected_columns(layout.names, options)
    first = next(stream_strings(layout, indices, RaggedRows()), None)
    decimals = options.decimal or ".,"
    if first is not None and not options.decimal:
        decimals = infer_decimal_separators(first, layout.separator, options.missing)
    searches = {
        i: FormatSearch(options.roles.get(layout.names[i]), options, decimals) for i in indices
    }
    ragged = RaggedRows()
    n_rows = _search_formats(layout, searches, ragged)
    problems += ragged_problems(layout, ragged)
    columns = {
        layout.names[i]: search.parse(pa.array([], pa.string()) if first is None else first[str(i)])
        for i, search in searches.items()
    }
    warnings = report_invalid(columns, options, problems, partial(find_lines, layout))
    raise_problems(layout.name, problems)
    result = make_csv_table(layout, columns, decimals[0], options, ragged.n_comments, warnings)
    return CsvStream(result, n_rows, layout, searches)


def _search_formats(
    layout: CsvLayout, searches: Mapping[int, FormatSearch], ragged: RaggedRows
) -> int:
    """Update the searches until each format fits all rows; return the number of rows."""
    n_rows = _check_formats(layout, pending_searches := dict(searches), ragged)
    while pending_searches:
        _check_formats(layout, pending_searches, RaggedRows())
    return n_rows


def _check_formats(
    layout: CsvLayout, pending_searches: dict[int, FormatSearch], ragged: RaggedRows
) -> int:
    """Read all rows once; keep the searches that must be repeated in ``pending``."""
    repeated_indices: set[int] = set()
    row = 0
    for batch in stream_strings(layout, list(pending_searches), ragged):
        for i, search in pending_searches.items():
            if search.update(batch.column(str(i)), row):
                repeated_indices.add(i)
        row += batch.num_rows
    for i in pending_searches.keys() - repeated_indices:
        del pending_searches[i]
    return row
