"""Conversion of string columns to numbers, booleans, dates or text, based on all cells."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from latentmap.data.cell_formats import (
    BOOLEANS,
    COORDINATES,
    MISSING,
    VECTORS,
    CellFormat,
    accounting_format,
    find_unit,
    magnitude_format,
    marked_formats,
    matching_cells,
    may_have_format,
    number_formats,
    with_unit,
)
from latentmap.data.date_formats import COMPACT_DATE, date_formats
from latentmap.data.invalid_cells import (
    InvalidCells,
    describe_invalid_cells,
    find_invalid_cells,
    find_invalid_numbers,
)

_SAMPLE_CELLS = 200
# Minimum share of the sample that a format must fit before it is tried on the whole column.
_SAMPLE_SHARE = 0.9
_MIN_COMPACT_DATES = 3
TEXT_ROLES = ("category", "text", "identifier")
_KINDS_OF_ROLES = {
    "number": ("number", "integer"),
    "integer": ("integer", "number"),
    "boolean": ("boolean", "integer"),
    "date": ("date",),
}
_CODE_WITH_E = r"^\d+[eE]\d+$"
TrialOrder = tuple[str, bool | None]  # Decimal separators, and whether the day comes first.


@dataclass(frozen=True)
class ParsedColumn:
    """Values of a column, converted to the type of its cells, and how they were read.

    ``boolean_strings`` are the strings for false and true in a column of Booleans. ``date_orders``
    are the orders, "day first" or "month first", in which all cells are dates; the values were read
    in the first one. ``note`` describes the format of the cells to the user. ``invalid`` holds the
    cells that do not have the type of the other cells or of the column's role.
    """

    values: pa.Array
    unit: str | None = None
    decimal: str | None = None
    boolean_strings: tuple[str, str] | None = None
    date_orders: tuple[str, ...] = ()
    note: str | None = None
    invalid: InvalidCells | None = None


def parse_column(
    values: pa.ChunkedArray | pa.Array,
    *,
    decimal: str | None = None,
    missing: Iterable[str] = (),
    role: str | None = None,
    day_first: bool | None = None,
) -> ParsedColumn:
    """Convert a column of strings to integers, numbers, booleans, dates, times or trimmed strings.

    Parameters
    ----------
    values : pyarrow array of strings
    decimal : str, optional
        Decimal separator, or two in the order in which they are tried. The default is ``".,"``.
    missing : iterable of str
        Strings that mark a missing value, in addition to `MISSING`.
    role : str, optional
        Role of the column, one of `latentmap.data.table_options.ROLES`.
    day_first : bool, optional
        Whether the day comes first in dates that both orders fit.

    Returns
    -------
    ParsedColumn
        Its values have the type int64, float64, bool, date32, timestamp or string, or null if all
        values are missing.

    Examples
    --------
    >>> parse_column(pa.array(["1.234,5 €", "-", "12,0 €"])).values.to_pylist()
    [1234.5, None, 12.0]
    """
    cells = clean_cells(values, missing)
    order = (decimal or ".,", day_first)
    if cells.null_count == len(cells):
        return ParsedColumn(pa.nulls(len(cells)))
    if role in TEXT_ROLES:
        return ParsedColumn(cells)
    if role == "label":
        return _parse_labels(cells, order)
    if role in _KINDS_OF_ROLES:
        return _parse_as(cells, _KINDS_OF_ROLES[role], order)
    return _parse(cells, order)


def clean_cells(values: pa.ChunkedArray | pa.Array, missing: Iterable[str] = ()) -> pa.Array:
    """Strip spaces from cells, and replace cells that mark missing values by null."""
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    cells = pc.utf8_trim_whitespace(values)
    is_missing = pc.is_in(cells, _missing_strings(frozenset(missing), cells.type))
    if pc.any(pc.equal(cells, "+")).as_py():  # The strands of genes are + and -.
        is_missing = pc.and_(is_missing, pc.not_equal(cells, "-"))
    return pc.if_else(is_missing, pa.scalar(None, cells.type), cells)


@functools.lru_cache(maxsize=8)
def _missing_strings(missing: frozenset[str], dtype: pa.DataType) -> pa.Array:
    """Return the strings that mark a missing value, `MISSING` and given ones."""
    return pa.array(sorted(MISSING.union(missing)), dtype)


def _parse(cells: pa.Array, order: TrialOrder) -> ParsedColumn:
    nearest: InvalidCells | None = None
    for candidate in matching_formats(cells, *order):
        is_match = candidate.match(cells)
        if pc.all(is_match).as_py():
            parsed = convert_column(cells, candidate)
            if parsed is not None:
                return replace(parsed, date_orders=_date_orders(cells, candidate, order))
        elif nearest is None:
            nearest = find_invalid_cells(cells, is_match, candidate.kind)
    return ParsedColumn(
        cells, invalid=nearest or find_invalid_numbers(cells, _sample(cells).to_pylist(), order[0])
    )


def _parse_labels(cells: pa.Array, order: TrialOrder) -> ParsedColumn:
    """Convert labels that are plain numbers; others, such as 1.5 %, dates or 1e5, stay as written.

    Programs write the exponent of a number with a sign. Without it, the label is a code.
    """
    parsed = _parse(cells, order)
    if pc.any(pc.match_substring_regex(cells, _CODE_WITH_E)).as_py():
        return ParsedColumn(cells)
    if parsed.note:
        parsed = _parse_as(cells, ("integer",), order)
    if parsed.note:
        return ParsedColumn(cells)
    is_number = pa.types.is_integer(parsed.values.type) or pa.types.is_floating(parsed.values.type)
    return parsed if is_number and parsed.unit is None else ParsedColumn(cells)


def _parse_as(cells: pa.Array, kinds: tuple[str, ...], order: TrialOrder) -> ParsedColumn:
    """Convert a column with the format that fits most cells, among formats of the given kinds."""
    unit = find_unit(_sample(cells).to_pylist())
    formats = [f for f in candidate_formats(order[0], unit, order[1]) if f.kind in kinds]
    counts = [pc.sum(f.match(cells)).as_py() for f in formats]
    for candidate, count in zip(formats, counts, strict=True):
        parsed = convert_column(cells, candidate) if count == pc.count(cells).as_py() else None
        if parsed is not None:
            return replace(parsed, date_orders=_date_orders(cells, candidate, order))
    best = formats[counts.index(max(counts))] if counts else BOOLEANS[0]
    invalid = describe_invalid_cells(cells, pc.invert(best.match(cells)), kinds[0])
    return ParsedColumn(cells, invalid=invalid)


@functools.cache
def candidate_formats(
    decimals: str, unit: str | None, day_first: bool | None = None
) -> tuple[CellFormat, ...]:
    """Return formats in the order in which they are tried.

    ``decimals`` holds the possible decimal separators. ``day_first`` is the order that is tried
    first for dates of numbers. If it is None, the day comes first in dates with points or hyphens,
    and in dates with slashes if the first decimal separator is a comma.
    """
    plain = [f for decimal in decimals for f in number_formats(decimal)]
    grouped_numbers = [f for decimal in decimals for f in [*number_formats(decimal)][-2:]]
    magnitudes = [magnitude_format(number) for number in grouped_numbers[1::2]]
    if unit is not None:
        coordinates = [COORDINATES] if unit.startswith("°") else []
        return (*coordinates, *(with_unit(number, unit) for number in plain), *magnitudes)
    numbers = [*plain, *(accounting_format(number) for number in plain if number.decimal)]
    numbers += [marked for number in grouped_numbers for marked in marked_formats(number)]
    numbers += magnitudes
    orders = (day_first, day_first) if day_first is not None else (True, decimals[0] == ",")
    return (COMPACT_DATE, *numbers, *BOOLEANS, *date_formats(*orders), VECTORS, COORDINATES)


def matching_formats(
    cells: pa.Array, decimals: str, day_first: bool | None = None
) -> Iterator[CellFormat]:
    """Yield the formats that fit a sample of the column, in the order in which they are tried.

    If a format fits the whole sample, only other formats of numbers or of dates follow. Fewer than
    three whole numbers are not read as dates.
    """
    strings = _sample(cells).to_pylist()
    if not may_have_format([*strings[:10], *strings[:: max(1, len(strings) // 10)]]):
        return
    complete_kinds: set[str] = set()
    dates = []
    for cell_format in candidate_formats(decimals, find_unit(strings), day_first):
        kind = cell_format.kind.replace("integer", "number")
        if complete_kinds - {kind}:
            return
        n_matched = cell_format.count(strings)
        if cell_format is COMPACT_DATE:
            if n_matched == len(strings) >= _MIN_COMPACT_DATES:
                yield cell_format
            continue
        if cell_format.usual_pattern and not _has_usual_cells(strings, cell_format):
            continue
        if n_matched >= _SAMPLE_SHARE * len(strings):
            yield cell_format
        if n_matched == len(strings):
            complete_kinds.add(kind)
        if n_matched and cell_format.type in (pa.date32(), pa.timestamp("us")):
            dates.append(cell_format)
    if not complete_kinds and dates:
        yield from _combined_dates(strings, dates)


def _has_usual_cells(cells: list[str], cell_format: CellFormat) -> bool:
    """Return whether half of the cells, and enough different ones, match ``usual_pattern``."""
    usual_cells = matching_cells(cells, cell_format.usual_pattern or cell_format.pattern)
    n_different = len(set(usual_cells))
    return 2 * len(usual_cells) >= len(cells) and n_different >= cell_format.min_usual


def _combined_dates(cells: list[str], formats: list[CellFormat]) -> Iterator[CellFormat]:
    """Yield a format of cells with several formats of dates, if together they fit the sample.

    Dates of numbers are all in the order of day and month of the first format that has one.
    """
    order = next((f.date_order for f in formats if f.date_order), None)
    formats = [f for f in formats if f.date_order in (None, order)]
    for types in ([pa.date32()], [pa.date32(), pa.timestamp("us")]):
        parts = tuple(f for f in formats if f.type in types)
        pattern = "|".join(part.pattern for part in parts) or "x"
        dates = CellFormat("date", pattern, types[-1], parse=functools.partial(_parse_any, parts))
        if dates.count(cells) == len(cells):
            yield dates


def _parse_any(formats: tuple[CellFormat, ...], cells: pa.Array) -> pa.Array:
    """Convert each cell by the first format that fits it; raise ArrowInvalid for 31 February."""
    values = pa.nulls(len(cells), pa.timestamp("us"))
    for cell_format in formats:
        is_match = cell_format.match(cells)
        converted = cell_format.convert(pc.if_else(is_match, cells, pa.scalar(None, cells.type)))
        if converted is None:
            raise pa.ArrowInvalid("a date does not exist")
        values = pc.coalesce(values, converted.cast(values.type))
    return values


def fitting_decimal(cells: pa.Array) -> str | None:
    """Return the decimal separator of a column of numbers, or None if no number has one.

    The result is ``"?"`` for numbers such as 1,234, whose comma can be a decimal or a thousands
    separator.
    """
    formats = [f for f in matching_formats(cells, ".,") if f.match_all(cells)]
    decimals = {f.decimal for f in formats}
    if None in decimals or not decimals:
        return None
    if len(decimals) == 1:
        return decimals.pop()
    is_ambiguous = pc.any(pc.match_substring_regex(cells, "[.,]")).as_py()
    return "?" if is_ambiguous and formats[0].kind == "integer" else None


def convert_column(cells: pa.Array, cell_format: CellFormat) -> ParsedColumn | None:
    """Convert a column whose cells all match a format, or return None for impossible dates."""
    values = cell_format.convert(cells)
    if values is None:
        return None
    strings, known_cells = cell_format.boolean_strings, cells.drop_null()
    boolean_strings = _match_case(strings, known_cells) if strings and len(known_cells) else None
    return ParsedColumn(
        values, cell_format.unit, cell_format.decimal, boolean_strings, note=cell_format.note
    )


def _date_orders(cells: pa.Array, cell_format: CellFormat, order: TrialOrder) -> tuple[str, ...]:
    """Return the orders of day and month that fit all cells, that of ``cell_format`` first."""
    if cell_format.date_order is None:
        return ()
    formats = [f for f in matching_formats(cells, *order) if f.date_order and f.match_all(cells)]
    orders = [f.date_order for f in formats if f.date_order and f.type == cell_format.type]
    return tuple(dict.fromkeys([cell_format.date_order, *orders]))


def _sample(cells: pa.Array) -> pa.Array:
    """Return cells that are not missing, evenly spaced over the column."""
    known_cells = cells.drop_null()
    count = min(len(known_cells), _SAMPLE_CELLS)
    return known_cells.take(pa.array(np.linspace(0, len(known_cells) - 1, count).astype(np.int64)))


def _match_case(strings: tuple[str, str], cells: pa.Array) -> tuple[str, str]:
    """Return the strings of false and true in the case of the cells: upper, title or lower."""
    false, true = strings
    first = cells[0].as_py()
    if first.isupper():
        return false.upper(), true.upper()
    return (false.title(), true.title()) if first.istitle() else strings
