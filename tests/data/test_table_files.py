import gc
import gzip
import re

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pytest

from latentmap import AutoEncoder
from latentmap.data import Table, TableOptions, open_data
from latentmap.data.memory import memory_limit, resident_bytes
from latentmap.data.parquet_tables import ParquetTable
from latentmap.errors import DataError, UnknownNameError


@pytest.fixture
def write(tmp_path):
    def write(text, name="rows.csv"):
        data = text if isinstance(text, bytes) else text.encode()
        (tmp_path / name).write_bytes(data)
        return tmp_path / name

    return write


@pytest.mark.parametrize("name", ["rows.csv", "rows.tsv", "rows.txt", "rows.CSV.gz"])
def test_text_tables(write, name):
    text = b"size;kind\n1,5;a\n2,5;\n"
    table = open_data(write(gzip.compress(text) if name.endswith("gz") else text, name))
    assert isinstance(table, Table)
    assert table[:].to_pydict() == {"size": [1.5, 2.5], "kind": ["a", None]}
    assert table.table_schema.notes == ("separator ';'", "decimal comma")


def test_excel_files(tmp_path):
    workbook = openpyxl.Workbook()
    for title, rows in {"May": [["a"], [1], [3]], "June": [["b"], ["x"], ["y"]]}.items():
        sheet = workbook.create_sheet(title)
        for row in rows:
            sheet.append(row)
    workbook.remove(workbook.worksheets[0])
    workbook.save(tmp_path / "sales.xlsx")
    assert open_data(tmp_path / "sales.xlsx")[:].to_pydict() == {"a": [1, 3]}
    table = open_data(f"{tmp_path}/sales.xlsx:June")
    assert table[:].to_pydict() == {"b": ["x", "y"]}
    assert table.name == "sales.xlsx:June"


def test_the_label_is_not_a_feature(write):
    path = write("size,species,age\n1,setosa,2\n3,virginica,4\n")
    table = open_data(path, label="species")
    assert table.feature_names == ["size", "age"]
    assert table.labels.tolist() == ["setosa", "virginica"]
    with pytest.raises(UnknownNameError, match="unknown column 'specis', did you mean 'species'"):
        open_data(path, label="specis")


def test_a_label_is_read_beside_the_chosen_columns(write):
    path = write("size,species,age\n1,setosa,2\n3,virginica,4\n")
    for options in (TableOptions(columns=("age",)), TableOptions(drop=("size", "species"))):
        table = open_data(path, label="species", options=options)
        assert table.feature_names == ["age"]
        assert table.labels.tolist() == ["setosa", "virginica"]


@pytest.mark.parametrize(
    ("cells", "labels"),
    [
        (["007", "7", "12"], ["007", "7", "12"]),
        (["1_1", "11", "2"], ["1_1", "11", "2"]),
        (["1e5", "2E6", "7"], ["1e5", "2E6", "7"]),
        (["007", "", "12"], ["007", "", "12"]),
        (["1", "2", "3"], [1, 2, 3]),
        (["1e-05", "", "0.5"], [1e-5, np.nan, 0.5]),
        (["20240131", "", "20240301"], [20240131, np.nan, 20240301]),
        (["75.0", "", "12.5"], [75.0, np.nan, 12.5]),
        (["75", "", "12"], [75.0, np.nan, 12.0]),
        (["a", "", "b"], ["a", "", "b"]),
        (["yes", "no", "yes"], ["yes", "no", "yes"]),
        (["2024-01-01", "2024-01-02", "2024-01-03"], ["2024-01-01", "2024-01-02", "2024-01-03"]),
        (["5 %", "6 %", "7 %"], ["5 %", "6 %", "7 %"]),
    ],
)
@pytest.mark.parametrize("suffix", ["csv", "tsv.gz", "parquet", "xlsx", "pandas", "arrow"])
def test_labels_are_the_same_in_every_format(tmp_path, suffix, cells, labels):
    frame = pd.DataFrame({"x": [1, 2, 3], "code": cells})
    path = tmp_path / f"rows.{suffix}"
    if suffix == "pandas":
        table = Table(frame, label="code")
    elif suffix == "arrow":
        table = Table(pa.table(dict(frame)), label="code")
    else:
        write = {"parquet": frame.to_parquet, "xlsx": frame.to_excel}.get(suffix, frame.to_csv)
        arguments = {} if suffix == "parquet" else {"index": False}
        arguments |= {"sep": "\t"} if suffix == "tsv.gz" else {}
        write(path, **arguments)
        table = open_data(path, label="code")
    assert table.labels.dtype == np.asarray(labels).dtype or table.labels.dtype.kind == "i"
    if isinstance(labels[0], str):
        assert table.labels.tolist() == labels
    else:
        assert np.array_equal(table.labels, labels, equal_nan=True)


