"""The result of reading a text table: typed columns, and notes on how the file was read."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from latentmap.data.column_parsing import ParsedColumn
from latentmap.data.csv_layout import TableLayout
from latentmap.data.table_options import TableOptions
from latentmap.data.table_problems import raise_problems
from latentmap.data.tables import TableSchema, typed_schema
from latentmap.data.text_files import UTF8

_TOTALS = re.compile(
    r"(?:grand |sub)?(?:totals?|sum|summe|gesamt|insgesamt|totale|suma)[ :]*"
    r"|(?:average|mean|mittelwert)[ :]*",
    re.IGNORECASE,
)
_SEPARATOR_NAMES = {"\t": "tab", " ": "spaces", ";": "';'", "|": "'|'"}


class CsvTable(NamedTuple):
    """A typed table that was read from a file, and the properties of its columns."""

    table: pa.Table
    schema: TableSchema


def make_csv_table(
    layout: TableLayout,
    find_lines: Callable[[Sequence[int]], Mapping[int, int]],
    row_notes: Sequence[str],
    columns: Mapping[str, ParsedColumn],
    options: TableOptions,
    problems: Sequence[str],
) -> CsvTable:
    """Return the columns as a table, without unnamed columns that are empty or hold row numbers.

    ``find_lines`` returns the line of each row, and ``row_notes`` describe lines that were skipped
    or filled. Raise DataError if there are problems, or cells that do not have the role of their
    column.
    """
    invalid = {name: c.invalid for name, c in columns.items() if c.invalid is not None}
    lines = find_lines([cells.row for cells in invalid.values()]) if invalid else {}
    sentences = {name: cells.describe(name, lines[cells.row]) for name, cells in invalid.items()}
    problems = [*problems, *(text for name, text in sentences.items() if name in options.roles)]
    raise_problems(layout.name, problems)
    omitted_columns = _omitted_columns(layout, {n: c.values for n, c in columns.items()}, options)
    columns = {name: c for name, c in columns.items() if name not in omitted_columns}
    table = pa.table({name: column.values for name, column in columns.items()})
    schema = typed_schema(table.schema, columns, options)
    has_comma = any(column.decimal == "," for column in columns.values())
    layout_notes = _layout_notes(layout, has_comma, omitted_columns)
    schema = replace(
        schema,
        units={n: u for n, u in {**layout.units, **schema.units}.items() if n in columns},
        # The strings true and false become the Booleans of a data frame.
        boolean_strings={
            name: strings
            for name, strings in schema.boolean_strings.items()
            if strings[1].lower() != "true"
        },
        has_string_names=layout.header,
        notes=(*layout_notes, *omitted_columns.values(), *schema.notes, *row_notes),
        warnings=(*sentences.values(),),
    )
    return CsvTable(table, schema)


def warn_of_totals(
    table: CsvTable,
    last_cells: Mapping[str, str | None],
    read: Callable[[str], Iterable[pa.Array]],
    find_lines: Callable[[Sequence[int]], Mapping[int, int]],
) -> CsvTable:
    """Add a warning if the last row seems to hold the sums of the rows above it.

    ``last_cells`` are the cells of this row, and ``read`` yields the cells of a column in batches.
    """
    for name, cell in last_cells.items():
        if cell is None or not _TOTALS.fullmatch(cell.strip()):
            continue
        counts = [(len(cells), pc.sum(pc.equal(cells, cell)).as_py() or 0) for cells in read(name)]
        n_rows, n_equal = map(sum, zip(*counts, strict=True))
        if n_rows == 1 or n_equal > 1:
            continue
        warning = (
            f"line {find_lines([n_rows - 1])[n_rows - 1]:,}, column {name}: expected a row, found "
            f"{cell.strip()!r}, which may be the sum of the rows above; remove this line if it is"
        )
        schema = replace(table.schema, warnings=(*table.schema.warnings, warning))
        return table._replace(schema=schema)
    return table


def last_row(strings: pa.Table) -> dict[str, str | None]:
    """Return the last cell of each column of strings; the result is empty if there are no rows."""
    rows: list[dict[str, str | None]] = strings.slice(max(0, len(strings) - 1)).to_pylist()
    return rows[0] if rows else {}


def _omitted_columns(
    layout: TableLayout, columns: Mapping[str, pa.Array], options: TableOptions
) -> dict[str, str]:
    """Return the unnamed columns that are empty or hold row numbers, each with a note."""
    if not layout.header or len(columns) == 1:
        return {}
    requested_names = {*(options.columns or ()), *options.roles}
    notes = {}
    for name, values in columns.items():
        is_nameless = name in layout.empty_names or name == "Unnamed: 0"
        if is_nameless and name not in requested_names:
            if pa.types.is_null(values.type):
                notes[name] = f"left out {name} (empty)"
            elif is_row_counter(values):
                notes[name] = f"left out {name} (a row counter)"
    return notes


def is_row_counter(values: pa.Array) -> bool:
    """Return whether a column holds consecutive whole numbers from 0 or 1.

    Examples
    --------
    >>> is_row_counter(pa.array([1, 2, 3]))
    True
    """
    if not pa.types.is_integer(values.type) or values.null_count or values[0].as_py() not in (0, 1):
        return False
    steps = pc.subtract(values[1:], values[:-1])
    return pc.all(pc.equal(steps, 1)).as_py() is not False


def _layout_notes(
    layout: TableLayout, has_comma: bool, omitted_columns: Container[str]
) -> Iterator[str]:
    if layout.separator in _SEPARATOR_NAMES:
        yield f"separator {_SEPARATOR_NAMES[layout.separator]}"
    if has_comma:
        yield "decimal comma"
    if not layout.header:
        yield "no header"
    elif layout.has_numeric_header:
        yield "header of numbers"
    if layout.encoding not in UTF8:
        yield f"encoding {layout.encoding}"
    if layout.skipped_lines:
        yield f"skipped {layout.skipped_lines} line{'s' * (layout.skipped_lines > 1)} at the top"
    if layout.units:
        yield "units below the header"
    renamed_columns = [
        name for name in layout.renamed_columns if layout.header and name not in omitted_columns
    ]
    if renamed_columns:
        yield f"named {', '.join(renamed_columns[:5])}{', ...' * (len(renamed_columns) > 5)}"
