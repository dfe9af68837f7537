"""Layout of a text table: encoding, separator, lines above the table, and names of columns.

The detectors of DuckDB, polars and pandas read fewer than half of the files in tests/data/csv as
their authors meant them; docs/decisions has the comparison. Python's csv module splits a sample
with each separator, and the separator whose cells look most like values is chosen.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from latentmap.data.csv_headers import cell_kind, find_units, is_header, unique_names
from latentmap.data.table_options import TableOptions
from latentmap.data.text_files import UTF8, detect_encoding, read_start
from latentmap.errors import DataError, SettingError

if TYPE_CHECKING:
    import _csv

_SAMPLE_BYTES = 2**18
_MAX_SAMPLE_BYTES = 2**28
_MAX_CELLS = 20_000
_MAX_LINES_ABOVE = 50
_SEPARATORS = ",;\t| "
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
# A separator is possible if this share of the lines have the same number of cells.
_SHARE_OF_LINES = 0.8
_TEXT_SCORE, _UNSPLIT_SCORE = 0.5, 0.1


class Record(NamedTuple):
    """The cells of a record, and the numbers of its first and last line (from 1)."""

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


@dataclass(frozen=True)
class TableLayout:
    """Where the rows of a table start, and the names of its columns.

    ``units`` are stated in a row below the names. ``empty_names`` are the columns whose name is
    empty in the file, ``renamed`` those that are named otherwise than in the file. ``separator`` is
    None for a single column.
    """

    name: str
    names: tuple[str, ...]
    empty_names: frozenset[str]
    renamed: tuple[str, ...]
    header: bool
    header_is_numbers: bool
    skipped_lines: int
    first_line: int
    units: Mapping[str, str] = field(default_factory=dict)
    separator: str | None = None
    encoding: str = "utf-8"


@dataclass(frozen=True)
class CsvLayout(TableLayout):
    """Layout of a text table; ``offset`` is the number of bytes of UTF-8 above the first row."""

    path: Path = Path()
    offset: int = 0
    longest_line: int = 0
    cells_per_byte: float = 0.0


def detect_layout(path: Path, options: TableOptions) -> CsvLayout:
    """Detect the layout of a text table; options override what is detected.

    Raise DataError if there are no rows, and FileError if it is not text.
    """
    encoding, lines = _read_lines(path, options)
    stated = _SEPARATOR_LINE.fullmatch(lines[0]) if lines else None
    n_above = 1 if stated else 0
    separator = options.separator or (stated and stated[1]) or _detect_separator(lines[n_above:])
    records = split_records(lines[n_above:], separator, n_above)
    layout = table_layout(path.name, records, options.header, n_above)
    sample = "".join(lines[: records[-1].last_line])
    return CsvLayout(
        **vars(replace(layout, separator=separator, encoding=encoding)),
        path=path,
        offset=len("".join(lines[: layout.first_line - 1]).encode()),
        longest_line=max(map(len, lines)),
        cells_per_byte=sum(len(record.cells) for record in records) / len(sample.encode()),
    )


def table_layout(
    name: str, records: Sequence[Record], header: bool | None, n_above: int = 0
) -> TableLayout:
    """Find the header and the first row; ``n_above`` lines are above the first record.

    ``header`` overrides the detection. Raise DataError if there are no rows.
    """
    records = [record for record in records if not record.is_blank]
    if not records:
        raise DataError(f"{name}: expected rows, found an empty file")
    width = _usual_width(records)
    top = _index_of_first_row(records, width)
    first, top = _find_header(records, top, width, header)
    if top == len(records):
        raise DataError(f"{name}: expected at least one row, found only a header")
    cells = _header_cells(first, records[top:], width) if first else [""] * width
    names = unique_names(cells)
    named = list(zip(names, cells, strict=True))
    units = _units(names, records[top : top + 1], records[top + 1 :]) if first else {}
    n_header_lines = first.last_line - first.line + 1 if first else 0
    n_skipped = (records[top - 1].last_line if top else n_above) - n_header_lines
    top += bool(units)
    return TableLayout(
        name=name,
        names=names,
        empty_names=frozenset(name for name, cell in named if not cell),
        renamed=tuple(name for name, cell in named if name != " ".join(cell.split())),
        header=first is not None,
        header_is_numbers=any(cell_kind(cell) == "number" for cell in cells),
        skipped_lines=n_skipped,
        first_line=(records[top - 1].last_line if top else n_above) + 1,
        units=units,
    )


def _units(names: Sequence[str], row: Sequence[Record], below: Sequence[Record]) -> dict[str, str]:
    """Return the units that the row below the header states."""
    width = len(names)
    rows = [record.cells for record in below if len(record.cells) == width]
    units = find_units(row[0].cells, rows) if rows and len(row[0].cells) == width else []
    return {name: unit for name, unit in zip(names, units, strict=False) if unit}


def _read_lines(path: Path, options: TableOptions) -> tuple[str, list[str]]:
    """Return the encoding and the complete lines of a sample from the start of the file."""
    size = _SAMPLE_BYTES
    while True:
        start = read_start(path, size)
        encoding = options.encoding or detect_encoding(path.name, start)
        try:
            decoder = codecs.getincrementaldecoder("utf-8-sig" if encoding in UTF8 else encoding)
            text = decoder("replace").decode(start)
        except LookupError:
            raise SettingError(
                f"encoding: expected one such as utf-8 or cp1252, found {encoding!r}"
            ) from None
        lines = list(io.StringIO(text, newline=""))
        if len(start) < size or size >= _MAX_SAMPLE_BYTES:
            return encoding, lines
        if len(lines) > 20:
            return encoding, lines[:-1]
        size *= 8


def split_records(lines: Iterable[str], separator: str | None, n_above: int = 0) -> list[Record]:
    """Split lines into records; stop where the csv module cannot continue."""
    records: list[Record] = []
    n_cells = 0
    reader = csv_reader(lines, separator)
    line = 0
    try:
        for cells in reader:
            records.append(Record(n_above + line + 1, n_above + reader.line_num, cells))
            line = reader.line_num
            n_cells += len(cells)
            if n_cells > _MAX_CELLS and len(records) > 20:
                break
    except csv.Error:
        pass
    return records


def csv_reader(lines: Iterable[str], separator: str | None) -> _csv.Reader:
    """Return a reader of the csv module; a space separates by any number of spaces and tabs."""
    if separator == " ":
        lines = (line.replace("\t", " ").strip() for line in lines)
        return csv.reader(lines, delimiter=" ", skipinitialspace=True)
    return csv.reader(lines, delimiter=separator or "\x1f")


def _detect_separator(lines: Sequence[str]) -> str | None:
    scores = {separator: _score(lines, separator) for separator in (None, *_SEPARATORS)}
    n_tabs = {line.count("\t") for line in lines if line.strip() and not line.startswith("#")}
    if len(n_tabs) == 1 and n_tabs != {0}:
        del scores[" "]  # a space also splits at tabs
    # Of equally good separators, the one that gives more columns is right.
    return max(scores, key=lambda separator: scores[separator])


def _score(lines: Sequence[str], separator: str | None) -> tuple[float, int]:
    """Return how much the cells look like values, and the number of columns."""
    records = [r for r in split_records(lines, separator) if not (r.is_blank or r.is_comment)]
    if not records:
        return 0.0, 0
    width = _usual_width(records)
    above = next(i for i, record in enumerate(records) if len(record.cells) == width)
    table = [r.cells for r in records[above:]]
    share = sum(len(cells) == width for cells in table) / len(table)
    if separator is not None and (width == 1 or share < _SHARE_OF_LINES):
        return 0.0, 0
    if above and _is_single_column(records, width):
        return 0.0, 0
    if separator == " " and above and len(records[0].cells) != width - 1:
        return 0.0, 0
    scores = [_cell_score(cell, separator) for cells in table for cell in cells if cell.strip()]
    mean = sum(scores) / max(1, len(scores))
    return round(mean * share * (1 - 0.01 * above), 3), width


def _is_single_column(records: Sequence[Record], width: int) -> bool:
    """Return whether a name stands above values that a separator splits, such as 1,5."""
    return width == 2 and len(records[0].cells) == 1 and not _is_text(records[1], width)


def _cell_score(cell: str, separator: str | None) -> float:
    is_unsplit = any(other in cell for other in ",;\t|" if other != separator)
    if cell_kind(cell) != "text" and not (separator is None and is_unsplit):
        return 1.0
    return _UNSPLIT_SCORE if is_unsplit else _TEXT_SCORE


def _usual_width(records: Sequence[Record]) -> int:
    widths = Counter(len(r.cells) for r in records if not (r.is_blank or r.is_comment))
    return max(widths, key=lambda width: (widths[width], width), default=1)


def _index_of_first_row(records: Sequence[Record], width: int) -> int:
    """Return the number of records above the table: comments and titles."""
    for i, record in enumerate(records[:_MAX_LINES_ABOVE]):
        if not (record.is_comment or _is_title(records, i, width)):
            return i
    return 0


def _is_title(records: Sequence[Record], i: int, width: int) -> bool:
    cells = [cell for cell in records[i].cells if cell.strip()]
    if i + 1 == len(records) or not any(cell_kind(cell) == "text" for cell in cells):
        return False
    next_is_header = _is_text(records[i + 1], width)
    if len(records[i].cells) == width:
        has_numbers_below = any(not _is_text(r, width) for r in records[i + 2 : i + 4])
        return width > 1 and len(cells) == 1 and next_is_header and has_numbers_below
    # One name less than columns: the first column holds the names of the rows.
    may_be_header = abs(len(records[i].cells) - width) == 1 and _is_text(
        records[i], len(records[i].cells)
    )
    return next_is_header or not may_be_header or _is_title(records, i + 1, width)


def _is_text(record: Record, width: int) -> bool:
    """Return whether a record can be a header: texts, with at most a few empty cells."""
    kinds = Counter(cell_kind(cell) for cell in record.cells)
    n_texts = kinds["text"]
    return (
        len(record.cells) == width
        and n_texts + kinds["missing"] == width
        and n_texts >= min(2, width)
    )


def _find_header(
    records: Sequence[Record], top: int, width: int, header: bool | None
) -> tuple[Record | None, int]:
    """Return the record with the names, if there is one, and the index of the first row."""
    rows = [r.cells for r in records[top + 1 :] if len(r.cells) == width]
    first = records[top]
    if header is None:
        header = len(first.cells) != width or is_header(first.cells, rows)
    if header:
        return first, top + 1
    above = _uncomment(records[top - 1]) if top and records[top - 1].is_comment else None
    if above is not None and len(above.cells) == width and _is_text(above, width):
        return above, top
    return None, top


def _uncomment(record: Record) -> Record:
    cells = [record.cells[0].lstrip().lstrip("#").strip(), *record.cells[1:]]
    return record._replace(cells=cells if cells[0] else cells[1:])


def _header_cells(header: Record, rows: Sequence[Record], width: int) -> list[str]:
    """Return one name for each column; a missing one is that of the row names, or the last."""
    cells = [cell.strip() for cell in header.cells]
    if len(cells) == width + 1 and not cells[-1]:
        return cells[:-1]
    if len(cells) == width - 1:
        last_is_empty = not any(r.cells[-1].strip() for r in rows if len(r.cells) == width)
        return [*cells, ""] if last_is_empty else ["", *cells]
    return cells
