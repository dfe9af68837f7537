"""Cells that prevent a string column from being read as numbers, booleans or dates."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from latentmap.data.cell_formats import matching_cells, number_formats
from latentmap.data.table_problems import format_omitted_count

# Invalid cells of a column are reported if at least this share of its cells has one format.
_REPORTED_SHARE = 0.98
_MAX_REPORTED_STRINGS = 5
_MIN_NUMBERS = 10  # Fewer distinct numbers beside strings may be names of categories.
_DIGITS, _DIGIT = r"^[+-]?\d+$", re.compile(r"\d")
_WORD = re.compile(r"[^\W\d_]{3,} ")


@dataclass(frozen=True)
class InvalidCells:
    """The cells that prevent a column from being read as numbers, booleans or dates.

    ``kind`` is the type of the other cells, ``row`` is the first invalid row, from 0, ``examples``
    are the distinct invalid cells in the order of their rows, and ``count`` is their number.
    """

    kind: str
    row: int
    examples: tuple[str, ...]
    count: int

    def describe(self, column: str, line: int) -> str:
        """Return a sentence with the line, the cells, and options that resolve the problem."""
        missing = " ".join(f"--missing {shlex.quote(text)}" for text in self.examples)
        article = "an" if self.kind == "integer" else "a"
        return (
            f"line {line:,}, column {column}: expected {article} {self.kind}, "
            f"found {self.examples[0]!r}{format_omitted_count(self.count - 1, 'cell')}; "
            f"treat it as missing with {missing}, "
            f"or the column as categories with --as {shlex.quote(column)}=category"
        )


def find_invalid_cells(cells: pa.Array, is_match: pa.Array, kind: str) -> InvalidCells | None:
    """Describe the cells that do not match; return None if they are many or consist of digits."""
    invalid = pc.invert(is_match)
    count = pc.sum(invalid).as_py()
    if count > (1 - _REPORTED_SHARE) * (len(cells) - cells.null_count):
        return None
    strings = cells.filter(invalid).unique()
    # Strings of digits that are not numbers, such as 007, are identifiers and not invalid numbers.
    if (
        len(strings) > _MAX_REPORTED_STRINGS
        or pc.all(pc.match_substring_regex(strings, _DIGITS)).as_py()
    ):
        return None
    return describe_invalid_cells(cells, invalid, kind)


def find_invalid_numbers(
    cells: pa.Array, sample: Sequence[str], decimals: str
) -> InvalidCells | None:
    """Describe the strings of a column in which at least half of the cells are numbers.

    ``sample`` is a sample of the cells. Return None if the strings are many or contain digits,
    except after a word as in "Less than 1 year". Also return None if the numbers may be names of
    categories.
    """
    formats = [f for decimal in decimals for f in number_formats(decimal)]
    best = max(formats, key=lambda f: f.count(sample))
    numbers = matching_cells(sample, best.pattern)
    if len(set(numbers)) < _MIN_NUMBERS or 2 * len(numbers) < len(sample):
        return None
    invalid = pc.invert(best.match(cells))
    strings = cells.filter(invalid).unique().to_pylist()
    are_codes = any(_DIGIT.search(text) and not _WORD.match(text) for text in strings)
    are_many = len(strings) > _MAX_REPORTED_STRINGS
    return None if are_many or are_codes else describe_invalid_cells(cells, invalid, "number")


def describe_invalid_cells(cells: pa.Array, invalid: pa.Array, kind: str) -> InvalidCells:
    """Return a description of the cells where ``invalid`` is true; at least one is."""
    strings = cells.filter(invalid).unique()[:_MAX_REPORTED_STRINGS]
    count, row = pc.sum(invalid).as_py(), pc.index(invalid, True).as_py()
    return InvalidCells(kind, row, tuple(strings.to_pylist()), count)
