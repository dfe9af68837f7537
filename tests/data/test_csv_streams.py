import json
import re
from pathlib import Path

import pyarrow as pa
import pytest

from latentmap.data.csv_files import read_csv, stream_csv
from latentmap.data.table_options import TableOptions
from latentmap.errors import DataError

FILES = Path(__file__).with_name("csv")
NAMES = json.loads((FILES / "expected.json").read_text(encoding="utf-8"))


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.setattr("latentmap.data.csv_rows._BLOCK_BYTES", 2**12)

    def write(text):
        path = tmp_path / "rows.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize("name", NAMES)
def test_batches_equal_the_table_in_memory(name):
    stream, result = stream_csv(FILES / name), read_csv(FILES / name)
    assert pa.Table.from_batches(list(stream)).equals(result.table)
    assert stream.description.schema.notes == result.schema.notes
    assert stream.description.schema.units == result.schema.units
    assert stream.description.schema.boolean_strings == result.schema.boolean_strings


@pytest.mark.parametrize(
    ("start", "end", "type_"),
    [
        ("1", "1.5", pa.float64()),
        ("1", "x", pa.string()),
        ("1", "007", pa.string()),
        ("", "5", pa.int64()),
        ("", "", pa.null()),
        ("2024-03-01", "2024-03-01 12:30", pa.timestamp("us")),
        ("2024-03-01", "2024-02-31", pa.string()),
        ("03/01/2024", "25/01/2024", pa.date32()),
        ("yes", "maybe", pa.string()),
        ("20240131", "20240228", pa.date32()),
        ("20240131", "20240231", pa.int64()),
    ],
)
def test_the_last_row_of_a_large_file_counts(write, start, end, type_):
    path = write("a,b\n" + f"{start},1\n" * 2000 + f"{end},2\n")
    stream = stream_csv(path)
    batches = list(stream)
    assert len(batches) > 1
    assert {batch.schema.field("a").type for batch in batches} == {type_}
    assert pa.Table.from_batches(batches).equals(read_csv(path).table)


@pytest.mark.parametrize("end", ["04/01/2024", "25/01/2024", "01/25/2024"])
def test_the_order_of_dates_is_that_of_all_columns_and_rows(write, end):
    path = write("a,b\n" + "03/01/2024,02/01/2024\n" * 2000 + f"03/01/2024,{end}\n")
    stream, result = stream_csv(path), read_csv(path)
    assert pa.Table.from_batches(list(stream)).equals(result.table)
    assert stream.description.schema.notes == result.schema.notes
    expected = {"04/01/2024": 2, "25/01/2024": 1, "01/25/2024": 1}
    assert len([note for note in result.schema.notes if note.endswith("first")]) == expected[end]


def test_columns_are_selected(write):
    path = write("a,b,c\n1,2,3\n")
    (batch,) = stream_csv(path, TableOptions(columns=("c", "a"), roles={"a": "category"}))
    assert batch.to_pydict() == {"a": ["1"], "c": [3]}


def test_all_problems_are_reported_together(write):
    text = "age,size\n" + "1,2\n" * 2000 + "1,2,3\n1,x\n"
    with pytest.raises(DataError) as error:
        stream_csv(write(text), TableOptions(drop=("aga",), roles={"size": "number"}))
    assert str(error.value).splitlines() == [
        "rows.csv: 3 problems:",
        "  - --drop: unknown column 'aga', did you mean 'age'?",
        "  - line 2,002: expected 2 columns, found 3; another separator is set with --separator",
        "  - line 2,003, column size: expected a number, found 'x'; treat it as missing with "
        "--missing x, or the column as categories with --as size=category",
    ]


def test_short_lines_are_filled(write):
    path = write("a,b,c\n" + "1,2,3\n" * 20_000 + "4,5\n" + "6,7,8\n" * 3)
    stream = stream_csv(path)
    rows = pa.Table.from_batches(list(stream))
    assert rows.equals(read_csv(path).table)
    assert rows["c"][20_000].as_py() is None
    assert stream.description.schema.notes == ("filled 1 short line",)


def test_few_texts_among_numbers_are_a_warning_with_the_line(write):
    stream = stream_csv(write("a,b\n" + "1,2\n" * 2000 + "1,x\n" + "1,2\n" * 10))
    (warning,) = stream.description.schema.warnings
    assert warning.startswith("line 2,002, column b: expected an integer, found 'x';")


def test_an_empty_file(write):
    sentence = "rows.csv: expected at least one row, found only a header"
    with pytest.raises(DataError, match=f"^{re.escape(sentence)}$"):
        stream_csv(write("a,b\n"))


def test_totals_in_the_last_row_of_a_large_file_are_a_warning(write):
    rows = "region,units\n" + "north,1\nsouth,2\n" * 1000
    (warning,) = stream_csv(write(f"{rows}Total,3000\n")).description.schema.warnings
    assert warning.startswith("line 2,002, column region: expected a row, found 'Total'")
    repeated = f"{rows}Total,1\n" + "north,1\nTotal,1\n"
    assert stream_csv(write(repeated)).description.schema.warnings == ()
    assert stream_csv(write(f"{rows}Total,1\n{rows[13:]}")).description.schema.warnings == ()
