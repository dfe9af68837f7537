import bz2
import gzip
import io
import json
import lzma
import re
from pathlib import Path

import pyarrow as pa
import pytest

from latentmap.data import open_data, table_notes, text_files
from latentmap.data.csv_files import read_csv
from latentmap.data.csv_layout import detect_layout
from latentmap.data.table_options import TableOptions
from latentmap.errors import DataError, FileError, SettingError, TooLargeError

FILES = Path(__file__).with_name("csv")
EXPECTED = json.loads((FILES / "expected.json").read_text(encoding="utf-8"))


@pytest.fixture
def write(tmp_path):
    def write(text, name="rows.csv"):
        data = text if isinstance(text, bytes) else text.encode()
        (tmp_path / name).write_bytes(data)
        return tmp_path / name

    return write


def read(path, **options):
    return read_csv(path, TableOptions(**options))


@pytest.mark.parametrize("name", EXPECTED)
def test_files_are_read_as_their_authors_meant_them(name):
    expected = EXPECTED[name]
    result = read_csv(FILES / name)
    types = {field.name: str(field.type) for field in result.table.schema}
    assert types == expected["columns"]
    assert result.table.num_rows == expected["rows"]
    assert detect_layout(FILES / name, TableOptions()).separator == expected["separator"]
    assert ("decimal comma" in result.schema.notes) == (expected["decimal"] == ",")
    assert result.schema.has_string_names == expected["header"]
    assert dict(result.schema.units) == expected.get("units", {})
    assert not result.schema.warnings


@pytest.mark.parametrize(
    ("name", "notes"),
    [
        ("mixed.csv", []),
        ("numeric-header.csv", ["header of numbers"]),
        ("decimal-comma-no-header.csv", ["separator ';'", "decimal comma", "no header"]),
        ("index-column.csv", ["left out column 1 (a row counter)"]),
        ("unnamed-counter.csv", ["left out Unnamed: 0 (a row counter)"]),
        ("trailing-delimiter.csv", ["separator ';'", "left out column 4 (empty)"]),
        ("title-row.csv", ["skipped 1 line at the top"]),
        ("comments-inside.csv", ["skipped 2 lines at the top", "skipped 1 comment line"]),
        ("duplicate-names.csv", ["named a (2), column 3"]),
        ("cp1252.csv", ["separator ';'", "decimal comma", "encoding cp1252"]),
        ("aligned.txt", ["separator spaces"]),
        ("units-row.csv", ["units below the header"]),
        ("decimal-comma-one-column.csv", ["decimal comma"]),
        ("gaps.tsv", ["separator tab"]),
    ],
)
def test_notes_say_what_was_detected(name, notes):
    assert list(read_csv(FILES / name).schema.notes) == notes


def test_values_of_a_mixed_table():
    table = read_csv(FILES / "mixed.csv").table.slice(2, 1).to_pylist()
    assert table[0]["name"] == "customer 002"
    assert table[0]["age"] == 49
    assert table[0]["member"] is False
    assert table[0]["joined"].isoformat() == "2021-01-18"
    assert table[0]["comment"] == "friendly staff, will return"


def test_values_of_european_numbers():
    table = read_csv(FILES / "european.csv").table
    assert table["Betrag"].to_pylist()[:3] == [1000, 1100.5, 1201]
    assert table["Anteil"].to_pylist()[:3] == [0, 0.5, 1]
    assert table["Stück"].to_pylist()[:3] == [1000, 1001, 1002]


def test_values_of_numbers_that_fit_both_decimal_separators():
    table = read_csv(FILES / "ambiguous-thousands.csv").table
    assert table.slice(0, 1).to_pylist() == [{"people": 1100, "share": 2.1}]


def test_dates_that_fit_both_orders_are_noted(write):
    result = read_csv(write("day,x\n03/01/2024,1\n04/02/2024,5\n"))
    assert result.table["day"][0].as_py().isoformat() == "2024-03-01"
    assert list(result.schema.notes) == ["day: month first"]


