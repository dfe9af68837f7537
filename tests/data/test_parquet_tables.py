import os
import weakref

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from latentmap.data import open_data
from latentmap.errors import DataError, FileError, TooLargeError, UnknownNameError


def write(path, columns, **options):
    path.parent.mkdir(exist_ok=True)
    parquet.write_table(pa.table(columns), path, **options)
    return path


@pytest.fixture
def streamed(monkeypatch):
    """Tables do not fit in memory."""
    monkeypatch.setattr("latentmap.data.parquet_tables.fits_in_memory", lambda *_: False)


def test_integers_stay_integers(tmp_path):
    columns = {"a": np.array([1, 2], np.uint8), "b": np.array([3, -4], np.int16)}
    source = open_data(write(tmp_path / "x.parquet", columns)).numbers()
    assert source.dtype == np.int16
    assert source[:].tolist() == [[1, 3], [2, -4]]


def test_other_number_types(tmp_path):
    columns = {
        "flag": pa.array([True, False]),
        "half": pa.array(np.array([0.5, 1], np.float16)),
        "price": pa.array([1, 2], pa.decimal128(5, 2)),
    }
    source = open_data(write(tmp_path / "x.parquet", columns))
    assert source[:]["flag"].to_pylist() == [True, False]
    assert [float(price) for price in source[:]["price"].to_pylist()] == [1, 2]


def test_pandas_index_is_not_a_feature(tmp_path):
    frame = pd.DataFrame({"a": [1.0, 2.0]}, index=["x", "y"])
    frame.to_parquet(tmp_path / "x.parquet")
    assert open_data(tmp_path / "x.parquet").feature_names == ["a"]


def test_missing_values_stay_missing(tmp_path):
    columns = {"a": [1, 2, None], "kind": ["x", None, "y"], "when": [None, None, None]}
    table = open_data(write(tmp_path / "x.parquet", columns, row_group_size=2))
    assert table[:].to_pydict() == columns


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({"x": [1]}, "column y: expected double, found no such column"),
        ({"x": [1], "y": [1.5], "z": [1]}, "column z: expected no such column, found int64"),
    ],
)
def test_files_with_other_columns_raise(tmp_path, columns, sentence):
    write(tmp_path / "rows" / "1.parquet", {"x": [1], "y": [1.5]})
    write(tmp_path / "rows" / "2.parquet", columns)
    with pytest.raises(FileError, match=f"^2.parquet, {sentence}$"):
        open_data(tmp_path / "rows")


def test_files_may_differ_in_types_of_numbers_and_labels(tmp_path):
    kinds = pa.array(["a"], pa.string()), pa.array(["b"], pa.large_string())
    write(tmp_path / "rows" / "1.parquet", {"x": [1], "y": [2], "kind": kinds[0]})
    write(tmp_path / "rows" / "2.parquet", {"x": [1.5], "y": [3], "kind": kinds[1]})
    source = open_data(tmp_path / "rows", label="kind")
    assert source[:].to_pydict() == {"x": [1, 1.5], "y": [2, 3]}
    assert source.labels.tolist() == ["a", "b"]


@pytest.mark.parametrize(
    ("first", "second", "labels"),
    [
        (["01", "1"], ["A1", "01"], ["01", "1", "A1", "01"]),
        (["7", "08"], ["9", "8"], ["7", "08", "9", "8"]),
        (["7", "8"], ["9", "8"], [7, 8, 9, 8]),
        ([1.0, 2.0], [1.0, 2.5], [1.0, 2.0, 1.0, 2.5]),
        ([1, 2], [1, 2.5], [1.0, 2.0, 1.0, 2.5]),
        ([-7, 300], [300, 5], [-7, 300, 300, 5]),
        ([True, False], [True, True], ["True", "False", "True", "True"]),
    ],
)
def test_labels_are_numbers_only_if_all_are(tmp_path, first, second, labels):
    for number, kinds in enumerate([first, second]):
        write(tmp_path / "rows" / f"{number}.parquet", {"x": [1, 2], "kind": kinds})
    assert open_data(tmp_path / "rows", label="kind").labels.tolist() == labels


