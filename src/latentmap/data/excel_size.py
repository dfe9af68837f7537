"""Size of the contents of an Excel file, from its XML.

python-calamine stores a sheet as a rectangle from its first to its last cell, and reserves memory
for the stated number of strings, so that a file of a kilobyte can need hundreds of gigabytes. It
ends the process if the system refuses that memory.
"""

import re
import zipfile
from xml.parsers import expat

_POSITION = re.compile(r"([A-Za-z]*)([0-9]+)")
_CONTENT = ("v", "is", "f")  # Elements of a cell that is not empty.
# Elements without which python-calamine finds neither cells nor strings.
_CELL_ELEMENTS = re.compile(rb"sheetData|\bsst\b")
_CHUNK_BYTES = 2**20


def count_cells(archive: zipfile.ZipFile) -> int:
    """Return an upper limit of the number of cells of the largest sheet, with those between cells.

    The stated number of strings counts as well. Raise ExpatError if a sheet is not valid XML.

    Examples
    --------
    >>> import io
    >>> archive = zipfile.ZipFile(io.BytesIO(), "w")
    >>> archive.writestr("sheet1.xml", '<row r="9"><c r="D9"><v>1</v></c></row>')
    >>> count_cells(archive)
    36
    """
    return max((_CellCounter(archive, name).count() for name in archive.namelist()), default=0)


class _CellCounter:
    """Counter of the cells of a sheet, or of the strings of a list of strings."""

    def __init__(self, archive: zipfile.ZipFile, name: str) -> None:
        self.archive, self.name = archive, name
        self.last_row = self.last_column = self.n_strings = 0
        # A row or cell without a position follows the one before it.
        self.unplaced_rows = self.unplaced_cells = 0
        self.position: str | None = None  # Position of a cell, None after its first content.

    def count(self) -> int:
        """Return the number of rows times the number of columns, or the number of strings."""
        parser = expat.ParserCreate()
        parser.StartElementHandler = self._start_element
        try:
            with self.archive.open(self.name) as stream:
                while chunk := stream.read(_CHUNK_BYTES):
                    parser.Parse(chunk)
                parser.Parse(b"", True)
        except expat.ExpatError:
            # Images and other files that are not XML have no cells.
            if _CELL_ELEMENTS.search(self.archive.read(self.name)):
                raise
            return 0
        n_rows = self.last_row + self.unplaced_rows
        return max(n_rows * (self.last_column + self.unplaced_cells), self.n_strings)

    def _start_element(self, name: str, attributes: dict[str, str]) -> None:
        tag = name.rpartition(":")[2]
        if tag == "c":
            self.position = attributes.get("r", "")
        elif tag == "row":
            self.position = None
            self._count_row(attributes.get("r", ""))
        elif tag in _CONTENT and self.position is not None:
            self._count_cell(self.position)
            self.position = None
        elif tag == "sst":
            count = attributes.get("uniqueCount", "")
            self.n_strings = int(count[:30]) if count.isdecimal() else 0

    def _count_row(self, position: str) -> None:
        if match := _POSITION.fullmatch(position):
            self.last_row = max(self.last_row, int(match[2][:30]))
        else:
            self.unplaced_rows += 1

    def _count_cell(self, position: str) -> None:
        if match := _POSITION.fullmatch(position):
            self._count_row(position)
            self.last_column = max(self.last_column, _column_number(match[1][:30]))
        else:
            self.unplaced_cells += 1


def _column_number(letters: str) -> int:
    """Return the number of a column, from 1 for A; 0 without letters."""
    number = 0
    for letter in letters.upper():
        number = 26 * number + ord(letter) - ord("A") + 1
    return number
