"""Size of the sheets of an Excel file, from the positions of their cells.

python-calamine stores a sheet as a rectangle from its first to its last cell, so that a file of two
cells can need hundreds of gigabytes. It ends the process if the system refuses that memory.
"""

import re
import zipfile
from collections.abc import Iterator
from typing import IO

# The tag of a row or a cell. The position of a cell consists of letters and a number.
_ELEMENT = re.compile(rb"<(?:\w+:)?(row|c)(?:\s[^<>]*)?(?<!/)>")
_POSITION = re.compile(rb"\sr\s*=\s*[\"']([A-Za-z]*)(\d+)[\"']")
_CHUNK_BYTES = 2**20


def count_cells(archive: zipfile.ZipFile) -> int:
    """Return an upper limit of the number of cells of the largest sheet, with those between cells.

    Examples
    --------
    >>> import io
    >>> archive = zipfile.ZipFile(io.BytesIO(), "w")
    >>> archive.writestr("sheet1.xml", '<row r="9"><c r="D9"><v>1</v></c></row>')
    >>> count_cells(archive)
    36
    """
    return max((_count_cells_of_sheet(archive, name) for name in archive.namelist()), default=0)


def _count_cells_of_sheet(archive: zipfile.ZipFile, name: str) -> int:
    """Return the number of rows times the number of columns.

    A row or cell without a position follows the one before it.
    """
    last = {b"row": 0, b"c": 0}
    n_unplaced = {b"row": 0, b"c": 0}
    with archive.open(name) as stream:
        for element in _elements(stream):
            kind, position = element[1], _POSITION.search(element[0])
            if position is None:
                n_unplaced[kind] += 1
                continue
            last[b"row"] = max(last[b"row"], int(position[2]))
            last[b"c"] = max(last[b"c"], _column_number(position[1]))
    return (last[b"row"] + n_unplaced[b"row"]) * (last[b"c"] + n_unplaced[b"c"])


def _elements(stream: IO[bytes]) -> Iterator[re.Match[bytes]]:
    rest = b""
    while chunk := stream.read(_CHUNK_BYTES):
        text = rest + chunk
        end = text.rfind(b"<")  # The last element may continue in the next chunk.
        yield from _ELEMENT.finditer(text, 0, max(end, 0))
        rest = text[max(end, 0) :]
    yield from _ELEMENT.finditer(rest)


def _column_number(letters: bytes) -> int:
    """Return the number of a column, from 1 for A; 0 without letters."""
    number = 0
    for letter in letters.upper():
        number = 26 * number + letter - ord("A") + 1
    return number
