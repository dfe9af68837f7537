"""Formats of the dates, times and durations in table cells.

Replacements turn a date into ISO 8601, which Arrow converts.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from latentmap.data.cell_formats import CellFormat, sum_groups

_DAY, _MONTH = r"(0?[1-9]|[12]\d|3[01])", r"(0?[1-9]|1[0-2])"
# First letters of the months in English, German, French, Spanish, Italian, Portuguese, Dutch,
# Polish, Swedish, Turkish and Russian.
_MONTH_STEMS = (
    *("jan|jän|ene|gen|sty|oca|янв", "feb|fév|fev|lut|şub|фев", "mar|mär|mrz|mrt|maa|мар"),
    *("apr|avr|abr|kwi|nis|апр", "may|mai|mag|maj|mei|ма[йя]", "jun|juin|giu|cze|haz|июн"),
    *("jul|juil|lug|lip|tem|июл", "aug|aoû|aou|ago|sie|ağu|авг", "sep|set|wrz|eyl|сен"),
    *("oct|okt|ott|out|paź|eki|окт", "nov|lis|kas|ноя", "dec|dez|déc|dic|gru|ara|дек"),
)
_MONTH_NAME = rf"(?i:((?:{'|'.join(_MONTH_STEMS)})\pL*\.?))"
_NUMBER_MONTHS = tuple(
    (rf"(?i)(?:{stems})\pL*\.?", f"{number:02d}") for number, stems in enumerate(_MONTH_STEMS, 1)
)
_WEEKDAY = (
    r"(?i:(?:mon|tue|wed|thu|fri|sat|sun|mo|di|mi|do|fr|sa|so|lun|mar|mer|jeu|ven|sam|dim)"
    r"\pL*\.?,? +)?"
)
_PAD = (
    *((r"^(\d+)-(\d)-", r"\1-0\2-"), (r"-(\d)( |$)", r"-0\1\2"), (r" (\d):", r" 0\1:")),
    *((r"(:\d\d),(\d)", r"\1.\2"), (r"(:\d\d\.\d{6})\d+", r"\1")),
)
_CENTURY = ((r"^([0-6]\d)-", r"20\1-"), (r"^(\d\d)-", r"19\1-"))
_CLOCK = r"[T ]+(\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?)"
# Time zones as programs abbreviate them in Europe and North America, by their hours east of UTC.
_ZONES = {
    0: "UTC|GMT|WET",
    1: "WEST|BST|CET",
    2: "CEST|EET",
    3: "EEST",
    -4: "EDT",
    -5: "EST|CDT",
    -6: "CST|MDT",
    -7: "MST|PDT",
    -8: "PST",
}
_ZONE = rf"(Z|[+-]\d{{2}}:?\d{{2}}|{'|'.join(_ZONES.values())})"
_NUMBER_ZONES = tuple((f"(?:{names})$", f"{hours:+03d}:00") for hours, names in _ZONES.items())
_TWELVE_HOUR_TIME = r"(\d{1,2}:\d{2}(?::\d{2})?) ?([AaPp][Mm])"
_ADD_SECONDS = (r" (\d\d:\d\d) ", r" \1:00 ")
_DATE_ORDERS = {r"\3-\2-\1": "day first", r"\3-\1-\2": "month first"}
_ADD_DATE = (r"^", "1970-01-01 ")  # Arrow converts times only as part of a date.
_DAYS = r"(?P<days>-?\d+) ?d(?:ays?)?,? *\+?"
_CLOCK_DURATION = (
    rf"(?:{_DAYS}|(?P<sign>-?))(?P<hours>\d+):(?P<minutes>[0-5]\d)"
    r"(?::(?P<seconds>[0-5]\d(?:\.\d{1,9})?))?"
)
_WORD_DURATION = (
    rf"(?:{_DAYS}|(?P<sign>-?))(?:(?P<hours>\d+) ?h(?:ours?|rs?)?,? *)?"
    r"(?:(?P<minutes>\d+) ?m(?:in(?:ute)?s?)?\.?,? *)?"
    r"(?:(?P<seconds>\d+(?:\.\d{1,9})?) ?s(?:ec(?:ond)?s?)?\.?)?"
)
_ISO_DURATION = (
    r"(?P<sign>-?)P(?:(?P<days>\d+)D)?(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?"
    r"(?:(?P<seconds>\d+(?:\.\d{1,9})?)S)?)?"
)
_SECONDS = {"days": 86_400.0, "hours": 3600.0, "minutes": 60.0, "seconds": 1.0}

# Whole numbers such as 20240131, from 1900 to 2099.
COMPACT_DATE = CellFormat(
    "date",
    r"(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])",
    pa.date32(),
    ((r"^(\d{4})(\d{2})(\d{2})$", r"\1-\2-\3"),),
    note="dates as yyyymmdd",
)


def date_formats(day_first: bool, day_first_with_slash: bool) -> Iterator[CellFormat]:
    """Yield formats in the order in which they are tried.

    The arguments say whether the day is tried first in dates of numbers, with and without slashes.
    """
    yield CellFormat("date", r"\d{4}-\d{2}-\d{2}", pa.date32())
    for date, iso, extra in _date_patterns(day_first, day_first_with_slash):
        pattern = _WEEKDAY + date
        order = None if _MONTH_NAME in pattern else _DATE_ORDERS.get(iso)
        for time_pattern, text, type_, is_twelve_hour in [
            (pattern, iso, pa.date32(), False),
            (rf"{pattern}(?:{_CLOCK})?", rf"{iso} \4", pa.timestamp("us"), False),
            (rf"{pattern}{_CLOCK} ?{_ZONE}", rf"{iso} \4\5", pa.timestamp("us", "UTC"), False),
            (rf"{pattern} +{_TWELVE_HOUR_TIME}", rf"{iso} \4 \5", pa.timestamp("us"), True),
        ]:
            numeric = time_pattern.replace(_MONTH_NAME, r"(\d\d)")
            months = () if numeric == time_pattern else _NUMBER_MONTHS
            suffix = _ADD_SECONDS if is_twelve_hour else (" $", "")
            zones = _NUMBER_ZONES if text.endswith(r"\5") and not is_twelve_hour else ()
            replacements = (*months, (f"^{numeric}$", text), *_PAD, *extra, suffix, *zones)
            parse = _parse_twelve_hour_time if is_twelve_hour else None
            yield CellFormat(
                "date", time_pattern, type_, replacements, date_order=order, parse=parse
            )
    # The format of Unix and Twitter: Fri Mar 01 12:30:00 +0000 2024.
    for zone, text, type_ in (
        ("", r"\4-\1-\2 \3", pa.timestamp("us")),
        (f" {_ZONE}", r"\5-\1-\2 \3\4", pa.timestamp("us", "UTC")),
    ):
        pattern = rf"{_WEEKDAY}{_MONTH_NAME} +{_DAY}{_CLOCK}{zone} (\d{{4}})"
        numeric = pattern.replace(_MONTH_NAME, r"(\d\d)")
        replacements = (*_NUMBER_MONTHS, (f"^{numeric}$", text), *_PAD, *_NUMBER_ZONES)
        yield CellFormat("date", pattern, type_, replacements)
    yield CellFormat("date", r"(\d{4})-(0[1-9]|1[0-2])", pa.date32(), ((r"$", "-01"),))
    for year, extra in ((r"(\d{4})", ()), (r"(\d{2})", _CENTURY)):
        replacements = (*_NUMBER_MONTHS, (r"^(\d\d)[- ](\d+)$", r"\2-\1-01"), *extra)
        yield CellFormat("date", f"{_MONTH_NAME}[- ]{year}", pa.date32(), replacements)
    yield from _time_formats()


def _date_patterns(
    day_first: bool, day_first_with_slash: bool
) -> Iterator[tuple[str, str, tuple[tuple[str, str], ...]]]:
    """Yield patterns of dates, the replacement that gives ISO 8601, and further replacements."""
    yield rf"(\d{{4}})[-/.年]{_MONTH}[-/.月]{_DAY}日?", r"\1-\2-\3", ()
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
    yield rf"{_DAY}(?:\.|st|nd|rd|th)?[ /-]{_MONTH_NAME},?[ /-](\d{{4}})", r"\3-\2-\1", ()
    yield rf"{_DAY}[ /-]{_MONTH_NAME}[ /-](\d{{2}})", r"\3-\2-\1", _CENTURY
    yield rf"{_MONTH_NAME} {_DAY}(?:st|nd|rd|th)?,? (\d{{4}})", r"\3-\1-\2", ()


def _parse_twelve_hour_time(cells: pa.Array) -> pa.Array:
    return pc.strptime(cells, format="%Y-%m-%d %I:%M:%S %p", unit="us")


def _time_formats() -> Iterator[CellFormat]:
    hour, pad = r"(?:[01]?\d|2[0-3])", (r" (\d):", r" 0\1:")
    for fraction, type_ in (("", pa.time32("s")), (r"(?:\.\d{1,6})?", pa.time64("us"))):
        pattern = rf"{hour}[:h][0-5]\d(?::[0-5]\d{fraction})?(?: Uhr)?"
        replacements = ((" Uhr$", ""), ("h", ":"), _ADD_DATE, pad)
        yield CellFormat("date", pattern, type_, replacements, parse=_parse_time)
    replacements = ((f"^{_TWELVE_HOUR_TIME}$", r"\1 \2"), _ADD_DATE, pad, _ADD_SECONDS)
    yield CellFormat(
        "date", _TWELVE_HOUR_TIME, pa.time32("s"), replacements, parse=_parse_twelve_hour_time
    )
    for pattern in (_CLOCK_DURATION, rf"(?:{_WORD_DURATION})", _ISO_DURATION):
        parse = partial(_parse_duration, f"^{pattern}$")
        yield CellFormat("date", pattern, pa.duration("us"), parse=parse)


def _parse_time(cells: pa.Array) -> pa.Array:
    return cells.cast(pa.timestamp("us"))


def _parse_duration(pattern: str, cells: pa.Array) -> pa.Array:
    """Return the durations of cells in microseconds.

    The named groups of the pattern are the numbers of days, hours, minutes and seconds.
    """
    groups = pc.extract_regex(cells, pattern)
    seconds = sum_groups(groups, _SECONDS)
    is_negative = pc.equal(pc.struct_field(groups, "sign"), "-")
    seconds = pc.if_else(is_negative, pc.negate(seconds), seconds)
    return pc.round(pc.multiply(seconds, 1e6)).cast(pa.int64())