def test_the_order_of_ambiguous_dates_is_an_option_and_that_of_other_columns(write):
    path = write("day,x\n03/01/2024,1\n04/02/2024,5\n")
    result = read(path, day_first=True)
    assert result.table["day"][0].as_py().isoformat() == "2024-01-03"
    assert list(result.schema.notes) == ["day: day first"] and result.schema.day_first is True
    result = read_csv(write("start,end\n03/01/2024,25/01/2024\n04/02/2024,26/02/2024\n"))
    assert result.table["start"][0].as_py().isoformat() == "2024-01-03"
    assert list(result.schema.notes) == ["start: day first"] and result.schema.day_first is True


@pytest.mark.parametrize("name", ["rows.csv", "rows.xlsx"])
def test_the_number_of_a_column_is_its_name_if_there_is_no_header(write, name):
    rows = [(5.1, 3.5, "a"), (4.9, 3.0, "b"), (6.1, 3.1, "a"), (5.5, 2.5, "b")]
    if name.endswith("csv"):
        path = write("\n".join(",".join(map(str, row)) for row in rows))
    else:
        path = write(b"", name)
        pytest.importorskip("python_calamine")
        workbook = pytest.importorskip("openpyxl").Workbook()
        for row in rows:
            workbook.active.append(row)
        workbook.save(path)
    opened = open_data(path, label="3", options=TableOptions(drop=("2",)))
    assert opened.labels.tolist() == ["a", "b", "a", "b"]
    assert opened.feature_names == ["column 1"]


def test_quoted_cells_keep_their_lines():
    texts = read_csv(FILES / "quoted-lines.csv").table["text"]
    assert texts[0].as_py().splitlines() == ["line one, of 0", 'line "two"']


def test_a_header_of_numbers_can_be_read_as_a_row(write):
    result = read(FILES / "numeric-header.csv", header=False)
    assert result.table.num_rows == 41
    assert result.table.column_names == [f"column {i}" for i in range(1, 5)]
    result = read(FILES / "decimal-comma-no-header.csv", header=True)
    assert result.table.column_names == ["5,1", "3,5", "1,4", "0,2"]
    assert result.table.num_rows == 30


def test_options_override_what_is_detected(write):
    path = write("a;b\n1,5;2\n2,5;3\n")
    assert read(path, separator=",").table.column_names == ["a;b"]
    assert read(path, decimal=".").table["a"].to_pylist() == ["1,5", "2,5"]
    assert read(write("a\nx\n-9\n3\n"), missing=("x", "-9")).table["a"].to_pylist() == [
        None,
        None,
        3,
    ]
    assert read(write("a\né\n".encode("cp437")), encoding="cp437").table["a"].to_pylist() == ["é"]


def test_columns_are_selected(write):
    path = write("a,b,c\n1,2,3\n4,5,6\n")
    assert read(path, columns=("c", "a")).table.column_names == ["a", "c"]
    assert read(path, drop=("a",)).table.column_names == ["b", "c"]
    assert read(path, roles={"b": "category"}).table["b"].to_pylist() == ["2", "5"]


def test_a_requested_counter_is_not_left_out():
    result = read(FILES / "unnamed-counter.csv", columns=("Unnamed: 0", "kind"))
    assert result.table.column_names == ["Unnamed: 0", "kind"]


@pytest.mark.parametrize(
    ("suffix", "compress"),
    [
        (".gz", gzip.compress),
        (".bz2", bz2.compress),
        (".xz", lzma.compress),
        (".zst", lambda data: pa.compress(data, "zstd", asbytes=True)),
    ],
)
def test_compressed_files(write, suffix, compress):
    data = (FILES / "mixed.csv").read_bytes()
    result = read_csv(write(compress(data), f"mixed.csv{suffix}"))
    assert result.table.equals(read_csv(FILES / "mixed.csv").table)


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz", ".zst"])
def test_damaged_compressed_files(write, suffix):
    with pytest.raises(FileError, match=rf"^rows\.csv\{suffix}: cannot be read as text"):
        read_csv(write(b"not compressed", f"rows.csv{suffix}"))


