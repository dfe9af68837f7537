"""Search for the formats of the string columns of a table, in memory or in batches.

A table that is read in batches has the same types as if it were read into memory: the formats of a
column are taken from the first batch and then checked on all rows. A column whose format changes,
for example from integers to numbers, is checked again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import dropwhile
from typing import TypeAlias

import pyarrow as pa

from latentmap.data.cell_formats import CellFormat
from latentmap.data.column_parsing import (
    TEXT_ROLES,
    ParsedColumn,
    clean_cells,
    convert_column,
    fitting_decimal,
    matching_formats,
    parse_column,
)
from latentmap.data.invalid_cells import InvalidCells
from latentmap.data.table_options import TableOptions

Rows: TypeAlias = pa.Table | pa.RecordBatch
_MAX_VOTES = 100  # Number of columns that determine the decimal separator of a file.
_MIN_THREADED_ROWS = 1000  # With fewer rows, the start of threads takes longer than parsing.


def infer_decimals(strings: Rows, options: TableOptions, separator: str | None = None) -> str:
    """Return the decimal separators in the order in which they are tried: ",." or ".,".

    The comma in 1,234 can be a decimal or a thousands separator. If all numbers of the table are
    ambiguous in this way, the comma is the decimal separator if semicolons or tabs separate cells.
    """
    if options.decimal:
        return options.decimal
    names = [name for name in strings.schema.names if options.roles.get(name) not in TEXT_ROLES]
    columns = [strings.column(name) for name in names[:: max(1, len(names) // _MAX_VOTES)]]
    votes = [fitting_decimal(clean_cells(column[:1000], options.missing)) for column in columns]
    n_comma, n_point = votes.count(","), votes.count(".")
    if n_comma == n_point == 0 and "?" in votes and separator in (";", "\t"):
        n_comma = 1
    return ",." if n_comma > n_point else ".,"


def parse_columns(
    strings: pa.Table, decimals: str, options: TableOptions
) -> dict[str, ParsedColumn]:
    """Parse string columns; all cells of a column determine its format."""

    def parse(name: str, day_first: bool | None = options.day_first) -> ParsedColumn:
        return parse_column(
            strings.column(name),
            decimal=decimals,
            missing=options.missing,
            role=options.roles.get(name),
            day_first=day_first,
        )

    names = strings.column_names
    if strings.num_rows < _MIN_THREADED_ROWS:
        columns = {name: parse(name) for name in names}
    else:
        with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as threads:
            columns = dict(zip(names, threads.map(parse, names), strict=True))
    order = common_date_order(columns.values(), options)
    for name, column in columns.items():
        if order is not None and len(column.date_orders) > 1 and column.date_orders[0] != order:
            columns[name] = parse(name, order == "day first")
    return columns


def common_date_order(columns: Iterable[ParsedColumn], options: TableOptions) -> str | None:
    """Return the order of day and month of the columns whose dates fit one order, if all agree."""
    orders = {c.date_orders[0] for c in columns if len(c.date_orders) == 1}
    return orders.pop() if options.day_first is None and len(orders) == 1 else None


class FormatSearch:
    """Search for the format that all cells of a column have, batch by batch.

    ``formats`` lists the formats that fit all cells so far, the preferred one first. It is None as
    long as all cells are missing, and empty for a string column. ``last_cell`` is the last cell, or
    None if it is missing.
    """

    def __init__(self, role: str | None, options: TableOptions, decimals: str) -> None:
        self._role, self._options, self._decimals = role, options, decimals
        self.formats: list[CellFormat] | None = None
        self.invalid: InvalidCells | None = None
        self.last_cell: str | None = None

    def update(self, values: pa.Array, first_row: int) -> bool:
        """Check a batch, and return True if it changes how the earlier batches are read."""
        cells = clean_cells(values, self._options.missing)
        self.last_cell = cells[-1].as_py() if len(cells) else self.last_cell
        if cells.null_count == len(cells):
            return False
        if self.formats is None:
            column = self._parse_text(cells)
            formats = matching_formats(cells, self._decimals, self._options.day_first)
            dtype = column.values.type
            is_text = pa.types.is_string(dtype)
            # The role of a column may exclude the preferred formats, such as dates as yyyymmdd.
            self.formats = [] if is_text else list(dropwhile(lambda f: f.type != dtype, formats))
            self._set_invalid(column.invalid, first_row)
        if not self.formats:
            return False
        if _fits(self.formats[0], cells):
            if self.formats[0].date_order:  # Keep the other date order only if it fits as well.
                others = (f for f in self.formats[1:] if not f.date_order or _fits(f, cells))
                self.formats = [self.formats[0], *others]
            return False
        self.formats = [f for f in self.formats[1:] if _fits(f, cells)]
        if not self.formats:
            self._set_invalid(self._parse_text(cells).invalid, first_row)
        return bool(self.formats)

    def prefer(self, date_order: str | None) -> None:
        """Read the dates in a given order if both orders fit them."""
        if date_order is not None and len(self._date_orders) > 1:
            assert self.formats
            kind = self.formats[0].type
            self.formats.sort(key=lambda f: (f.type != kind, f.date_order != date_order))

    @property
    def _date_orders(self) -> tuple[str, ...]:
        if not self.formats or not self.formats[0].date_order:
            return ()
        kind = self.formats[0].type
        orders = [f.date_order for f in self.formats if f.date_order and f.type == kind]
        return tuple(dict.fromkeys(orders))

    def _parse_text(self, cells: pa.Array) -> ParsedColumn:
        return parse_column(
            cells,
            decimal=self._decimals,
            missing=self._options.missing,
            role=self._role,
            day_first=self._options.day_first,
        )

    def _set_invalid(self, invalid: InvalidCells | None, first_row: int) -> None:
        if invalid is not None:
            self.invalid = replace(invalid, row=invalid.row + first_row)

    def parse(self, values: pa.Array) -> ParsedColumn:
        """Convert a batch with the first of the formats that fit all cells."""
        cells = clean_cells(values, self._options.missing)
        if self.formats is None:
            column = ParsedColumn(pa.nulls(len(cells)))
        elif not self.formats:
            column = ParsedColumn(cells, invalid=self.invalid)
        else:
            column = convert_column(cells, self.formats[0]) or ParsedColumn(cells)
        return replace(column, date_orders=self._date_orders)


def _fits(cell_format: CellFormat, cells: pa.Array) -> bool:
    return cell_format.match_all(cells) and (
        cell_format.kind != "date" or cell_format.convert(cells) is not None
    )


def find_formats(
    read: Callable[[Sequence[str]], Iterable[Rows]],
    names: Sequence[str],
    options: TableOptions,
    separator: str | None = None,
) -> tuple[dict[str, FormatSearch], dict[str, ParsedColumn]]:
    """Find the formats of string columns that ``read(names)`` yields in batches.

    All rows are read once or several times. Return the searches, and the parsed columns of the
    first batch.
    """
    schema = pa.schema([(name, pa.string()) for name in names])
    first = next(iter(read(names)), None)
    first = schema.empty_table() if first is None else first
    decimals = infer_decimals(first, options, separator)
    searches = {name: FormatSearch(options.roles.get(name), options, decimals) for name in names}
    unread_names = list(names)
    while unread_names:
        unread_names = _update(searches, read(unread_names), unread_names)
    columns = {name: search.parse(first.column(name)) for name, search in searches.items()}
    order = common_date_order(columns.values(), options)
    for name, search in searches.items():
        search.prefer(order)
        if len(columns[name].date_orders) > 1:
            columns[name] = search.parse(first.column(name))
    return searches, columns


def _update(
    searches: Mapping[str, FormatSearch], batches: Iterable[Rows], names: Sequence[str]
) -> list[str]:
    """Update searches with all rows; return the names of the columns that must be read again."""
    changed_names: set[str] = set()
    row = 0
    for batch in batches:
        changed_names |= {n for n in names if searches[n].update(batch.column(n), row)}
        row += batch.num_rows
    return [name for name in names if name in changed_names]


def used_date_order(columns: Mapping[str, ParsedColumn]) -> bool | None:
    """Return whether the day comes first in all numeric dates; None if columns differ."""
    orders = {column.date_orders[0] for column in columns.values() if column.date_orders}
    return orders == {"day first"} if len(orders) == 1 else None


def date_notes(columns: Mapping[str, ParsedColumn]) -> tuple[str, ...]:
    """Return how the dates of a column were read if they have another meaning as well."""
    notes = {n: c.date_orders[0] if len(c.date_orders) > 1 else c.note for n, c in columns.items()}
    return tuple(f"{name}: {note}" for name, note in notes.items() if note)


def column_units(columns: Mapping[str, ParsedColumn]) -> dict[str, str]:
    """Return the units of the columns that have one."""
    return {name: column.unit for name, column in columns.items() if column.unit}


def boolean_strings(columns: Mapping[str, ParsedColumn]) -> dict[str, tuple[str, str]]:
    """Return the strings of false and true of the columns that have them."""
    return {n: column.boolean_strings for n, column in columns.items() if column.boolean_strings}
