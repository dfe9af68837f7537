import re

import numpy as np
import pytest

from latentmap.data.csv_tables import open_csv
from latentmap.errors import DataError, FileError, TooLargeError, UnknownNameError


@pytest.fixture
def write(tmp_path):
    def write(text, name="rows.csv"):
        data = text if isinstance(text, bytes) else text.encode()
        (tmp_path / name).write_bytes(data)
        return tmp_path / name

    return write


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n1,2\n3,4\n",
        "a,b\r\n1,2\r\n3,4",
        '"a","b"\n"1",2\n\n3, 4\n',
        "\ufeffa,b\n1,2\n3,4\n",
        "a;b\n1;2\n3;4\n",
        "a\tb\n1\t2\n3\t4\n",
        "\n\na,b\n\n1,2\n3,4\n",
    ],
)
def test_whole_numbers_stay_integers(write, text):
    source = open_csv(write(text))
    assert source[:].tolist() == [[1, 2], [3, 4]]
    assert source.dtype == np.int64
    assert source.feature_names == ["a", "b"]
    assert source.labels is None


def test_one_fraction_makes_all_columns_floats(write):
    source = open_csv(write("a,b\n1,2\n3,.5e1\n-7,+4\n"))
    assert source[:].tolist() == [[1, 2], [3, 5], [-7, 4]]
    assert source.dtype == np.float64


def test_true_and_false_are_read_as_one_and_zero(write):
    assert open_csv(write("a,b\nTrue,1\nFalse,2\n"))[:].tolist() == [[1, 1], [0, 2]]


def test_without_header(write):
    source = open_csv(write("1,2,7\n3,4,8\n"), label="3")
    assert source[:].tolist() == [[1, 2], [3, 4]]
    assert source.feature_names is None
    assert source.labels.tolist() == [7, 8]


def test_label_column_is_not_a_feature(write):
    path = write("size,species,age\n1,setosa,2\n3,virginica,4\n")
    source = open_csv(path, label="species")
    assert source.feature_names == ["size", "age"]
    assert source[:].tolist() == [[1, 2], [3, 4]]
    assert source.labels.tolist() == ["setosa", "virginica"]
    with pytest.raises(UnknownNameError, match="unknown column 'specis', did you mean 'species'"):
        open_csv(path, label="specis")


def test_quoted_cells_may_hold_commas_and_lines(write):
    text = 'a,"the\nname"\n1,"x, y"\n2,"p\nq"\n'
    source = open_csv(write(text), label="the name")
    assert source.labels.tolist() == ["x, y", "p\nq"]


LINES = [f"{i},{i + 20}" for i in range(20)]


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ("n/a", "'n/a'"),
        ("", "nothing"),
        ("  ", "nothing"),
        ("nan", "'nan'"),
        ("-inf", "'-inf'"),
        ("1_000", "'1_000'"),
        ("2020-01-01", "'2020-01-01'"),
    ],
)
def test_message_names_an_invalid_cell(write, cell, found):
    lines = ["size,age", *LINES]
    lines[16] = f"3,{cell}"
    sentence = f"rows.csv, line 17, column age: expected a number, found {found}"
    with pytest.raises(DataError, match=f"^{re.escape(sentence)}$"):
        open_csv(write("\n".join(lines)))


def test_line_numbers_are_those_of_an_editor(write):
    text = '\n"size\nin m",age\n\n1,2\n\n3,x\n'
    with pytest.raises(DataError, match="line 7, column age: expected a number, found 'x'"):
        open_csv(write(text))


def test_a_column_of_text_may_be_the_label(write):
    sentence = (
        "rows.csv, line 2, column kind: expected a number, found 'x' "
        "(if it names the rows, pass --label kind)"
    )
    with pytest.raises(DataError, match=f"^{re.escape(sentence)}$"):
        open_csv(write("a,kind\n1,x\n2,y\n"))


def test_without_header_columns_are_numbered(write):
    with pytest.raises(
        DataError, match=r"^rows.csv, line 2, column 2: expected a number, found 'x'$"
    ):
        open_csv(write("1,2\n3,x\n"))


@pytest.mark.parametrize(("line", "found"), [("1,2,3,4", 4), ("1,2,3,4,5,6", 6)])
def test_ragged_rows(write, line, found):
    lines = ["a,b,c,d,e", *["1,2,3,4,5"] * 7, line, "1,2,3,4,5"]
    with pytest.raises(DataError, match=f"^rows.csv, line 9: expected 5 columns, found {found}$"):
        open_csv(write("\n".join(lines)))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "rows.csv: expected rows, found an empty file"),
        ("\n \n", "rows.csv: expected rows, found an empty file"),
        ("a,b\n", "rows.csv: expected at least one row, found only a header"),
        ("a,a\n1,2\n", "rows.csv: expected columns of different names, found 'a' twice"),
    ],
)
def test_no_rows(write, text, sentence):
    with pytest.raises(DataError, match=f"^{re.escape(sentence)}$"):
        open_csv(write(text))


@pytest.mark.parametrize(
    "content",
    [b"a,b\n\xff\xfe,2\n", b"\x89PNG\r\n\x1a\n\0\0\0", b"a,b\n1," + b"9" * 200_000 + b"x\n"],
)
def test_files_of_another_format(write, content):
    with pytest.raises((FileError, DataError), match=r"^rows\.csv"):
        open_csv(write(content))


def test_memory_is_checked_before_a_file_is_read(write, monkeypatch):
    path = write("a,b\n" + "1,2\n" * 100_000)
    monkeypatch.setattr("latentmap.data.memory.available_bytes", lambda: 3_000_000)
    with pytest.raises(TooLargeError, match=r"rows.csv: needs 0.0 GB"):
        open_csv(path)
    monkeypatch.setattr("latentmap.data.memory.available_bytes", lambda: 3_400_000)
    assert len(open_csv(path)) == 100_000
