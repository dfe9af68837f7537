"""Formats of table cells: the patterns of numbers, booleans and dates, and their conversion.

No library detects thousands separators, percentages, currencies and the order of day and month.
Every format therefore consists of a regular expression, replacements that turn a matching string
into one that Arrow converts, and an Arrow type. Arrow applies them to whole columns.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

# Cells that mark a missing value.
MISSING = frozenset(
    {"", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NaT"}
    | {"null", "NULL", "None", "-", "?", ".", r"\N"}
    # Error values of Excel mark a missing value.
    | {"#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#NULL!"}
)
_DIGIT = re.compile(r"\d")
UNIT = r"(?:%|‰|US\$|[$€£¥₹₽₩₺₪]|(?:USD|EUR|GBP|CHF|JPY|CNY|INR|CAD|AUD|NZD|SEK|NOK|DKK|PLN|CZK)\b)"
_UNIT_OF_CELL = re.compile(rf"[+-]?\s?({UNIT})\s?[+-]?[\d.,]+.*|[+-]?[\d.,'\s]+?\s?({UNIT})")


@dataclass(frozen=True)
class CellFormat:
    """Format of table cells that contain values of one type.

    ``decimal`` is the decimal separator of a format that depends on it. ``date_order`` is "day
    first" or "month first" for dates that consist only of numbers.
    """

    kind: str
    pattern: str
    type: pa.DataType
    replacements: tuple[tuple[str, str], ...] = ()
    decimal: str | None = None
    unit: str | None = None
    strptime: str | None = None
    date_order: str | None = None

    def match(self, cells: pa.Array) -> pa.Array:
        """Return a mask of the cells that have this format; null stays null."""
        return pc.match_substring_regex(cells, f"^(?:{self.pattern})$")

    def match_all(self, cells: pa.Array) -> bool:
        """Return whether all cells that are not null have this format."""
        return pc.all(self.match(cells)).as_py() is not False

    def convert(self, cells: pa.Array) -> pa.Array | None:
        """Return the values of matching cells, or None for impossible values (31 February)."""
        for pattern, replacement in self.replacements:
            cells = pc.replace_substring_regex(cells, pattern, replacement)
        try:
            if self.strptime is not None:
                return pc.strptime(cells, format=self.strptime, unit="us").cast(self.type)
            return cells.cast(self.type)
        except pa.ArrowInvalid:
            return None


def find_unit(cells: Sequence[str]) -> str | None:
    """Return the unit of at least nine in ten cells, such as ``%`` or ``€``."""
    if not any(map(_cell_unit, cells[:3])):
        return None
    unit, count = Counter(map(_cell_unit, cells)).most_common(1)[0]
    return unit if count >= 0.9 * len(cells) else None


def _cell_unit(cell: str) -> str | None:
    match = _UNIT_OF_CELL.fullmatch(cell)
    return (match[1] or match[2]) if match else None


def may_have_format(cells: Sequence[str]) -> bool:
    """Return whether any cell contains a digit or is a Boolean, and so may have a format."""
    return any(cell.lower() in BOOLEAN_STRINGS or _DIGIT.search(cell) for cell in cells)


@functools.cache
def candidate_formats(
    decimals: str, unit: str | None, day_first: bool | None = None
) -> tuple[CellFormat, ...]:
    """Return formats in the order in which they are tried.

    ``decimals`` holds the possible decimal separators. ``day_first`` is the order that is tried
    first for dates of numbers. If it is None, the day comes first in dates with points or hyphens,
    and in dates with slashes if the first decimal separator is a comma.
    """
    numbers = [f for decimal in decimals for f in _number_formats(decimal)]
    if unit is not None:
        return tuple(_with_unit(number, unit) for number in numbers)
    numbers += [_accounting_format(number) for number in numbers if number.decimal]
    orders = (day_first, day_first) if day_first is not None else (True, decimals[0] == ",")
    return (*numbers, *BOOLEANS, *_date_formats(*orders))


def _number_formats(decimal: str) -> Iterator[CellFormat]:
    # A string with leading zeros, such as 007, is not a number. int64 can hold any 18 digits.
    integer_pattern = r"(?:0|[1-9]\d{0,17})"
    point = re.escape(decimal)
    group = r"[,'’ \x{A0}\x{202F}]" if decimal == "." else r"[.'’ \x{A0}\x{202F}]"
    grouped_integer = rf"(?:0|[1-9]\d{{0,2}}(?:{group}\d{{3}}){{1,5}}|[1-9]\d{{0,17}})"
    to_point = ((point, "."),) if decimal != "." else ()
    remove_plus = ((r"^\+", ""),)
    fraction = rf"(?:{point}\d*)?"
    mantissa = rf"(?:{integer_pattern}{fraction}|{point}\d+)"
    int64, float64 = pa.int64(), pa.float64()
    yield CellFormat("integer", rf"-?{integer_pattern}", int64)
    yield CellFormat("integer", rf"[+-]?{integer_pattern}", int64, remove_plus)
    yield CellFormat(
        "number", rf"[+-]?{mantissa}(?:[eE][+-]?\d{{1,3}})?", float64, to_point, decimal
    )
    ungroup = (*remove_plus, (group, ""))
    yield CellFormat("integer", rf"[+-]?{grouped_integer}", int64, ungroup, decimal)
    ungroup = (*ungroup, *to_point)
    yield CellFormat("number", rf"[+-]?{grouped_integer}{fraction}", float64, ungroup, decimal)


def _accounting_format(number: CellFormat) -> CellFormat:
    """Return the format with other signs of negative numbers: (1.5), 1.5- and a minus sign."""
    digits = number.pattern.removeprefix("[+-]?")
    pattern = rf"[+-]?{digits}|\({digits}\)|\x{{2212}}{digits}|{digits}-"
    signs = ((r"^\((.*)\)$", r"-\1"), (r"^\x{2212}", "-"), (r"^(.*)-$", r"-\1"))
    return replace(number, pattern=pattern, replacements=(*signs, *number.replacements))


def _with_unit(number: CellFormat, unit: str) -> CellFormat:
    unit_pattern = re.escape(unit)
    space = r"[ \x{A0}\x{202F}]?"
    digits = number.pattern.removeprefix("[+-]?").removeprefix("-?")
    pattern = rf"([+-]?){unit_pattern}{space}([+-]?{digits})|([+-]?{digits}){space}{unit_pattern}"
    remove_unit = (rf"^(?:{pattern})$", r"\1\2\3")
    return replace(
        number,
        pattern=pattern,
        replacements=(remove_unit, (r"^\+", ""), *number.replacements),
        unit=unit,
    )


BOOLEAN_PAIRS = (("true", "false"), ("yes", "no"), ("t", "f"))
BOOLEANS = tuple(
    CellFormat(
        "boolean",
        f"(?i:{true}|{false})",
        pa.bool_(),
        ((f"(?i)^{true}$", "true"), (f"(?i)^{false}$", "false")),
    )
    for true, false in BOOLEAN_PAIRS
)

BOOLEAN_STRINGS = frozenset(text for pair in BOOLEAN_PAIRS for text in pair)

_DAY, _MONTH = r"(0?[1-9]|[12]\d|3[01])", r"(0?[1-9]|1[0-2])"
_MONTH_NAME = r"(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?"
_PAD = ((r"^(\d+)-(\d)-", r"\1-0\2-"), (r"-(\d)( |$)", r"-0\1\2"), (r" (\d):", r" 0\1:"))
_CENTURY = ((r"^([0-6]\d)-", r"20\1-"), (r"^(\d\d)-", r"19\1-"))
_CLOCK = r"[T ]+(\d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?)"
_ZONE = r"(Z|[+-]\d{2}:?\d{2})"
_HALF_DAY = r" +(\d{1,2}:\d{2}(?::\d{2})?) ?([AaPp][Mm])"
_HALF_DAY_TEXT = "%Y-%m-%d %I:%M:%S %p"
_DATE_ORDERS = {r"\3-\2-\1": "day first", r"\3-\1-\2": "month first"}
_ADD_SECONDS = (r" (\d\d:\d\d) ", r" \1:00 ")


def _date_formats(day_first: bool, day_first_with_slash: bool) -> Iterator[CellFormat]:
    yield CellFormat("date", r"\d{4}-\d{2}-\d{2}", pa.date32())
    for pattern, iso, extra in _date_patterns(day_first, day_first_with_slash):
        order = _DATE_ORDERS.get(iso)
        for time_pattern, text, type_, strptime in [
            (pattern, iso, pa.date32(), None),
            (rf"{pattern}(?:{_CLOCK})?", rf"{iso} \4", pa.timestamp("us"), None),
            (rf"{pattern}{_CLOCK}{_ZONE}", rf"{iso} \4\5", pa.timestamp("us", "UTC"), None),
            (rf"{pattern}{_HALF_DAY}", rf"{iso} \4 \5", pa.timestamp("us"), _HALF_DAY_TEXT),
        ]:
            suffix = _ADD_SECONDS if strptime else (" $", "")
            replacements = ((f"^{time_pattern}$", text), *_PAD, *extra, suffix)
            yield CellFormat("date", time_pattern, type_, replacements, None, None, strptime, order)
    yield CellFormat("date", r"(\d{4})-(0[1-9]|1[0-2])", pa.date32(), ((r"$", "-01"),))
    for pattern, text, extra in [
        (rf"{_DAY}\.?[ -]{_MONTH_NAME},?[ -](\d{{4}})", r"\3-\2-\1", ()),
        (rf"{_DAY}[ -]{_MONTH_NAME}[ -](\d{{2}})", r"\3-\2-\1", _CENTURY),
        (rf"{_MONTH_NAME} {_DAY}(?:st|nd|rd|th)?,? (\d{{4}})", r"\3-\1-\2", ()),
    ]:
        replacements = ((f"^{pattern}$", text), *extra)
        yield CellFormat("date", pattern, pa.date32(), replacements, strptime="%Y-%b-%d")


def _date_patterns(
    day_first: bool, day_first_with_slash: bool
) -> Iterator[tuple[str, str, tuple[tuple[str, str], ...]]]:
    """Yield patterns of dates, the replacement that gives ISO 8601, and further replacements."""
    yield rf"(\d{{4}})[-/.]{_MONTH}[-/.]{_DAY}", r"\1-\2-\3", ()
    two_digits = r"(0[1-9]|[12]\d|3[01])", r"(0[1-9]|1[0-2])"
    for day, month, year, extra in [
        (_DAY, _MONTH, r"(\d{4})", ()),
        (*two_digits, r"(\d{2})", _CENTURY),
    ]:
        for separator, is_day_first in (("[-.]", day_first), ("/", day_first_with_slash)):
            orders = [
                (rf"{day}{separator}{month}{separator}{year}", r"\3-\2-\1"),
                (rf"{month}{separator}{day}{separator}{year}", r"\3-\1-\2"),
            ]
            for pattern, iso in orders if is_day_first else reversed(orders):
                yield pattern, iso, extra