def test_truncated_compressed_file(write):
    data = gzip.compress(b"a,b\n" + b"1,2\n" * 100_000)
    with pytest.raises(FileError, match=r"rows\.csv\.gz: cannot be read as text"):
        read_csv(write(data[: len(data) // 2], "rows.csv.gz"))


def test_a_compressed_file_that_exceeds_the_memory_is_refused(write, monkeypatch):
    path = write(gzip.compress(b"a,b\n" + b"1,2\n" * 10**6), "rows.csv.gz")
    assert path.stat().st_size < 20_000
    monkeypatch.setattr("latentmap.data.csv_rows.available_bytes", lambda: 10_000_000)
    with pytest.raises(TooLargeError, match=r"rows.csv.gz: expected at most 0.0 GB of text"):
        read_csv(path)


def test_memory_is_checked_before_a_file_is_read(write, monkeypatch):
    path = write("a,b\n" + "1,2\n" * 100_000)
    monkeypatch.setattr("latentmap.data.memory.available_bytes", lambda: 3_000_000)
    with pytest.raises(TooLargeError, match=r"rows.csv: needs 0.0 GB"):
        read_csv(path)


def test_a_later_byte_that_is_not_utf8_selects_an_8_bit_encoding(write):
    text = "name,size\n" + "x,1\n" * 100_000 + "Zürich,2\n"
    result = read_csv(write(text.encode("cp1252")))
    assert "encoding cp1252" in result.schema.notes
    assert result.table["name"][-1].as_py() == "Zürich"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "rows.csv: expected rows, found an empty file"),
        ("\n \n", "rows.csv: expected rows, found an empty file"),
        ("a,b\n", "rows.csv: expected at least one row, found only a header"),
        (
            "a & b \\\\\n\\hline\n1 & 2 \\\\\n",
            r"rows.csv: expected a text table, found LaTeX; remove \\ at the ends of the lines "
            "and the lines without &, and use --separator '&'",
        ),
    ],
)
def test_no_rows(write, text, sentence):
    with pytest.raises(DataError, match=f"^{re.escape(sentence)}$"):
        read_csv(write(text))


def test_ragged_lines_are_an_error_with_the_line_of_an_editor(write):
    lines = ["a,b,c", *['1,"x\ny",3'] * 7, "1,2,3,4", "1,2", *["1,2,3"] * 7]
    sentence = (
        "rows.csv, line 16: expected 3 columns, found 4 (and 1 more line); "
        "another separator is set with --separator"
    )
    with pytest.raises(DataError, match=f"^{re.escape(sentence)}$"):
        read_csv(write("\n".join(lines)))


def test_short_lines_are_filled(write):
    text = "a,b,c\n1,2,x\n# note\n1,2\n1,2,y\n\n" + "1,2,x\n" * 9 + "\nSource: a survey\n"
    result = read_csv(write(text))
    assert result.table["c"].to_pylist() == ["x", None, "y", *["x"] * 9]
    assert list(result.schema.notes) == ["skipped 2 comment lines", "filled 1 short line"]


def test_lines_of_invalid_cells_are_counted_with_short_lines(write):
    text = "a,b,c\n1,2\n" + "1,2,3\n" * 98 + "x,2,3\n"
    (warning,) = read_csv(write(text)).schema.warnings
    assert warning.startswith("line 101, column a: expected an integer, found 'x'")


def test_a_line_of_one_cell_within_a_table_is_an_error(write):
    text = "a,b,c\n" + "1,2,3\n" * 9 + "broken\n1,2,3\n"
    with pytest.raises(DataError, match=r"^rows.csv, line 11: expected 3 columns, found 1;"):
        read_csv(write(text))


def test_a_name_may_be_a_category(write):
    result = read_csv(write("a,b\n" + "".join(f"{i}.5,{'abc'[i % 3]}\n" for i in range(9))))
    assert result.table.column_names == ["a", "b"]


