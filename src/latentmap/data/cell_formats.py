"""Formats of table cells: the patterns of numbers, booleans and lists, and their conversion.

No library detects thousands separators, percentages, currencies and the order of day and month.
Every format therefore consists of a regular expression, replacements that turn a matching string
into one that Arrow converts, and an Arrow type. Arrow applies them to whole columns.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

# Cells that mark a missing value.
MISSING = frozenset(
    {"", "NA", "na", "N/A", "n/a", "n.a.", "N.A.", "n.a", "N.A", "k.A.", "#N/A", "#NA", "<NA>"}
    | {"NaN", "nan", "NaT"}
    | {"null", "NULL", "(null)", "None", "-", "--", "---", "–", "—", "?", r"\N"}
    | {".", "..", "...", "…", ":"}  # Statistical offices mark missing values by these.
    | {"0000-00-00", "0000-00-00 00:00:00", "00/00/0000", "00.00.0000"}  # Missing dates.
    # Error values of Excel mark a missing value.
    | {"#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#NULL!"}
)
_DIGIT = re.compile(r"\d")
UNIT = (
    r"(?:%|‰|[A-Z]{0,2}\$|[€£¥₹₽₩₺₪]|"
    r"(?:USD|EUR|GBP|CHF|JPY|CNY|INR|CAD|AUD|NZD|SEK|NOK|DKK|PLN|CZK)\b)"
)
# A unit after a number, such as kg, °C or km/h. The e of 1e5 and 年, a year, are not units.
_SUFFIX = r"(?![eEdD][+-]?\d|年)[^\W\d_][\w°²³/%·^.-]{0,11}|°\w?"
_SIGN = r"[(+-]?"
_UNIT_OF_CELL = re.compile(
    rf"{_SIGN}\s?({UNIT})\s?{_SIGN}[\d.,'’\s]+\)?|{_SIGN}[\d.,'’\s]+?({UNIT}|{_SUFFIX})\)?"
)
# Marks beside a number: a detection limit such as <0.5, a footnote such as *, or a letter.
MARK_BEFORE, _SIGN_AFTER = r"(?:[<>~≤≥≈]=?\s?)", r"(?:\s?(?:[*†‡+]+|\[\w{1,2}\]))"
MARK_AFTER = rf"(?:{_SIGN_AFTER}|\s[a-z])"
# Words that mark a missing value among numbers, but may be a category among strings.
_MISSING_WORDS = (
    r"(?i:none|nil|missing|unknown|not available|no data|n\.?d\.?|keine angabe|k\. ?a\.)"
)
# Arrow compiles a pattern in each call, which takes longer than matching a sample of cells. Python
# keeps compiled patterns, but its time may grow with a power of the length of a cell.
_MAX_PYTHON_LENGTH = 100
_MAGNITUDES = {"": 1.0, "k": 1e3, "K": 1e3, "M": 1e6, "B": 1e9}


@dataclass(frozen=True)
class CellFormat:
    """Format of table cells that contain values of one type.

    ``decimal`` is the decimal separator of a format that depends on it. ``date_order`` is "day
    first" or "month first" for dates that consist only of numbers. ``boolean_strings`` are the
    strings of false and true in lower case. ``parse`` converts the strings that Arrow cannot cast.
    ``note`` tells the user how cells were read that have another meaning as well. At least half of
    the cells of a column of this format, and at least ``min_usual`` different cells, match
    ``usual_pattern``.
    """

    kind: str
    pattern: str
    type: pa.DataType
    replacements: tuple[tuple[str, str], ...] = ()
    decimal: str | None = None
    unit: str | None = None
    date_order: str | None = None
    boolean_strings: tuple[str, str] | None = None
    parse: Callable[[pa.Array], pa.Array] | None = None
    note: str | None = None
    usual_pattern: str | None = None
    min_usual: int = 0

    def match(self, cells: pa.Array) -> pa.Array:
        """Return a mask of the cells that have this format; null stays null."""
        return _match(cells, self.pattern)

    def count(self, cells: Sequence[str]) -> int:
        """Return the number of cells that have this format; faster than `match` for a sample."""
        return len(matching_cells(cells, self.pattern))

    def match_all(self, cells: pa.Array) -> bool:
        """Return whether all cells that are not null have this format."""
        return pc.all(self.match(cells)).as_py() is not False

    def convert(self, cells: pa.Array) -> pa.Array | None:
        """Return the values of matching cells, or None for impossible values (31 February)."""
        for pattern, replacement in self.replacements:
            cells = pc.replace_substring_regex(cells, pattern, replacement)
        try:
            return (cells if self.parse is None else self.parse(cells)).cast(self.type)
        except pa.ArrowInvalid:
            return None


def _match(cells: pa.Array, pattern: str) -> pa.Array:
    return pc.match_substring_regex(cells, f"^(?:{pattern})$")


def matching_cells(cells: Sequence[str], pattern: str) -> list[str]:
    """Return the cells that match a pattern of Arrow; faster than Arrow for a sample."""
    if max(map(len, cells), default=0) > _MAX_PYTHON_LENGTH:
        strings = pa.array(cells)
        return strings.filter(_match(strings, pattern)).to_pylist()
    return list(filter(_compile(pattern).fullmatch, cells))


@functools.cache
def _compile(pattern: str) -> re.Pattern[str]:
    r"""Compile a pattern of Arrow in Python, which does not know ``\x{A0}`` and ``\pL``."""
    pattern = re.sub(r"\\x\{(\w+)\}", lambda match: re.escape(chr(int(match[1], 16))), pattern)
    return re.compile(pattern.replace(r"\pL", r"(?u:[^\W\d_])").replace("(?i:", "(?iu:"), re.ASCII)


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


def number_formats(decimal: str) -> Iterator[CellFormat]:
    """Yield the formats of integers and numbers with a given decimal separator."""
    # A string with leading zeros, such as 007, is not a number. int64 can hold any 18 digits.
    integer_pattern = r"(?:0|[1-9]\d{0,17})"
    point = re.escape(decimal)
    group = rf"[{',' if decimal == '.' else '.'}'’ \x{{A0}}\x{{2009}}\x{{202F}}]"
    # In India, groups of two digits precede the last three: 12,34,567.
    grouped_integer = (
        rf"(?:0|[1-9]\d{{0,2}}(?:{group}\d{{3}}){{1,5}}|[1-9]\d?(?:{group}\d\d){{1,6}}{group}\d{{3}}"
        r"|[1-9]\d{0,17})"
    )
    to_point = ((point, "."),) if decimal != "." else ()
    remove_plus = ((r"^\+", ""),)
    fraction = rf"(?:{point}\d*)?"
    mantissa = rf"(?:{integer_pattern}{fraction}|{point}\d+)"
    int64, float64 = pa.int64(), pa.float64()
    yield CellFormat("integer", rf"-?{integer_pattern}", int64)
    yield CellFormat("integer", rf"[+-]?{integer_pattern}", int64, remove_plus)
    finite = rf"{mantissa}(?:[eE][+-]?\d{{1,3}})?"
    yield CellFormat("number", rf"[+-]?(?:{finite}|(?i:inf|infinity))", float64, to_point, decimal)
    # Fortran writes 1.5D+02, and texts 1.5×10^2.
    powers = rf"[+-]?{mantissa}(?:[eEdD][+-]\d{{1,3}}| ?× ?10\^[+-]?\d{{1,3}})?"
    yield CellFormat("number", powers, float64, (("[dD]| ?× ?10\\^", "e"), *to_point), decimal)
    ungroup = (*remove_plus, (group, ""))
    yield CellFormat("integer", rf"[+-]?{grouped_integer}", int64, ungroup, decimal)
    ungroup = (*ungroup, *to_point)
    yield CellFormat("number", rf"[+-]?{grouped_integer}{fraction}", float64, ungroup, decimal)


def accounting_format(number: CellFormat) -> CellFormat:
    """Return the format that also accepts the negative numbers (1.5), 1.5- and −1.5."""
    digits = number.pattern.removeprefix("[+-]?")
    pattern = rf"[+-]?{digits}|\({digits}\)|\x{{2212}}{digits}|{digits}-"
    signs = ((r"^\((.*)\)$", r"-\1"), (r"^\x{2212}", "-"), (r"^(.*)-$", r"-\1"))
    return replace(number, pattern=pattern, replacements=(*signs, *number.replacements))


def marked_formats(number: CellFormat) -> Iterator[CellFormat]:
    """Yield the formats of numbers beside words such as none, and marks as in <0.5, 12* or 3.5 p.

    Few different numbers with marks, such as 0, 1, 2 and 3+, are categories.
    """
    digits = f"[+-]?{number.pattern.removeprefix('[+-]?')}"
    with_words = replace(
        number,
        pattern=f"{digits}|{_MISSING_WORDS}",
        replacements=((f"^{_MISSING_WORDS}$", ""), *number.replacements),
        parse=lambda cells: pc.if_else(pc.equal(cells, ""), pa.scalar(None, cells.type), cells),
        note="left out words such as none",
        usual_pattern=digits,
        min_usual=3,
    )
    yield with_words
    yield replace(
        with_words,
        pattern=f"{MARK_BEFORE}?{digits}{MARK_AFTER}?|{_MISSING_WORDS}",
        replacements=((f"^{MARK_BEFORE}|{MARK_AFTER}$", ""), *with_words.replacements),
        note="left out marks such as < and *, and words such as none",
        usual_pattern=f"{MARK_BEFORE}?{digits}{_SIGN_AFTER}?",
        min_usual=10,
    )


def magnitude_format(number: CellFormat) -> CellFormat:
    """Return the format of numbers in thousands, millions or billions, such as $1.2M and 800K."""
    digits = number.pattern.removeprefix("[+-]?")
    return replace(
        number,
        pattern=rf"[+-]?(?:{UNIT}\s?)?{digits}\s?[kKMB]?",
        replacements=((rf"(?:{UNIT}\s?)", ""), *number.replacements),
        parse=_parse_magnitudes,
        note="K, M and B are thousands, millions and billions",
    )


def _parse_magnitudes(cells: pa.Array) -> pa.Array:
    groups = pc.extract_regex(cells, r"^(?P<number>.*?)\s?(?P<letter>[kKMB]?)$")
    letters = pc.struct_field(groups, "letter")
    positions = pc.index_in(letters, pa.array([*_MAGNITUDES]))
    factors = pa.array([*_MAGNITUDES.values()]).take(positions)
    return pc.multiply(pc.struct_field(groups, "number").cast(pa.float64()), factors)


def with_unit(number: CellFormat, unit: str) -> CellFormat:
    """Return the format of numbers with a unit before or after them."""
    unit_pattern = re.escape(unit)
    space = r"[ \x{A0}\x{202F}]?"
    digits = number.pattern.removeprefix("[+-]?").removeprefix("-?")
    signed = rf"([+-]?){unit_pattern}{space}([+-]?{digits})|([+-]?{digits}){space}{unit_pattern}"
    negative = rf"\((?:{unit_pattern}{space}{digits}|{digits}{space}{unit_pattern})\)"
    replacements = ((r"^\((.*)\)$", r"-\1"), (rf"^(?:{signed})$", r"\1\2\3"), (r"^\+", ""))
    return replace(
        number,
        pattern=f"{signed}|{negative}",
        replacements=(*replacements, *number.replacements),
        unit=unit,
    )


_BOOLEAN_PAIRS = (
    *(("true", "false"), ("yes", "no"), ("t", "f"), ("y", "n"), ("on", "off")),
    *(("ja", "nein"), ("wahr", "falsch"), ("oui", "non"), ("vrai", "faux")),
    *(("tak", "nie"), ("ano", "ne"), ("ja", "nej"), ("evet", "hayır"), ("да", "нет")),
    *(("kyllä", "ei"), ("igen", "nem"), ("はい", "いいえ"), ("是", "否")),
    *(("si", "no"), ("sí", "no"), ("sì", "no"), ("sim", "não"), ("verdadero", "falso")),
)
BOOLEANS = tuple(
    CellFormat(
        "boolean",
        f"(?i:{true}|{false})",
        pa.bool_(),
        ((f"(?i)^{true}$", "true"), (f"(?i)^{false}$", "false")),
        boolean_strings=(false, true),
    )
    for true, false in _BOOLEAN_PAIRS
)
BOOLEAN_STRINGS = frozenset(string for pair in _BOOLEAN_PAIRS for string in pair)


def sum_groups(groups: pa.Array, factors: Mapping[str, float]) -> pa.Array:
    """Return the sum of named groups of digits times their factors; an empty group counts as 0."""
    total = pa.scalar(0.0)
    for name, factor in factors.items():
        group = pc.struct_field(groups, name)
        number = pc.if_else(pc.equal(group, ""), "0", group).cast(pa.float64())
        total = pc.add(total, pc.multiply(number, factor))
    return total


def _parse_coordinates(cells: pa.Array) -> pa.Array:
    groups = pc.extract_regex(cells, f"^{_COORDINATE}$")
    degrees = sum_groups(groups, {"whole": 1, "degrees": 1, "minutes": 1 / 60, "seconds": 1 / 3600})
    is_negative = pc.is_in(pc.struct_field(groups, "side"), pa.array(["S", "W"]))
    return pc.if_else(is_negative, pc.negate(degrees), degrees)


_COORDINATE = (
    r"(?:(?P<whole>\d{1,3}(?:\.\d+)?) ?[°º]|(?P<degrees>\d{1,3}\.\d+)) ?"
    r"(?:(?P<minutes>\d{1,2}(?:\.\d+)?) ?['′’] ?)?"
    r"(?:(?P<seconds>\d{1,2}(?:\.\d+)?) ?(?:[\"″”]|'') ?)?(?P<side>[NSEW])"
)
COORDINATES = CellFormat(
    "number", _COORDINATE, pa.float64(), parse=_parse_coordinates, note="degrees north or east"
)


def _split_lists(cells: pa.Array) -> pa.Array:
    return pc.split_pattern_regex(cells, r"[,;\s]+")


_LIST_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
# A list of numbers as Python and NumPy print it, such as [1.5, 2] or [1.5 2.].
VECTORS = CellFormat(
    "vector",
    rf"\[\s*{_LIST_NUMBER}(?:\s*[,;\s]\s*{_LIST_NUMBER})+\s*\]",
    pa.list_(pa.float64()),
    ((r"^\[\s*|\s*\]$", ""),),
    parse=_split_lists,
)
