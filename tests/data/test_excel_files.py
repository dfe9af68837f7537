import builtins
import datetime
import io
import zipfile

import openpyxl
import pytest

from latentmap.data.excel_files import read_excel, split_sheet
from latentmap.data.excel_size import count_cells
from latentmap.data.table_options import TableOptions
from latentmap.errors import DataError, FileError, TooLargeError, UnknownNameError

DAY = datetime.date(2024, 3, 1)
TIME = datetime.datetime(2024, 3, 1, 12, 30)
ROWS = [
    ["name", "age", "score", "joined", "seen", "member", "code", "price"],
    ["Anna", 31, 2.5, DAY, TIME, True, "007", "1.234,50 €"],
    ["Ben", None, 3, DAY, None, False, "011", "2,00 €"],
    ["Cleo", 25, "n/a", None, TIME, True, "1_1", "-"],
]


@pytest.fixture
def write(tmp_path):
    def write(**sheets):
        workbook = openpyxl.Workbook()
        workbook.remove(workbook.active)
        for title, rows in sheets.items():
            sheet = workbook.create_sheet(title)
            for row in rows:
                sheet.append(row)
        workbook.save(tmp_path / "people.xlsx")
        return tmp_path / "people.xlsx"

    return write


def test_types_and_values(write):
    result = read_excel(write(People=ROWS))
    assert result.table.to_pydict() == {
        "name": ["Anna", "Ben", "Cleo"],
        "age": [31, None, 25],
        "score": [2.5, 3, None],
        "joined": [DAY, DAY, None],
        "seen": [TIME, None, TIME],
        "member": [True, False, True],
        "code": ["007", "011", "1_1"],
        "price": [1234.5, 2, None],
    }
    assert str(result.table["age"].type) == "int64"
    assert result.schema.units == {"price": "€"}
    assert list(result.schema.notes) == ["decimal comma"]


def test_sheets_are_chosen_by_name(write):
    path = write(First=[["a"], [1], [3]], Second=[["b"], [5], [4]])
    result = read_excel(path)
    assert result.table.to_pydict() == {"a": [1, 3]}
    assert list(result.schema.notes) == ["sheet 'First'"]
    assert read_excel(f"{path}:Second").table.to_pydict() == {"b": [5, 4]}
    with pytest.raises(UnknownNameError, match=r"unknown sheet 'Secnd', did you mean 'Second'"):
        read_excel(f"{path}:Secnd")
    assert split_sheet(path) == (path, None)


def test_titles_and_counters_are_left_out(write):
    rows = [["Sales of May"], [], [None, "size", "kind"], *([i, i / 2, "ab"] for i in range(9))]
    result = read_excel(write(Sales=rows))
    assert result.table.column_names == ["size", "kind"]
    assert result.table.num_rows == 9
    assert list(result.schema.notes) == [
        "skipped 2 lines at the top",
        "left out column 1 (a row counter)",
    ]


def test_notes_below_an_empty_row_are_left_out(write):
    rows = [["town", "size"], ["a b", None], ["c", 2.5]]
    notes = [[None, None], ["Source: Eurostat", None], ["* provisional values", None]]
    for sheet in (rows, rows + notes):
        table = read_excel(write(Towns=sheet)).table
        assert table.to_pydict() == {"town": ["a b", "c"], "size": [None, 2.5]}


def test_titles_and_repeated_headers_and_notes_in_every_column_are_left_out(write):
    rows = [[f"t{i}", i, i / 2] for i in range(9)]
    header, notes = ["town", "people", "area"], ["© Office", "Berlin", 2024]
    sheet = [["Report", None, None], ["2024", None, None], header, *rows, header, *rows]
    table, schema = read_excel(write(Towns=[*sheet, [None] * 3, notes]))
    assert [str(kind) for kind in table.schema.types] == ["string", "int64", "double"]
    assert table.num_rows == 18
    assert schema.notes[-2:] == ("skipped 1 comment line", "left out 1 repeated header")


def test_options(write):
    path = write(People=ROWS)
    options = TableOptions(columns=("age", "code"), roles={"age": "category"}, missing=("25",))
    assert read_excel(path, options).table.to_pydict() == {
        "age": ["31", None, None],
        "code": ["007", "011", "1_1"],
    }


def test_all_problems_are_reported_together(write):
    options = TableOptions(roles={"name": "number"}, drop=("ag",))
    with pytest.raises(DataError) as error:
        read_excel(write(People=ROWS), options)
    assert str(error.value).splitlines() == [
        "people.xlsx: 2 problems:",
        "  - --drop: unknown column 'ag', did you mean 'age'?",
        "  - line 2, column name: expected a number, found 'Anna' (and 2 more cells); treat it as "
        "missing with --missing Anna --missing Ben --missing Cleo, or the column as categories "
        "with --as name=category",
    ]