def test_all_problems_are_reported_together(write):
    text = "age,size,kind\n1,2,a\n1,x,b\n1,2,c,d\n" + "1,2,a\n" * 5
    with pytest.raises(DataError) as error:
        read(
            write(text), columns=("age", "size", "sise"), roles={"size": "number", "age": "integr"}
        )
    assert str(error.value).splitlines() == [
        "rows.csv: 4 problems:",
        "  - --columns: unknown column 'sise', did you mean 'size'?",
        "  - --as age=integr: expected a role among number, integer, boolean, category, date, "
        "text, vector, identifier, label",
        "  - line 4: expected 3 columns, found 4; another separator is set with --separator",
        "  - line 3, column size: expected a number, found 'x'; treat it as missing with "
        "--missing x, or the column as categories with --as size=category",
    ]


def test_few_texts_among_numbers_are_a_warning_with_the_line(write):
    lines = ["age", *map(str, range(100))]
    lines[50] = "abc"
    result = read_csv(write("# comment\n" + "\n".join(lines)))
    assert result.table["age"][49].as_py() == "abc"
    assert list(result.schema.warnings) == [
        "line 52, column age: expected an integer, found 'abc'; treat it as missing with "
        "--missing abc, or the column as categories with --as age=category"
    ]


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n\0\0\0", b"\0" * 100])
def test_binary_files_are_refused(write, content):
    with pytest.raises(FileError, match=r"^rows\.csv: expected text, found binary data$"):
        read_csv(write(content))


def test_unknown_encoding(write):
    with pytest.raises(SettingError, match="encoding: expected one such as utf-8"):
        read(write("a\n1\n"), encoding="utf-88")


def test_a_stated_encoding_that_does_not_fit(write):
    with pytest.raises(FileError, match=r"^rows\.csv: cannot be read as text"):
        read(write("a\né\n".encode("cp1252")), encoding="utf-8")


def test_a_file_is_closed_if_its_first_bytes_are_not_text(monkeypatch):
    file = io.BytesIO(b"\xe9\n")
    monkeypatch.setattr(text_files, "open_bytes", lambda path: file)
    with pytest.raises(UnicodeDecodeError) as raised:
        text_files.open_utf8(Path("rows.csv"), "utf-8")
    assert file.closed, raised.value


