"""Layout of a text table: encoding, separator, lines above the table, and names of columns.

DuckDB, polars and pandas read fewer than half of the files in tests/data/csv correctly;
docs/decisions contains the comparison.
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from latentmap.data.csv_headers import (
    cell_kind,
    find_units,
    is_description,
    is_header,
    unique_names,
)
from latentmap.data.csv_separators import (
    DOUBLE_QUOTES,
    Quoting,
    Record,
    detect_quoting,
    detect_separator,
    is_text_record,
    most_common_width,
    split_records,
)
from latentmap.data.table_notes import count_rows, is_separator_line
from latentmap.data.table_options import TableOptions
from latentmap.data.text_files import UTF8, detect_encoding, read_start
from latentmap.errors import DataError, SettingError

_SAMPLE_BYTES = 2**18
_MAX_SAMPLE_BYTES = 2**24
_MIN_LINES = 20
_MAX_LINES_ABOVE = 50
_MAX_COLUMNS = 50_000  # The types of more columns take minutes to detect.
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)


@dataclass(frozen=True)
class TableLayout:
    """First row of a table, and the names of its columns.

    ``units`` come from a row below the names. ``empty_names`` are the columns whose name is empty
    in the file, and ``renamed_columns`` are the columns whose name differs from the file.
    ``header_line`` is the line of the names, or 0 if there is none or if it is not a single line.
    ``separator`` is None for a single column.
    """

    name: str
    names: tuple[str, ...]
    empty_names: frozenset[str]
    renamed_columns: tuple[str, ...]
    header: bool
    header_line: int
    has_numeric_header: bool
    skipped_lines: int
    first_line: int
    units: Mapping[str, str] = field(default_factory=dict)
    separator: str | None = None
    encoding: str = "utf-8"


@dataclass(frozen=True)
class CsvLayout(TableLayout):
    """Layout of a text table.

    ``offset`` is the number of UTF-8 bytes above the first row. ``header_text`` is the line of the
    names without its line end. ``has_separator_lines`` says whether the table has lines of hyphens.
    """

    path: Path = Path()
    quoting: Quoting = DOUBLE_QUOTES
    offset: int = 0
    header_text: str = ""
    has_separator_lines: bool = False
    longest_line: int = 0
    cells_per_byte: float = 0.0


def detect_layout(path: Path, options: TableOptions) -> CsvLayout:
    """Detect the layout of a text table; options override what is detected.

    Raise DataError if there are no rows, and FileError if it is not text.
    """
    encoding, text_lines = _read_lines(path, options)
    has_separator_lines = any(map(is_separator_line, text_lines[:_MAX_LINES_ABOVE]))
    lines = [
        "\n" if has_separator_lines and is_separator_line(line) else line for line in text_lines
    ]
    if 2 * sum(map(_is_latex_row, lines)) > len(lines):
        raise DataError(
            f"{path.name}: expected a text table, found LaTeX; remove \\\\ at the ends of the "
            "lines and the lines without &, and use --separator '&'"
        )
    separator_line = _SEPARATOR_LINE.fullmatch(lines[0]) if lines else None
    n_above = 1 if separator_line else 0
    quoting = Quoting(options.quote) if options.quote else detect_quoting(lines)
    separator = (
        options.separator
        or (separator_line and separator_line[1])
        or detect_separator(lines[n_above:], quoting)
    )
    records = split_records(lines[n_above:], separator, n_above, quoting)
    layout = table_layout(path.name, records, options.header, n_above)
    sample = "".join(lines[: records[-1].last_line])
    return CsvLayout(
        **vars(replace(layout, separator=separator, encoding=encoding)),
        path=path,
        quoting=quoting,
        offset=len("".join(text_lines[: layout.first_line - 1]).encode()),
        header_text=lines[layout.header_line - 1].rstrip("\r\n") if layout.header_line else "",
        has_separator_lines=has_separator_lines,
        longest_line=max(map(len, lines)),
        cells_per_byte=sum(len(record.cells) for record in records) / len(sample.encode()),
    )


def _is_latex_row(line: str) -> bool:
    return "&" in line and line.rstrip().endswith(r"\\")


def table_layout(
    name: str, records: Sequence[Record], header: bool | None, n_above: int = 0
) -> TableLayout:
    """Find the header and the first row; ``n_above`` lines are above the first record.

    ``header`` overrides the detection. Raise DataError if there are no rows.
    """
    width = most_common_width(records)
    n_rows = count_rows([record.cells for record in records], width)
    records = [record for record in records[:n_rows] if not record.is_blank]
    if not records:
        raise DataError(f"{name}: expected rows, found an empty file")
    if width > _MAX_COLUMNS:
        raise DataError(
            f"{name}: expected at most {_MAX_COLUMNS:,} columns, found {width:,}; store a larger "
            "matrix as .npy, .npz or .h5ad"
        )
    top = _index_of_first_row(records, width)
    first, top = _find_header(records, top, width, header)
    if top == len(records):
        raise DataError(f"{name}: expected at least one row, found only a header")
    cells = _header_cells(first, records[top:], width) if first else [""] * width
    n_header_lines = first.last_line - first.line + 1 if first else 0
    if first and _is_second_header(cells, records[top:]):
        n_header_lines = records[top].last_line - first.line + 1
        cells, top = _join_headers(cells, records[top].cells), top + 1
    names = unique_names(cells)
    named_cells = list(zip(names, cells, strict=True))
    units = _units(names, records[top:]) if first else {}
    while first and not units and _has_description(records[top:], width):
        top += 1
    last_line = records[top - 1].last_line if top else n_above
    return TableLayout(
        name=name,
        names=names,
        empty_names=frozenset(name for name, cell in named_cells if not cell),
        renamed_columns=tuple(name for name, cell in named_cells if name != " ".join(cell.split())),
        header=first is not None,
        header_line=first.line if first and n_header_lines == 1 else 0,
        has_numeric_header=any(cell_kind(cell) == "number" for cell in cells),
        skipped_lines=last_line - n_header_lines,
        first_line=(records[top].last_line if units else last_line) + 1,
        units=units,
    )


def _has_description(records: Sequence[Record], width: int) -> bool:
    """Return whether the first record describes the columns instead of holding their values."""
    rows = [record.cells for record in records[1:] if len(record.cells) == width]
    return len(records[0].cells) == width and is_description(records[0].cells, rows)


def _units(names: Sequence[str], records: Sequence[Record]) -> dict[str, str]:
    """Return the units in the record below the header; the result is empty if it has none."""
    rows = [record.cells for record in records[1:] if len(record.cells) == len(names)]
    if not rows or len(records[0].cells) != len(names):
        return {}
    units = find_units(records[0].cells, rows)
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
        if len(start) < size:
            return encoding, lines
        if len(lines) > _MIN_LINES or size >= _MAX_SAMPLE_BYTES:
            # The last line may be incomplete, because a limited number of bytes was read.
            return encoding, lines[:-1] or lines
        size *= 4


def _index_of_first_row(records: Sequence[Record], width: int) -> int:
    """Return the index of the first record below the comments and titles."""
    for i, record in enumerate(records[:_MAX_LINES_ABOVE]):
        if not (record.is_comment or _is_title(records, i, width)):
            return i
    return 0


def _is_title(records: Sequence[Record], i: int, width: int) -> bool:
    if i + 1 == len(records):
        return False
    if len(records[i].cells) == width:
        return width > 1 and _is_padded_title(records[i]) and _is_header_next(records, i + 1, width)
    if not any(cell_kind(cell) == "text" for cell in records[i].cells):
        return False
    next_is_header = is_text_record(records[i + 1], width)
    # If one name is missing, the first column holds the names of the rows.
    may_be_header = abs(len(records[i].cells) - width) == 1 and is_text_record(
        records[i], len(records[i].cells)
    )
    return next_is_header or not may_be_header or _is_title(records, i + 1, width)


def _is_padded_title(record: Record) -> bool:
    """Return whether only the first cell is filled, or the first one ends with a colon."""
    first, *other_cells = record.cells
    is_alone = first.strip() != "" and not any(cell.strip() for cell in other_cells)
    return is_alone or first.rstrip().endswith(":")


def _is_header_next(records: Sequence[Record], i: int, width: int) -> bool:
    """Return whether names with numbers below them follow, after at most a few titles."""
    while i < len(records) and len(records[i].cells) == width and _is_padded_title(records[i]):
        i += 1
    rows = [record.cells for record in records[i + 1 :] if len(record.cells) == width]
    has_numbers_below = any(not is_text_record(r, width) for r in records[i + 1 : i + 3])
    return (
        has_numbers_below and len(records[i].cells) == width and is_header(records[i].cells, rows)
    )


def _find_header(
    records: Sequence[Record], top: int, width: int, header: bool | None
) -> tuple[Record | None, int]:
    """Return the record with the names, if there is one, and the index of the first row."""
    rows = [r.cells for r in records[top + 1 :] if len(r.cells) == width]
    first = records[top]
    if header is None:
        is_first_header = len(first.cells) != width or is_header(first.cells, rows)
        header = is_first_header or _is_second_header(first.cells, records[top + 1 :])
    if header:
        return first, top + 1
    comments = [_without_comment_sign(r) for r in records[:top] if r.is_comment]
    comments = [r for r in comments if not r.is_blank][-2:]
    names = [record for record in comments if is_text_record(record, width)]
    if len(names) == 2 and find_units(names[1].cells, rows):
        return names[0], top - 1
    return (names[-1], top) if names and names[-1] is comments[-1] else (None, top)


def _without_comment_sign(record: Record) -> Record:
    cells = [record.cells[0].lstrip().lstrip("#").strip(), *record.cells[1:]]
    return record._replace(cells=cells if cells[0] else cells[1:] or [""])


def _header_cells(header: Record, rows: Sequence[Record], width: int) -> list[str]:
    """Return one name for each column; the name of the first or of the last one may be missing."""
    cells = [cell.strip() for cell in header.cells]
    if len(cells) == width + 1 and not cells[-1]:
        return cells[:-1]
    if len(cells) == width - 1:
        last_is_empty = not any(r.cells[-1].strip() for r in rows if len(r.cells) == width)
        return [*cells, ""] if last_is_empty else ["", *cells]
    return cells


def _is_second_header(groups: Sequence[str], records: Sequence[Record]) -> bool:
    """Return whether the names of columns are below those of groups of columns.

    A group has a name above its first column only, or above all of them, as in a header of years.
    Names are strings above numbers.
    """
    rows = [record.cells for record in records if len(record.cells) == len(groups)]
    if len(rows) < 2 or not any(groups) or rows[0] != records[0].cells:
        return False
    pairs = list(zip(groups, rows[0], strict=True))
    has_new_names = any(not group.strip() and cell.strip() for group, cell in pairs)
    n_groups = len({group for group in groups if group.strip()})
    is_grouped = has_new_names or len(set(pairs)) == len(groups) > n_groups + groups.count("")
    return is_grouped and is_header(rows[0], rows[1:]) and not is_header(rows[1], rows[2:])


def _join_headers(groups: Sequence[str], names: Sequence[str]) -> list[str]:
    """Return the name of each column after that of its group, such as "Size min".

    Examples
    --------
    >>> _join_headers(["", "Size", ""], ["town", "min", "max"])
    ['town', 'Size min', 'Size max']
    """
    cells, group = [], ""
    for group_cell, name in zip(groups, names, strict=True):
        group = group_cell or group
        cells.append(f"{group} {name}".strip())
    return cells
