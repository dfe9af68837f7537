"""Detection of a header, the first row of a text table with the names of its columns.

Names differ from the cells below them. They are strings above numbers, or numbers in an order that
no row has, such as years, wavelengths or column numbers.
"""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from latentmap.data.cell_formats import BOOLEAN_STRINGS, MARK_AFTER, MARK_BEFORE, MISSING, UNIT

_NUMBER = re.compile(
    rf"{MARK_BEFORE}?[+-]?(?:{UNIT}\s?)?[+-]?"
    r"(?:\d{1,3}(?:[,.' \xa0]\d{3})+|\d+|(?=[.,]\d))(?:[.,]\d*)?(?:[eE][+-]?\d+|D[+-]\d+)?"
    rf"(?:\s?{UNIT})?{MARK_AFTER}?"
)
_MARKS = re.compile(f"^{MARK_BEFORE}|{MARK_AFTER}$")
_DATE = re.compile(
    r"(?:\d{1,4}([-/.])\d{1,2}\1\d{1,4}|\d{1,2}\.?[-/ ][^\W\d_]{3,9}\.?[-/ ]\d{2,4}"
    r"|[^\W\d_]{3,9}\.? \d{1,2},? \d{4})(?:[T ]+\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?)?"
    r"\s?(?:Z|[+-]\d{2}:?\d{2}|[AP]M|UTC|[A-Z]{1,3}T)?"
    r"|(?:-?\d+ days?,? \+?)?\d{1,4}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:\s?[AP]M)?"
)
_COLUMN_SHARE = 0.9
_MIN_ROWS = 5
_MAX_UNIT = 12


def cell_kind(cell: str) -> str:
    """Return "missing", "number", "date", "boolean" or "text"."""
    cell = cell.strip()
    if cell in MISSING:
        return "missing"
    if _NUMBER.fullmatch(cell):
        return "number"
    if _DATE.fullmatch(cell):
        return "date"
    return "boolean" if cell.lower() in BOOLEAN_STRINGS else "text"


def is_header(first: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Return whether the first row of a table holds names, given a sample of the rows below.

    Rows that are equal to the first one are repeated headers, or do not count as evidence.
    """
    rows = [row for row in rows if len(row) == 1 or list(row) != list(first)]
    if not rows:
        return all(cell_kind(name) in ("text", "missing") for name in first)
    n_fitting = n_different = n_repeated = 0
    for name, cells in zip(first, zip(*rows, strict=True), strict=True):
        kind, name_kind = column_kind(cells), cell_kind(name)
        if "missing" in (kind, name_kind):
            continue
        if kind == "text":
            n_repeated += name.strip() in {cell.strip() for cell in cells}
        elif kind == name_kind:
            n_fitting += 1
        else:
            n_different += 1
    # A repeated name may be a category. Names above numbers are stronger evidence of a header.
    if n_repeated and (n_fitting or not n_different):
        return False
    if n_different >= max(1, n_fitting):
        return True
    if n_fitting:
        return _is_ordered_header(first, rows, n_different > 0)
    return all(cell_kind(name) in ("text", "missing") for name in first)


def find_units(cells: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str | None]:
    """Return the units in the row below the header, or an empty result if it is a row of data.

    A row of units has short strings above most columns of numbers, and above at least two.
    """
    units: list[str | None] = []
    n_numbers = 0
    for cell, column in zip(cells, zip(*rows, strict=True), strict=False):
        is_numeric = column_kind(column) == "number"
        n_numbers += is_numeric
        kind = cell_kind(cell)
        if kind != "missing" and not (is_numeric and len(cell) <= _MAX_UNIT and kind == "text"):
            return []
        units.append(None if kind == "missing" else cell.strip().strip("()[]#"))
    n_units = sum(unit is not None for unit in units)
    return units if n_units > max(1, n_numbers // 2) else []


def is_description(cells: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Return whether a row below the header describes columns, as survey tools write it.

    A description has a string in each column of numbers or dates. The strings are all different,
    and there are at least two such columns.
    """
    columns = zip(cells, zip(*rows, strict=True), strict=False)
    descriptions = [
        cell.strip() for cell, column in columns if column_kind(column) in ("number", "date")
    ]
    is_text = all(cell_kind(cell) == "text" for cell in descriptions)
    return is_text and len(descriptions) == len(set(descriptions)) > 1


def column_kind(cells: Sequence[str], min_share: float = _COLUMN_SHARE) -> str:
    """Return the kind that at least ``min_share`` of the cells with a value have, or "text"."""
    kinds = Counter(cell_kind(cell) for cell in cells)
    del kinds["missing"]
    if not kinds:
        return "missing"
    kind, count = kinds.most_common(1)[0]
    return kind if count >= min_share * kinds.total() else "text"


def _is_ordered_header(
    first: Sequence[str], rows: Sequence[Sequence[str]], has_names: bool
) -> bool:
    """Return whether the first row has numbers in an order that no other row has."""
    indices = [i for i, cell in enumerate(first) if cell_kind(cell) == "number"]
    numbers = _numbers([first[i] for i in indices])
    numbers_below = [_numbers([row[i] for i in indices]) for row in rows]
    numbers_below = [row for row in numbers_below if len(row) > 1]
    if len(numbers) < 2 or not _is_sorted(numbers):
        return False
    is_whole = all(number.is_integer() for number in numbers)
    if is_whole and _are_mostly_fractions(numbers_below):
        return len(numbers) > 2 or numbers[1] - numbers[0] == 1
    if len(numbers_below) < _MIN_ROWS:
        return False
    if is_whole and (has_names or len(numbers) > 2) and _has_equal_steps(numbers):
        step = numbers[1] - numbers[0]
        return not any(_has_equal_steps(row) and row[1] - row[0] == step for row in numbers_below)
    return len(numbers) > 5 and not any(_is_sorted(row) for row in numbers_below)


def _numbers(cells: Sequence[str]) -> list[float]:
    numbers = []
    for cell in cells:
        # Cells that are missing or have a unit are not numbers.
        with contextlib.suppress(ValueError):
            numbers.append(float(_MARKS.sub("", cell.strip()).replace(",", ".")))
    return numbers


def _is_sorted(numbers: Sequence[float]) -> bool:
    steps = [b - a for a, b in pairwise(numbers)]
    return all(step > 0 for step in steps) or all(step < 0 for step in steps)


def _has_equal_steps(numbers: Sequence[float]) -> bool:
    steps = {b - a for a, b in pairwise(numbers)}
    return len(steps) == 1 and steps != {0}


def _are_mostly_fractions(rows: Sequence[Sequence[float]]) -> bool:
    """Return whether at least half of the numbers are fractions."""
    numbers = [number for row in rows for number in row]
    return bool(numbers) and 2 * sum(not n.is_integer() for n in numbers) >= len(numbers)


def unique_names(cells: Sequence[str]) -> tuple[str, ...]:
    """Return distinct column names: "column 3" for an empty name, and "a (2)" for a second "a".

    Examples
    --------
    >>> unique_names(["a", "", "a"])
    ('a', 'column 2', 'a (2)')
    """
    names: dict[str, None] = {}
    for number, cell in enumerate(cells, start=1):
        base = " ".join(cell.split()) or f"column {number}"
        name, count = base, 1
        while name in names:
            count += 1
            name = f"{base} ({count})"
        names[name] = None
    return tuple(names)