@pytest.mark.parametrize("encoding", [None, "utf-8", "utf-8-sig"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_byte_order_mark_is_not_part_of_a_name(write, mark, encoding):
    table = read(write(f"{mark}a,b\n1,2\n"), encoding=encoding).table
    assert table.to_pydict() == {"a": [1], "b": [2]}


def test_missing_file(tmp_path):
    with pytest.raises(FileError, match=r"^rows\.csv: cannot be read as text"):
        read_csv(tmp_path / "rows.csv")


def test_a_wide_table(write):
    names = ",".join(f"gene {i}" for i in range(3000))
    row = ",".join(str(i / 8) for i in range(3000))
    table = read_csv(write("\n".join([names, *[row] * 3]))).table
    assert table.shape == (3, 3000)
    assert table["gene 2999"].to_pylist() == [2999 / 8] * 3


def test_long_texts(write):
    text = "word, " * 50_000
    table = read_csv(write(f'id,text\n1,"{text}"\n5,"{text}"\n')).table
    assert table["text"].to_pylist() == [text.strip()] * 2
    assert table["id"].to_pylist() == [1, 5]


def test_line_ends_of_old_macintosh_files(write):
    assert read_csv(write("a,b\r1,2\r3,4\r")).table.to_pydict() == {"a": [1, 3], "b": [2, 4]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name,size\n'a, b',1\n'c',2\n", {"name": ["a, b", "c"], "size": [1, 2]}),
        ('name,size\n"say \\"hi\\", a",1\n"b",2\n', {"name": ['say "hi", a', "b"], "size": [1, 2]}),
        ("name^size\na^1\nb^2\n", {"name": ["a", "b"], "size": [1, 2]}),
        (
            ",Size,\nname,min,max\na,1,2\nb,3,4\n",
            {"name": ["a", "b"], "Size min": [1, 3], "Size max": [2, 4]},
        ),
        (
            "name,size,mass\na,1,2\nb,3,4\n\nSource: ministry, 2024\n",
            {"name": ["a", "b"], "size": [1, 3], "mass": [2, 4]},
        ),
    ],
)
def test_quotes_groups_of_columns_and_notes_below_a_table(write, text, expected):
    assert read(write(text)).table.to_pydict() == expected


def test_names_of_groups_are_part_of_the_header(write):
    table = read(write(",Size,\nname,min,max\na,1,2\nb,3,4\n"))
    assert table.schema.notes == ()


def test_rows_of_signs_at_the_end_are_rows(write):
    result = read(write("x,sign\n+,-\n-,+\na,b\n+,+\n-,-\n+,-\n"))
    assert result.table["x"].to_pylist()[-3:] == ["+", "-", "+"]


def test_a_second_table_is_an_error(write):
    first, second = "a,b\n" + "1,2\n" * 5, "c,d,e\n" + "1,2,3\n" * 9
    with pytest.raises(DataError, match="line 2: expected 3 columns, found 2"):
        read(write(f"{first}\n{second}"))


def test_a_last_row_of_totals_is_a_warning(write):
    rows = "region,units\n" + "N,1\nS,2\n" * 5
    (warning,) = read(write(f"{rows}Total,15\n")).schema.warnings
    assert warning.startswith("line 12, column region: expected a row, found 'Total'")
    assert read(write(rows)).schema.warnings == ()


ENCODED_TEXTS = {
    "cp1251": "имя;город;возраст\nИван;Москва;23\nПётр;Казань;31\nОльга;Самара;45\n",
    "cp1252": "name,größe,preis\nMüller,180,3 €\nJäger,175,4 €\nStraße,160,5 €\n",
    "cp1253": "όνομα,πόλη,ηλικία\nΓιώργος,Αθήνα,23\nΜαρία,Πάτρα,31\n",
    "cp932": "名前,カナ,年齢\n田中,タナカ,23\n山田,ヤマダ,31\n佐藤,サトウ,45\n",
    "gb18030": "姓名,城市,年龄\n张三,北京,23\n李四,上海,31\n王五,广州,45\n",
    "big5": "姓名,城市,年齡\n張三,臺北,23\n李四,高雄,31\n王五,臺中,45\n",
    "cp1250": "imię,miasto,kwota\nŁukasz,Łódź,1\nMałgorzata,Gdańsk,2\nStanisław,Poznań,3\n",
    "cp1254": "isim,şehir,yaş\nAyşe,Eskişehir,31\nGökçe,Muğla,42\nİbrahim,Iğdır,53\n",
    "cp949": "이름,도시,나이\n김철수,서울,23\n이영희,부산,31\n박민수,대구,45\n",
}


@pytest.mark.parametrize("encoding", ENCODED_TEXTS)
def test_encodings_that_are_not_unicode_are_detected(write, encoding):
    text = ENCODED_TEXTS[encoding]
    result = read(write(text.encode(encoding)))
    assert result.table.column_names == re.split("[;,]", text.split("\n")[0])
    assert f"encoding {encoding}" in result.schema.notes


def test_an_encoding_is_detected_from_lines_after_the_sample(write):
    text = "a,b\n" + "abc,1\n" * 60_000 + "Ольга Самара,2\nИван Казань,3\n"
    result = read(write(text.encode("cp1251")))
    assert result.table["a"][-1].as_py() == "Иван Казань"
    assert "encoding cp1251" in result.schema.notes


def test_lines_of_separators_at_the_end_are_left_out(write):
    result = read(write("a,b\n1,x\n,\n3,\n,\n,,,\n, ,\n\n"))
    assert result.table.to_pydict() == {"a": [1, None, 3], "b": ["x", None, None]}
    assert result.schema.notes == ("left out 3 empty lines",)


def test_notes_below_an_empty_line_of_separators_are_skipped(write):
    result = read(write("a,b\n1,x\n2,y\n,\nSource: Eurostat,\n* provisional values,\n"))
    assert result.table.to_pydict() == {"a": [1, 2], "b": ["x", "y"]}
    assert result.schema.notes == ("skipped 2 comment lines", "left out 1 empty line")
    text = 'a,b\n1,x\n2,"first\n\nsecond paragraph"\n'
    assert read(write(text)).table["b"].to_pylist() == ["x", "first\n\nsecond paragraph"]


def test_spaces_before_a_quote_are_not_part_of_the_cell(write):
    rows = "".join(f'{i}, "x, {i % 3}", {i / 2}\n' for i in range(9))
    table = read(write(f'"a", "b", "c"\n{rows}')).table
    assert table.column_names == ["a", "b", "c"]
    assert table.slice(4).to_pylist()[0] == {"a": 4, "b": "x, 1", "c": 2.0}


def test_lines_above_a_table_of_decimals_are_skipped(write):
    rows = "".join(f"2024-02-{i + 1:02d},{i}.5\n" for i in range(20))
    table = read(write(f"Station: 123\nHeight: 4.5\n\ndate,temperature\n{rows}")).table
    assert [str(kind) for kind in table.schema.types] == ["date32[day]", "double"]


@pytest.mark.parametrize("mark", ["..", "…", ":", "–"])
def test_marks_of_statistical_offices_are_missing_values(write, mark):
    table = read(write("a,b\n" + f"1,2.5\n2,{mark}\n" * 5)).table
    assert table["b"].to_pylist() == [2.5, None] * 5


@pytest.mark.parametrize("ending", ["\r\n", "\n"])
def test_empty_lines_at_the_end_of_an_export_in_utf16(write, ending):
    text = ending.join(["a;b", "1;x", *[";"] * 5])
    assert read(write(text.encode("utf-16"))).table.to_pydict() == {"a": [1], "b": ["x"]}


def test_the_quote_character_is_an_option(write):
    table = read(write("a,b\n1,$x,y$\n2,$z$\n"), quote="$").table
    assert table["b"].to_pylist() == ["x,y", "z"]
    table = read(write('a,b\n1,5\'2"\n2,"x\n'), quote="none").table
    assert table["b"].to_pylist() == ["5'2\"", '"x']
    with pytest.raises(SettingError, match="quote: expected one ASCII character"):
        TableOptions(quote="ab")


def test_whole_numbers_that_are_all_dates_are_dates(write):
    days = ["20240131", "19991231", "20240229"]
    result = read(write("day,n\n" + "".join(f"{day},1\n" for day in days)))
    assert [str(day) for day in result.table["day"]] == ["2024-01-31", "1999-12-31", "2024-02-29"]
    assert result.schema.notes == ("day: dates as yyyymmdd",)
    for other in ("20240230", "20241301", "17991231"):
        result = read(write("day,n\n" + "".join(f"{day},1\n" for day in [*days, other])))
        assert str(result.table.schema.field("day").type) == "int64"


def test_a_file_with_very_many_columns_is_an_error(write):
    line = ",".join(["1"] * 60_000)
    with pytest.raises(DataError, match=r"at most 50,000 columns, found 60,000; .*\.npy"):
        read(write(f"{line}\n{line}\n"))


def test_lists_of_numbers_are_vectors(write):
    path = write('title,vector\nfirst,"[1, 2, 4]"\nsecond,"[2, 0, 1]"\n')
    assert read(path).schema.vector_column == "vector"
    assert read(path, columns=("title", "vector")).schema.vector_column is None


def test_few_japanese_characters_are_not_read_as_rare_korean_ones(write):
    rows = "".join(f"2023/01/{day:02},新宿,晴れ\n" for day in range(1, 31))
    result = read_csv(write(("日付,店舗,天気\n" + rows).encode("cp932")))
    assert "encoding cp932" in result.schema.notes
    assert result.table.column_names == ["日付", "店舗", "天気"]


TOWNS = "".join(f"t{i},{i * 10},{i * 1.5}\n" for i in range(12))
TOWN_TYPES = {"town": "string", "people": "int64", "area": "double"}


@pytest.mark.parametrize(
    ("text", "notes"),
    [
        (
            f"Report 2024,,\nAll towns,,\n,,\ntown,people,area\n{TOWNS}",
            ("skipped 3 lines at the top",),
        ),
        (
            f"Report:,Sales,\nDate:,2024-01-31,\ntown,people,area\n{TOWNS}",
            ("skipped 2 lines at the top",),
        ),
        (
            f"town,people,area\n{TOWNS}\ufefftown,people,area\n{TOWNS}",
            ("left out 1 repeated header",),
        ),
        (f"# Towns, 2024\n# town,people,area\n#\n{TOWNS}", ("skipped 2 lines at the top",)),
        (
            f"town,people,area\nName,Number of people,Area in ha\na,b,c\n{TOWNS}",
            ("skipped 2 lines at the top",),
        ),
    ],
)
def test_lines_around_the_header_are_not_rows(write, text, notes):
    result = read(write(text))
    assert {field.name: str(field.type) for field in result.table.schema} == TOWN_TYPES
    assert result.table.num_rows == TOWNS.count("\n") * text.count("t11,")
    assert result.schema.notes == notes


@pytest.mark.parametrize(
    "text",
    [
        "| town | people | area |\n|---|---:|:--:|\n" + "".join(
            f"| {row.replace(',', ' | ')} |\n" for row in TOWNS.splitlines()
        ),
        " town | people | area \n------+--------+------\n" + "".join(
            f" {row.replace(',', ' | ')} \n" for row in TOWNS.splitlines()
        ) + "(12 rows)\n",
        "+---+---+---+\n| town | people | area |\n+---+---+---+\n" + "".join(
            f"| {row.replace(',', ' | ')} |\n" for row in TOWNS.splitlines()
        ) + "+---+---+---+\n",
    ],
    ids=["markdown", "psql", "mysql"],
)  # fmt: skip
def test_rules_are_not_rows(write, text):
    result = read(write(text))
    assert {field.name: str(field.type) for field in result.table.schema} == TOWN_TYPES
    assert result.table.num_rows == 12


def test_a_row_of_marks_of_missing_values_is_a_row(write):
    text = "a|b\n" + "1|2\n" * 60 + "---|---\n3|4\n"
    assert read(write(text)).table["b"].to_pylist() == [*[2] * 60, None, 4]


def test_columns_of_spaces_may_have_a_tab(write):
    text = "".join(f'{i}.0   {i % 3}   {300 + i}.5   ?\t"ford pinto"\n' for i in range(9))
    types = ["double", "int64", "double", "null", "string"]
    assert [str(kind) for kind in read(write(text)).table.schema.types] == types


def test_units_may_be_in_a_second_comment(write):
    rows = "".join(f"{i} {i / 2} {30 - i}\n" for i in range(9))
    result = read(write("#hour  wave wind\n#hr   m   m/s\n" + rows))
    assert result.table.column_names == ["hour", "wave", "wind"] and result.table.num_rows == 9
    assert result.schema.units == {"hour": "hr", "wave": "m", "wind": "m/s"}


@pytest.mark.parametrize("n_rows", [3, 400])
@pytest.mark.parametrize(
    ("header", "escape"), [("note,x", '""'), ('"note","x"', '""'), ("note,x", '\\"')]
)
def test_lines_inside_quoted_cells_stay(write, monkeypatch, n_rows, header, escape):
    monkeypatch.setattr(table_notes, "_TAIL_BYTES", 10)
    monkeypatch.setattr(table_notes, "_BUFFER_BYTES", 100)
    name = "note,x"
    cell = f"first\n---\n{escape}a{escape}\n{name}\n---\nlast"
    text = f"{header}\n---,---\n" + f'"{cell}",1\n{header}\n' * n_rows
    table, schema = read(write(text))
    assert table["note"].to_pylist() == [cell.replace(escape, '"')] * n_rows
    assert f"left out {n_rows} repeated headers" in schema.notes


@pytest.mark.parametrize(
    ("groups", "names"),
    [
        (",2020,,2021,", "town,men,women,men,women"),
        ("town,2020,2020,2021,2021", ",men,women,men,women"),
    ],
)
def test_years_may_be_the_names_of_groups(write, groups, names):
    rows = "".join(f"t{i},{i},{i + 3},{2 * i},{i + 7}\n" for i in range(9))
    table = read(write(f"{groups}\n{names}\n{rows}")).table
    assert table.column_names == ["town", "2020 men", "2020 women", "2021 men", "2021 women"]
    assert table["2021 women"].to_pylist() == [*range(7, 16)]


@pytest.mark.parametrize(
    "notes",
    [
        "\nSource: Eurostat,downloaded,2024\n",
        "\n© Statistical office,Berlin,2024\n",
        "\nSource: Eurostat,,\n* provisional,,\n",
        "Source: Eurostat,,\n",
        ",,\n(p) provisional,,\nSource: ministry,,\n",
        '"Source: Eurostat, 2024"\n\n(c) 2024\n',
    ],
)
def test_notes_below_a_table_may_have_as_many_cells_as_rows(write, notes):
    result = read(write(f"town,people,area\n{TOWNS}{notes}"))
    assert {field.name: str(field.type) for field in result.table.schema} == TOWN_TYPES
    assert result.table.num_rows == 12


def test_rows_below_an_empty_line_are_rows(write):
    result = read(write(f"town,people,area\n{TOWNS}\nTotal,5,6\n"))
    assert result.table["town"][-1].as_py() == "Total"
    result = read(write("text\n" + "a b c\n\nd e f\n" * 5))
    assert result.table.num_rows == 10


def test_notes_below_a_large_table_are_found(write):
    rows = "town,people\n" + "some town,1000\n" * 800_000
    result = read(write(f"{rows}\nSource: Eurostat, 2024\n"))
    assert result.table.num_rows == 800_000
    assert result.schema.notes == ("skipped 1 comment line",)


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        ([f"<{i}.5" for i in range(30)], [i + 0.5 for i in range(30)]),
        (["none", "1", "2", "3"] * 9, [None, 1, 2, 3] * 9),
        (["0", "1", "2", "3+"] * 9, ["0", "1", "2", "3+"] * 9),
        (["<18", ">65"] * 9, ["<18", ">65"] * 9),
        (["none", "1"] * 9, ["none", "1"] * 9),
    ],
)
def test_numbers_with_marks_and_words(write, cells, values):
    assert read(write("x\n" + "\n".join(cells))).table["x"].to_pylist() == values


