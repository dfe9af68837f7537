"""Notes, separator lines and repeated headers, the lines of a table that are not rows."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Sequence
from typing import IO

from latentmap.data.csv_headers import cell_kind, column_kind
from latentmap.data.csv_separators import Quoting, split_records

MAX_NOTES = 10  # Maximum number of notes below a table.
_CONTEXT_LINES = 100  # Number of lines at the end that are compared with the notes.
_BUFFER_BYTES = 2**20
_TAIL_BYTES = 2**22  # Number of bytes at the end in which empty lines and notes are searched.
# Start of a note that may have a cell for each column, such as "Source: ", "1) " or "* ".
_NOTE_START = re.compile(r"[^\W\d]+:(?:\s|$)|\(?\w{1,2}\)\s|[*†‡©]")
# Line of hyphens below the names of Markdown, psql, MySQL or SAP.
_SEPARATOR_LINE = rb"^[ \t|+:=_,;-]*(?:---|===|___)[ \t|+:=_,;-]*(?=\r?$)"
_SEPARATOR_MARKS, _SEPARATOR_CHARACTERS = ("---", "===", "___"), " \t\r\n|+-=:_"


def count_rows(records: Sequence[Sequence[str]], width: int) -> int:
    """Return the number of records above the blank records and the notes at the end of a table.

    Notes are the records below the last blank one if most of them cannot be rows, because their
    number of cells differs or strings are in columns of numbers. Directly below the rows, a record
    with a single cell is a note, and one with a first cell such as "Source: Eurostat". There are at
    most ten notes.

    Examples
    --------
    >>> count_rows([["a", "1"], ["b", "2"], [""], ["Source: survey", " 2024"]], width=2)
    2
    """
    n_rows = end = _strip_blank(records, len(records))
    n_notes = 0
    while end and (start := _notes_start(records[:end], width)) < end:
        n_notes += end - start
        end = _strip_blank(records, start)
    return end if end and n_notes <= MAX_NOTES else n_rows


def _strip_blank(records: Sequence[Sequence[str]], end: int) -> int:
    while end and _is_blank(records[end - 1]):
        end -= 1
    return end


def _is_blank(cells: Sequence[str]) -> bool:
    """Return whether all cells are empty, or form a line of hyphens below a table."""
    is_separator = any(mark in cell for cell in cells for mark in _SEPARATOR_MARKS)
    return not any(cell.strip(_SEPARATOR_CHARACTERS if is_separator else None) for cell in cells)


def _notes_start(records: Sequence[Sequence[str]], width: int) -> int:
    """Return the index of the first note at the end; the number of records if there is none."""
    n = len(records)
    blanks = [i for i in range(max(0, n - MAX_NOTES - 1), n) if _is_blank(records[i])]
    if blanks and _are_notes(records[blanks[-1] + 1 :], records[: blanks[-1]], width):
        return blanks[-1] + 1
    first, *other_cells = records[-1]
    is_padded = _is_blank(other_cells) and _NOTE_START.match(first.strip())
    return n - 1 if width > 1 and (not other_cells or is_padded) else n


def _are_notes(records: Sequence[Sequence[str]], rows: Sequence[Sequence[str]], width: int) -> bool:
    """Return whether records below a blank one are notes, given the rows above."""
    rows = [cells for cells in rows[-_CONTEXT_LINES:] if len(cells) == width]
    if len(rows) < len(records):
        return False
    kinds = [column_kind(column, min_share=0.5) for column in zip(*rows, strict=True)]
    n_rows = sum(_is_row(cells, kinds) for cells in records)
    return 2 * n_rows < len(records) or bool(_NOTE_START.match(records[0][0].strip()))


def _is_row(cells: Sequence[str], kinds: Sequence[str]) -> bool:
    """Return whether the cells fit the kinds of the columns of a table."""
    if len(cells) != len(kinds):
        return False
    if kinds[0] not in ("number", "date") and len(cells) > 1 and _is_blank(cells[1:]):
        return False
    pairs = zip(cells, kinds, strict=True)
    return all(
        kind not in ("number", "date") or cell_kind(cell) in (kind, "missing")
        for cell, kind in pairs
    )


def _quoted_cell(separator: str | None, quoting: Quoting) -> bytes:
    """Return a pattern of a quoted cell, or of its start if it continues after the text."""
    quote, escape = re.escape(quoting.quote), re.escape(quoting.escape or "")
    before = rf"(?:^|(?<={re.escape(separator or chr(10))}))" + " *" * quoting.follows_space
    quote_inside = rf"{quote}{quote}" + (rf"|{escape}[\s\S]" if escape else "")
    other = f"[^{quote}{escape}]*"
    return f"{before}{quote}{other}(?:(?:{quote_inside}){other})*{quote}?".encode()


def is_separator_line(line: str) -> bool:
    """Return whether a line consists of hyphens between or below the names of columns.

    Examples
    --------
    >>> [is_separator_line(line) for line in ("|---|--:|", "--------+-----", "a,---")]
    [True, True, False]
    """
    return re.match(_SEPARATOR_LINE, line.encode(), re.MULTILINE) is not None


class TableRowStream(io.RawIOBase):
    """A stream of a text table without the lines that are not rows.

    They are notes and blank lines at the end, repeated headers, and separator lines. Headers and
    separator lines become empty lines, so that the numbers of lines do not change. ``n_notes``,
    ``n_headers`` and ``n_blank``, the number of lines of empty cells at the end, are set when the
    stream has been read.

    Parameters
    ----------
    stream : binary stream
    separator : str or None
    quoting : Quoting
    width : int
        Number of columns.
    header : str
        Line with the names of the columns, without its line end, or an empty string.
    has_separator_lines : bool
        Whether lines of hyphens separate names and rows.
    """

    def __init__(
        self,
        stream: IO[bytes],
        separator: str | None,
        quoting: Quoting,
        width: int,
        header: str = "",
        has_separator_lines: bool = False,
    ) -> None:
        self._stream, self._separator, self._quoting = stream, separator, quoting
        self._width, self._header = width, header.encode()
        self._has_separator_lines = has_separator_lines
        self._quote, self._n_quotes = quoting.quote.encode(), 0
        patterns = [rb"(?P<cell>%s)" % _quoted_cell(separator, quoting)]
        if has_separator_lines:
            patterns.insert(0, rb"(?P<separator_line>%s)" % _SEPARATOR_LINE)
        if header:
            patterns.insert(0, rb"(?P<header>^%s(?=\r?$))" % re.escape(self._header))
        self._lines_and_cells = re.compile(b"|".join(patterns), re.MULTILINE)
        self._blank = f"{separator or ''} \t\r\n".encode()
        self._text, self._tail = b"", bytearray()
        self.n_blank = self.n_notes = self.n_headers = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read bytes into a buffer and return their number."""
        is_complete = False
        while not self._text and not is_complete:
            data = self._stream.read(_BUFFER_BYTES)
            self._tail += data
            is_complete = not data
            end = 0
            if is_complete:
                end = self._find_end(bytes(self._tail))
            elif len(self._tail) > 2 * _TAIL_BYTES:
                end = self._tail.rfind(b"\n", 0, len(self._tail) - _TAIL_BYTES) + 1
            self._text = self._without_lines(bytes(self._tail[:end]))
            del self._tail[: None if is_complete else end]
        size = min(len(buffer), len(self._text))
        buffer[:size], self._text = self._text[:size], self._text[size:]
        return size

    def _without_lines(self, text: bytes) -> bytes:
        text = text.replace(codecs.BOM_UTF8, b"")  # Files that were joined have several marks.
        is_in_cell = self._n_quotes % 2
        self._n_quotes += text.count(self._quote)
        if not (self._has_separator_lines or (self._header and self._header in text)):
            return text
        # If the text starts inside a quoted cell, a quote is added for the search.
        replaced = self._lines_and_cells.sub(self._replace_line, self._quote * is_in_cell + text)
        return replaced[is_in_cell:]

    def _replace_line(self, match: re.Match[bytes]) -> bytes:
        """Return a quoted cell as it is, and an empty line for a header or a separator line."""
        self.n_headers += match.lastgroup == "header"
        return match[0] if match.lastgroup == "cell" else b""

    def _find_end(self, tail: bytes) -> int:
        """Return the number of bytes above the blank lines and the notes at the end."""
        newline = tail.find(b"\n", len(tail.rstrip(self._blank)))
        start = end = len(tail) if newline < 0 else newline + 1
        for _ in range(_CONTEXT_LINES):
            start = tail.rfind(b"\n", 0, max(0, start - 1)) + 1
        text = tail[start:end].decode(errors="replace")
        if text.count(self._quoting.quote) % 2:  # The text starts inside a quoted cell.
            text = text[text.index(self._quoting.quote) + 1 :]
        lines = [*io.StringIO(text, newline="")]
        records = split_records(lines, self._separator, quoting=self._quoting, max_cells=None)
        if not records or records[-1].last_line < len(lines):  # The csv module cannot parse them.
            return end
        n_rows = count_rows([record.cells for record in records], self._width)
        self.n_notes = sum(not _is_blank(record.cells) for record in records[n_rows:])
        end -= len("".join(lines[records[n_rows - 1].last_line :]).encode()) if n_rows else 0
        last_lines = tail[end:].split(b"\n")
        self.n_blank = sum(bool(x.strip()) and not x.strip(self._blank) for x in last_lines)
        return end