def test_units_and_texts_of_booleans_are_kept(write):
    schema = open_data(write("price,member,flag\n5 €,no,True\n6 €,yes,False\n")).table_schema
    assert schema.units == {"price": "€"}
    assert schema.boolean_strings == {"member": ("no", "yes")}


def test_warnings_name_columns_that_are_text_because_of_few_cells(write):
    lines = [*(f"{i},{i}" for i in range(99)), "99,x"]
    (warning,) = open_data(write("\n".join(["a,b", *lines]))).table_schema.warnings
    assert warning.startswith("line 101, column b: expected an integer, found 'x'")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "rows.csv: expected rows, found an empty file"),
        ("a,b\n", "rows.csv: expected at least one row, found only a header"),
        ("a,b,c\n" + 7 * "1,2,3\n" + "7,8,9,0\n", "rows.csv, line 9: expected 3 columns, found 4"),
    ],
)
def test_invalid_files(write, text, sentence):
    with pytest.raises(DataError, match=f"^{re.escape(sentence)}"):
        open_data(write(text))


def test_only_a_label_raises(write):
    path = write("kind\na\nb\n")
    with pytest.raises(DataError, match=r"^rows.csv: expected .* column beside the label"):
        open_data(path, label="kind")


def test_a_table_that_does_not_fit_is_the_same_in_chunks(write, monkeypatch, tmp_path):
    lines = [f"{i} €,{'yes' if i % 3 else 'no'},{i % 7 or ''},{'ab'[i % 2]}" for i in range(500)]
    path = write("\n".join(["price,member,size,kind", *lines]))
    table = open_data(path, label="kind")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("latentmap.data.table_files.fits_in_memory", lambda path: False)
    monkeypatch.setattr("latentmap.data.parquet_source._CHUNK_BYTES", 1000)
    chunks = open_data(path, label="kind")
    assert isinstance(chunks, ParquetTable)
    assert (copy := chunks.paths[0]).exists()
    assert chunks[:].to_pydict() == table[:].to_pydict()
    assert chunks[[400, 3]].to_pydict() == table[[400, 3]].to_pydict()
    assert chunks.labels.tolist() == table.labels.tolist()
    assert chunks.table_schema.boolean_strings == {"member": ("no", "yes")}
    assert chunks.table_schema.units == {"price": "€"}
    del chunks
    gc.collect()
    assert not copy.exists()


def test_a_fit_streams_a_table_under_a_memory_limit(write, set_memory_use):
    lines = [f"{i / 7:.3f},{'abc'[i % 3]},{'' if i % 5 == 0 else i % 11}" for i in range(3000)]
    path = write("\n".join(["size,kind,count", *lines]))
    set_memory_use(loaded_rows=10_000)
    with memory_limit(resident_bytes() + 1_200_000_000):
        rows = open_data(path)
        assert isinstance(rows, ParquetTable)
        model = AutoEncoder(2, epochs=1, random_state=0).fit(rows)
    assert model.transform(rows.sample(10)).shape == (10, 2)