OFFICES = [
    (
        "flags of Eurostat",
        "freq,geo\\TIME\t2019 \t2020 \t2021 \n",
        [f"A,{i}\t{i}.5 \t{i}.2 b\t{': ' if i % 4 else f'{i}.7 p'}\n" for i in range(40)],
        "",
        {"freq,geo\\TIME": "string", "2019": "double", "2020": "double", "2021": "double"},
    ),
    (
        "months by name",
        "Summary,Key,Label,Created\n",
        [f'"Fix it, please",A-{i},ui,0{i}/Mar/24 1:00 PM\n' for i in range(1, 9)],
        "",
        {"Summary": "string", "Key": "string", "Label": "string", "Created": "timestamp[us]"},
    ),
    (
        "notes below underscores",
        "Table 1;;\nPeople by year;;\n;men;women\n;number;number\n",
        [f"31.12.{2000 + i};{i}00;{i}50\n" for i in range(1, 20)],
        "__________\nBased on the census:;;\n© Office, 2024;;\nAs of: 05.03.2024;;\n",
        {"column 1": "date32[day]", "men": "int64", "women": "int64"},
    ),
]


@pytest.mark.parametrize(("name", "above", "rows", "below", "types"), OFFICES)
def test_exports_of_offices_and_trackers(write, name, above, rows, below, types):
    table = read(write(above + "".join(rows) + below)).table
    assert {field.name: str(field.type) for field in table.schema} == types, name
    assert table.num_rows == len(rows)