def test_an_empty_sheet(write):
    with pytest.raises(DataError, match=r"^people.xlsx: expected rows, found an empty file$"):
        read_excel(write(Empty=[]))


@pytest.mark.parametrize("content", [b"", b"not a workbook", b"PK\x03\x04" + b"\0" * 100])
def test_other_files(tmp_path, content):
    path = tmp_path / "people.xlsx"
    path.write_bytes(content)
    with pytest.raises(FileError, match=r"^people.xlsx: cannot be read as an Excel file"):
        read_excel(path)


def test_memory_is_checked_before_a_file_is_read(write, monkeypatch):
    path = write(People=ROWS)
    monkeypatch.setattr("latentmap.data.memory.available_bytes", lambda: 1000)
    with pytest.raises(TooLargeError, match=r"people.xlsx: needs"):
        read_excel(path)


def test_without_calamine_the_extra_is_named(write, monkeypatch):
    path, import_module = write(People=ROWS), builtins.__import__

    def refuse(name, *args, **kwargs):
        if name == "python_calamine":
            raise ImportError(name)
        return import_module(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(FileError, match=r"run pip install latentmap\[excel\]"):
        read_excel(path)


def edit(path, change, member="xl/worksheets/sheet1.xml"):
    """Change a member of an Excel file."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members[member] = change(members.get(member, b""))
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


@pytest.mark.parametrize(
    "cells",
    [
        '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>',
        "<row r='1048576'><c r='xfd1048576'><v>1</v></c></row>",
        '<row r="9"><c r="ZZZZZZ99999999999"><v>1</v></c></row>',
        '<row r="99999999">' + "<c><v>1</v></c>" * 9999 + "</row>",
        '<x:row r="1048576"><x:c\nr="XFD1048576"><x:v>1</x:v></x:c></x:row>',
        '<row r="9"><c x=">" r="XFD1048576"><v>1</v></c></row>',
    ],
)
def test_a_sheet_whose_last_cell_is_far_away_is_refused(write, cells):
    path = write(People=ROWS)
    edit(path, lambda xml: xml.replace(b"</sheetData>", cells.encode() + b"</sheetData>"))
    with pytest.raises(TooLargeError, match=r"people\.xlsx: needs .* GB of memory"):
        read_excel(path)


def test_a_stated_number_of_strings_is_not_trusted(write):
    path = write(People=ROWS)
    edit(path, lambda xml: b'<sst x=">" uniqueCount="9999999999"/>', "xl/sharedStrings.xml")
    with pytest.raises(TooLargeError, match=r"people\.xlsx: needs .* GB of memory"):
        read_excel(path)


def test_a_large_file_of_spaces_is_refused_at_once(write, monkeypatch):
    path = write(People=ROWS)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet2.xml", b" " * 101_000_000)
    monkeypatch.setattr("latentmap.data.excel_files.count_cells", lambda archive: 1 / 0)
    with pytest.raises(FileError, match=r"people\.xlsx: 'xl/worksheets/sheet2\.xml' has 101 MB"):
        read_excel(path)


@pytest.mark.parametrize("end", [b"<row>", b"<row r=1/>", b"&b;", b"\0", b"\xff"])
def test_a_sheet_that_is_not_valid_xml_is_refused(write, end):
    path = write(People=ROWS)
    edit(path, lambda xml: xml.replace(b"</sheetData>", end + b"</sheetData>"))
    with pytest.raises(FileError, match=r"people\.xlsx: cannot be read as an Excel file \("):
        read_excel(path)


def test_entities_are_not_expanded(write):
    path = write(People=ROWS)
    entities = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10 if i else "x"}">' for i in range(9))
    sheet = f"<!DOCTYPE a [{entities}]><worksheet><sheetData>&e8;</sheetData></worksheet>"
    edit(path, lambda xml: sheet.encode())
    with pytest.raises(FileError, match=r"people\.xlsx: cannot be read as an Excel file \("):
        read_excel(path)


def test_empty_cells_far_away_are_not_counted():
    archive = zipfile.ZipFile(io.BytesIO(), "w")
    archive.writestr(
        "a.xml",
        b"<sheetData>"
        + b'<row r="2"><c r="B2"><v>1</v></c><c r="XFD2" s="1"/></row>' * 50_000
        + b"</sheetData>",
    )
    assert count_cells(archive) == 4
