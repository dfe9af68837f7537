"""Detection of the separator of a text table.

The csv module splits a sample of lines with each separator. The correct separator gives most lines
the same number of cells, and yields numbers, dates and missing values instead of strings that
contain other separators.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from latentmap.data.csv_headers import cell_kind

if TYPE_CHECKING:
    import _csv

_MAX_CELLS, _MIN_RECORDS = 20_000, 10  # Size of the sample.
# Maximum length of a cell. The default of the csv module is too small for long documents.
_MAX_CELL_LENGTH = 2**27
_SEPARATORS = ",;\t| ^~"
# Minimum share of the lines that a separator must split into the same number of cells.
_SHARE_OF_LINES = 0.8
_TEXT_SCORE, _UNSPLIT_SCORE = 0.5, 0.1


class Record(NamedTuple):
    """The cells of a record, and the numbers of its first and last line, counted from 1."""

    line: int
    last_line: int
    cells: list[str]

    @property
    def is_blank(self) -> bool:
        """Whether the line is empty."""
        return not any(cell.strip() for cell in self.cells)

    @property
    def is_comment(self) -> bool:
        """Whether the line starts with #."""
        return bool(self.cells) and self.cells[0].lstrip().startswith("#")


class Quoting(NamedTuple):
    """The character around a quoted cell, and the character before a quote inside it.

    Without an escape character, a quote inside a cell is doubled. ``follows_space`` tells whether
    there are spaces between a separator and a quoted cell.
    """

    quote: str = '"'
    escape: str | None = None
    follows_space: bool = False


DOUBLE_QUOTES = Quoting()

_SINGLE_QUOTES = re.compile(r"(?:^|[,;\t|])[ ]*'[^'\r\n]*'[ ]*(?=[,;\t|\r\n]|$)", re.MULTILINE)
_ESCAPED_QUOTE = re.compile(r"""[^\\]\\"(?!\s*(?:[,;\t|]|$))""", re.MULTILINE)
_SPACED_QUOTE = re.compile(r"""[,;\t|] +"[^"\r\n]*" *(?=[,;\t|\r\n]|$)""")
_ALIGNED = re.compile(r"\d {2,}\d.* {2,}\d")  # Numbers in columns that are aligned by spaces.
_DOUBLED_QUOTE = re.compile(r"""[^,;\t|\s"]"\"[^,;\t|\s"]""")


def detect_quoting(lines: Sequence[str]) -> Quoting:
    r"""Return how cells with separators are quoted.

    Examples
    --------
    >>> detect_quoting(["name,size\n", "'a, b',1\n", "'c',2\n"])
    Quoting(quote="'", escape=None, follows_space=False)
    """
    text = "".join(lines)
    if '"' not in text:
        n_quoted = sum(_SINGLE_QUOTES.search(line) is not None for line in lines)
        return Quoting("'") if n_quoted > 0.5 * len(lines) else Quoting()
    is_escaped = _ESCAPED_QUOTE.search(text) and not _DOUBLED_QUOTE.search(text)
    n_spaced = sum(_SPACED_QUOTE.search(line) is not None for line in lines)
    follows_space = 2 * n_spaced > sum('"' in line for line in lines)
    return Quoting(escape="\\" if is_escaped else None, follows_space=follows_space)


def split_records(
    lines: Iterable[str],
    separator: str | None,
    n_above: int = 0,
    quoting: Quoting = DOUBLE_QUOTES,
    max_cells: int | None = _MAX_CELLS,
) -> list[Record]:
    """Split lines into records, up to the first record that the csv module cannot parse.

    About ``max_cells`` cells are read; all of them if it is None.
    """
    records: list[Record] = []
    n_cells = 0
    reader = csv_reader(lines, separator, quoting)
    line = 0
    try:
        for cells in reader:
            records.append(Record(n_above + line + 1, n_above + reader.line_num, cells))
            line = reader.line_num
            n_cells += len(cells)
            if max_cells and n_cells > max_cells and len(records) >= _MIN_RECORDS:
                break
    except csv.Error:
        pass
    return records