def test_file_that_has_become_a_pipe_raises(tmp_path, streamed):
    path = write(tmp_path / "x.parquet", {"x": [1, 2]})
    source = open_data(path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(FileError, match=r"^x.parquet: expected a file, found a pipe$"):
        source[:]


def test_columns_of_the_same_name_raise(tmp_path):
    table = pa.table([pa.array([1.0, 2.0]), pa.array([3.0, 4.0])], names=["x", "x"])
    parquet.write_table(table, tmp_path / "x.parquet")
    message = r"^x.parquet: expected columns of different names, found 'x' twice$"
    with pytest.raises(DataError, match=message):
        open_data(tmp_path / "x.parquet")


def test_lists_as_labels_raise(tmp_path):
    path = write(tmp_path / "x.parquet", {"x": [1, 2], "kind": [[1], [2, 3]]})
    with pytest.raises(DataError, match=r"^x.parquet, column kind: expected labels, found list<"):
        open_data(path, label="kind")


@pytest.mark.parametrize("others", [["a"], list("abcdefghij")])
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_label_too_long_for_an_array_raises(tmp_path, monkeypatch, others, suffix):
    monkeypatch.setattr("latentmap.data.memory.available_bytes", lambda: 4 * 5000 * 1000 - 1)
    labels = ["x" * 5000, *others * (999 // len(others)), *["a"] * (999 % len(others))]
    path = tmp_path / f"x.{suffix}"
    frame = pd.DataFrame({"x": np.arange(1000), "kind": labels})
    frame.to_csv(path, index=False) if suffix == "csv" else frame.to_parquet(path)
    with pytest.raises(TooLargeError, match=rf"^x.{suffix}, labels of up to 5,000 letters: needs"):
        open_data(path, label="kind")


def test_labels_may_be_bytes(tmp_path):
    path = write(tmp_path / "x.parquet", {"x": [1, 2], "kind": [b"a", b"caf\xe9"]})
    assert open_data(path, label="kind").labels.tolist() == ["a", "caf\\xe9"]


def test_columns_of_a_file_without_rows_are_ignored(tmp_path):
    write(tmp_path / "rows" / "1.parquet", {"x": pa.nulls(0), "kind": pa.nulls(0)})
    write(tmp_path / "rows" / "2.parquet", {"x": [1.5], "kind": ["a"]})
    source = open_data(tmp_path / "rows", label="kind")
    assert source[:].to_pydict() == {"x": [1.5]}


def test_files_with_other_types_raise(tmp_path):
    write(tmp_path / "rows" / "1.parquet", {"x": [1.5]})
    write(tmp_path / "rows" / "2.parquet", {"x": ["a"]})
    with pytest.raises(FileError, match=r"^rows: expected files with the same types \(.* x "):
        open_data(tmp_path / "rows")


def test_columns_may_come_in_another_order(tmp_path):
    write(tmp_path / "rows" / "1.parquet", {"x": [1], "y": [1.5]})
    write(tmp_path / "rows" / "2.parquet", {"y": [2.5], "x": [2]})
    assert open_data(tmp_path / "rows")[:].to_pydict() == {"x": [1, 2], "y": [1.5, 2.5]}


@pytest.mark.parametrize("cut", [0, 20, -4, -60])
def test_truncated_files(tmp_path, cut):
    path = write(tmp_path / "x.parquet", {"x": np.arange(1000)})
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(FileError, match=r"^x.parquet: cannot be read as a Parquet file"):
        open_data(path)


@pytest.mark.parametrize("fits", [True, False])
def test_damaged_pages(tmp_path, monkeypatch, fits):
    monkeypatch.setattr("latentmap.data.parquet_tables.fits_in_memory", lambda *_: fits)
    path = write(tmp_path / "x.parquet", {"x": np.random.default_rng(0).random(1000)})
    content = bytearray(path.read_bytes())
    content[4:2000] = b"\xff" * 1996
    path.write_bytes(content)
    with pytest.raises(FileError, match=r"^x.parquet: cannot be read as a Parquet file"):
        open_data(path)[:]


def test_no_rows_and_unknown_label(tmp_path):
    path = write(tmp_path / "x.parquet", {"x": pa.array([], pa.int64())})
    with pytest.raises(DataError, match=r"^x.parquet: expected at least one row, found none$"):
        open_data(path)
    path = write(tmp_path / "y.parquet", {"x": [1], "kind": ["a"]})
    with pytest.raises(UnknownNameError, match="unknown column 'knd', did you mean 'kind'"):
        open_data(path, label="knd")


def test_one_footer_is_in_memory_at_a_time(tmp_path, monkeypatch, streamed):
    folder = tmp_path / "rows"
    for i in range(3):
        write(folder / f"{i}.parquet", {"x": [1.0, 2.0]})
    footers, n_alive, real = [], [], parquet.ParquetFile

    def watched(path):
        n_alive.append(sum(footer() is not None for footer in footers))
        file = real(path)
        footers.append(weakref.ref(file.metadata))
        return file

    monkeypatch.setattr(parquet, "ParquetFile", watched)
    assert len(open_data(folder)) == 6
    assert n_alive == [0, 0, 0]