def csv_reader(
    lines: Iterable[str], separator: str | None, quoting: Quoting = DOUBLE_QUOTES
) -> _csv.Reader:
    """Return a reader of the csv module; the separator " " means any number of spaces and tabs."""
    csv.field_size_limit(max(csv.field_size_limit(), _MAX_CELL_LENGTH))
    if separator == " ":
        lines = (line.replace("\t", " ").strip() for line in lines)
    return csv.reader(
        lines,
        delimiter=separator or "\x1f",
        skipinitialspace=separator == " " or quoting.follows_space,
        quotechar=quoting.quote,
        escapechar=quoting.escape,
        doublequote=quoting.escape is None,
    )


def detect_separator(lines: Sequence[str], quoting: Quoting = DOUBLE_QUOTES) -> str | None:
    """Return the separator whose cells look most like values, or None for a single column."""
    scores = {separator: _score(lines, separator, quoting) for separator in (None, *_SEPARATORS)}
    n_tabs = {line.count("\t") for line in lines if line.strip() and not line.startswith("#")}
    n_aligned = sum(_ALIGNED.search(line) is not None for line in lines)
    if len(n_tabs) == 1 and n_tabs != {0} and 2 * n_aligned < len(lines):
        # Splitting at spaces also splits at tabs, so the score of the space is too high.
        del scores[" "]
    # If scores are equal, the separator that gives more columns wins.
    return max(scores, key=lambda separator: scores[separator])


def _score(lines: Sequence[str], separator: str | None, quoting: Quoting) -> tuple[float, int]:
    """Return a score of how many cells are values, and the number of columns."""
    records = split_records(lines, separator, quoting=quoting)
    records = [record for record in records if not (record.is_blank or record.is_comment)]
    if not records:
        return 0.0, 0
    width = most_common_width(records)
    n_lines_above = next(i for i, record in enumerate(records) if len(record.cells) == width)
    table = [r.cells for r in records[n_lines_above:]]
    share = sum(len(cells) == width for cells in table) / len(table)
    if separator is not None and not _is_possible(records, separator, width, n_lines_above, share):
        return 0.0, 0
    scores = [_cell_score(cell, separator) for cells in table for cell in cells if cell.strip()]
    mean = sum(scores) / max(1, len(scores))
    return round(mean * share * (1 - 0.01 * n_lines_above), 3), width


def _is_possible(
    records: Sequence[Record], separator: str, width: int, n_lines_above: int, share: float
) -> bool:
    """Return whether a separator is possible, given the share of lines with the usual width.

    A separator that occurs in every line is possible even if numbers of cells differ.
    """
    first = records[0].cells
    if width == 1:
        return False
    if width == 2 and len(first) == 1 and not is_text_record(records[n_lines_above], width):
        return False  # The separator may be part of the numbers of one column, as in 1,5.
    if separator == " ":
        # Lines such as "a b,c d,e" are split at their spaces by mistake.
        n_unsplit = sum(any(map(_is_unsplit, record.cells)) for record in records)
        is_allowed = not n_lines_above or len(first) == width - 1
        return share >= _SHARE_OF_LINES and is_allowed and 2 * n_unsplit < len(records)
    return share >= _SHARE_OF_LINES or all(len(record.cells) > 1 for record in records)


def _is_unsplit(cell: str) -> bool:
    """Return whether a string contains separators other than spaces."""
    return any(separator in cell for separator in ",;\t|") and cell_kind(cell) == "text"


def _cell_score(cell: str, separator: str | None) -> float:
    is_unsplit = any(other in cell for other in ",;\t|" if other != separator)
    if cell_kind(cell) != "text" and not (separator is None and is_unsplit):
        return 1.0
    return _UNSPLIT_SCORE if is_unsplit else _TEXT_SCORE


def most_common_width(records: Sequence[Record]) -> int:
    """Return the number of cells that most records have."""
    widths = Counter(len(r.cells) for r in records if not (r.is_blank or r.is_comment))
    return max(widths, key=lambda width: (widths[width], width), default=1)


def is_text_record(record: Record, width: int) -> bool:
    """Return whether a record can be a header, that is, strings with at most a few empty cells."""
    kinds = Counter(cell_kind(cell) for cell in record.cells)
    n_strings = kinds["text"]
    return (
        len(record.cells) == width
        and n_strings + kinds["missing"] == width
        and n_strings >= min(2, width)
    )
