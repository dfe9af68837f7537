import os
import weakref

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from latentmap.data import open_data
from latentmap.data.parquet_tables import ParquetSource, open_parquet
from latentmap.errors import DataError, FileError, TooLargeError, UnknownNameError


def write(path, columns, **options):
    path.parent.mkdir(exist_ok=True)
    parquet.write_table(pa.table(columns), path, **options)
    return path


@pytest.fixture
def small_pieces(monkeypatch):
    """A piece has 100 rows of two columns."""
    monkeypatch.setattr("latentmap.data.parquet_tables._PIECE_BYTES", 16 * 100)


@pytest.fixture
def folder(tmp_path, small_pieces):
    """Three files, ten row groups, 1,000 rows: x counts from 0, y is its tenfold."""
    bounds = [(0, 300), (300, 400), (400, 1000)]
    for i, (first, last) in enumerate(bounds):
        x = np.arange(first, last)
        columns = {"x": x, "y": x * 10.0, "kind": [f"k{v % 3}" for v in x]}
        write(tmp_path / "rows" / f"part-{i + 9}.parquet", columns, row_group_size=100)
    return tmp_path / "rows"


@pytest.fixture
def reads(monkeypatch):
    """The row groups that are read, as (file, group), or (file, first, last) of several."""
    order, real = [], ParquetSource._tables

    def count(self, groups, columns):
        order.append((groups.file, *sorted({groups.first, groups.last})))
        return real(self, groups, columns)

    monkeypatch.setattr(ParquetSource, "_tables", count)
    return order


def test_opening_reads_no_rows(folder, reads):
    source = open_data(folder, label="kind")
    assert len(source) == 1000
    assert reads == [(0, 0), (0, 1), (0, 2), (1, 0), *[(2, i) for i in range(6)]]  # labels only
    reads.clear()
    assert source[150:152].tolist() == [[150, 1500], [151, 1510]]
    assert reads == [(0, 1)]


def test_folder_is_read_in_natural_order(folder):
    source = open_data(folder, label="kind")
    assert source.feature_names == ["x", "y"]
    assert np.array_equal(source[:][:, 0], np.arange(1000))
    assert source.labels[:4].tolist() == ["k0", "k1", "k2", "k0"]
    assert source[[999, 5, 350]][:, 1].tolist() == [9990, 50, 3500]


def test_batches_in_order_read_each_group_once(folder, reads):
    source = open_data(folder, label="kind")
    reads.clear()
    rows = np.concatenate(list(source.batches(33)))
    assert np.array_equal(rows[:, 0], np.arange(1000))
    assert len(reads) == 10
    assert len(set(reads)) == 10


@pytest.mark.parametrize("part", ["whole", "fitted"])
def test_shuffled_batches_read_each_group_once(folder, reads, part, set_memory_use):
    set_memory_use(shuffle_buffer=5000)
    source = open_data(folder, label="kind")
    source = source if part == "whole" else source.split(0.3)[0]
    expected = source[:][:, 0]
    source[999 if part == "whole" else 0]  # leaves a group in the cache that a pass reads anyway
    reads.clear()
    order = np.concatenate(list(source.batches(33, rng=np.random.default_rng(1))))[:, 0]
    assert np.array_equal(np.sort(order), expected)
    assert np.mean(np.diff(order) == 1) < 0.1
    assert 9 <= len(reads) <= 10


def test_one_piece_of_a_group_is_in_memory_at_a_time(tmp_path, reads, small_pieces):
    columns = {"x": np.arange(950), "y": np.arange(950) * 10}
    source = open_parquet(write(tmp_path / "one.parquet", columns))
    for size in (50, 130):
        reads.clear()
        found = []
        for batch in source.batches(size):
            assert len(source._last_piece[1]) <= 100
            found.append(batch)
        assert np.array_equal(np.concatenate(found)[:, 1], columns["y"])
        assert reads == [(0, 0)]  # once, though it is ten pieces
    assert source[[940, 3, 500, 3]][:, 0].tolist() == [940, 3, 500, 3]


def test_message_gives_the_row_of_a_missing_value_in_a_group(tmp_path, small_pieces):
    columns = {"x": pa.array([None if i == 777 else i for i in range(950)]), "y": np.arange(950)}
    source = open_parquet(write(tmp_path / "one.parquet", columns))
    assert source[600:610][:, 0].tolist() == list(range(600, 610))
    with pytest.raises(DataError, match="row 777, column x: expected a number, found null"):
        source[:]
    assert source[:100][:, 0].tolist() == list(range(100))


def test_small_groups_are_read_together(tmp_path, reads, monkeypatch):
    monkeypatch.setattr("latentmap.data.parquet_tables._PIECE_BYTES", 16 * 300)
    for i in range(2):
        columns = {"x": np.arange(i * 1000, i * 1000 + 1000), "y": np.zeros(1000)}
        write(tmp_path / "rows" / f"{i}.parquet", columns, row_group_size=70)
    source = open_data(tmp_path / "rows")
    assert source.block_starts.tolist() == [0, 280, 560, 840, 1000, 1280, 1560, 1840]
    assert source[:][:, 0].tolist() == list(range(2000))
    together = [(0, 3), (4, 7), (8, 11), (12, 14)]
    assert reads == [(file, *groups) for file in range(2) for groups in together]
    assert source[[1999, 279, 280, 1000]][:, 0].tolist() == [1999, 279, 280, 1000]


def test_message_gives_the_row_of_a_missing_value_in_small_groups(tmp_path):
    values = pa.array([None if i == 777 else i for i in range(950)])
    path = write(tmp_path / "one.parquet", {"x": values}, row_group_size=10)
    with pytest.raises(DataError, match="row 777, column x: expected a number, found null"):
        open_parquet(path)[:]


def test_file_is_opened_once_if_read_in_order(folder, monkeypatch):
    source, opened, real = open_data(folder, label="kind"), [], parquet.ParquetFile
    monkeypatch.setattr(parquet, "ParquetFile", lambda path: opened.append(path) or real(path))
    source[:]
    assert len(opened) == 3


def test_integers_stay_integers(tmp_path):
    columns = {"a": np.array([1, 2], np.uint8), "b": np.array([3, -4], np.int16)}
    source = open_parquet(write(tmp_path / "x.parquet", columns))
    assert source.dtype == np.int16
    assert source[:].tolist() == [[1, 3], [2, -4]]


def test_other_number_types(tmp_path):
    columns = {
        "flag": pa.array([True, False]),
        "half": pa.array(np.array([0.5, 1], np.float16)),
        "price": pa.array([1, 2], pa.decimal128(5, 2)),
    }
    source = open_parquet(write(tmp_path / "x.parquet", columns))
    assert source[:].tolist() == [[1, 0.5, 1], [0, 1, 2]]


def test_lists_of_a_single_column_are_rows(tmp_path):
    pixels = pa.FixedSizeListArray.from_arrays(pa.array(np.arange(12, dtype=np.uint8)), 4)
    path = write(tmp_path / "x.parquet", {"pixels": pixels, "digit": [7, 8, 9]}, row_group_size=2)
    source = open_parquet(path, "digit")
    assert (source.row_shape, source.dtype, source.feature_names) == ((4,), np.uint8, None)
    assert np.array_equal(source[:], np.arange(12).reshape(3, 4))
    assert source.labels.tolist() == [7, 8, 9]


def test_pandas_index_is_not_a_feature(tmp_path):
    frame = pd.DataFrame({"a": [1.0, 2.0]}, index=["x", "y"])
    frame.to_parquet(tmp_path / "x.parquet")
    assert open_parquet(tmp_path / "x.parquet").feature_names == ["a"]


@pytest.mark.parametrize("statistics", [True, False])
def test_message_names_a_missing_value(tmp_path, statistics):
    columns = {"a": [1, 2, 3, 4, 5], "age": [1.0, 2, 3, None, 5]}
    path = write(tmp_path / "x.parquet", columns, row_group_size=2, write_statistics=statistics)
    sentence = "^x.parquet, row 3, column age: expected a number, found null$"
    with pytest.raises(DataError, match=sentence):
        open_parquet(path)[:]


def test_missing_values_in_lists_and_labels(tmp_path):
    lists = pa.array([[1, 2], None, [3, 4]], pa.list_(pa.int32(), 2))
    with pytest.raises(DataError, match="row 1, column pixels: expected a number, found null"):
        open_parquet(write(tmp_path / "a.parquet", {"pixels": lists}))[:]
    lists = pa.array([[1, 2], [3, 4], [5, None]], pa.list_(pa.int32(), 2))
    with pytest.raises(DataError, match="row 2, column pixels: expected a number, found null"):
        open_parquet(write(tmp_path / "b.parquet", {"pixels": lists}))[:]
    path = write(tmp_path / "c.parquet", {"a": [1, 2], "kind": ["x", None]})
    with pytest.raises(DataError, match="row 1, column kind: expected a label, found null"):
        open_parquet(path, "kind")


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (["x", "y"], r"column b: expected numbers, found string \(if it names .* --label b\)"),
        ([[1], [2, 3]], "column b: expected numbers, found list<"),
        ([{"q": 1}, {"q": 2}], "column b: expected numbers, found struct<"),
    ],
)
def test_columns_that_are_not_numbers_raise(tmp_path, values, sentence):
    path = write(tmp_path / "x.parquet", {"a": [1, 2], "b": values})
    with pytest.raises(DataError, match="^x.parquet, " + sentence):
        open_parquet(path)


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
    assert source[:].tolist() == [[1, 2], [1.5, 3]]
    assert source.labels.tolist() == ["a", "b"]


@pytest.mark.parametrize(
    ("first", "second", "labels"),
    [
        (["01", "1"], ["A1", "01"], ["01", "1", "A1", "01"]),
        (["7", "08"], ["9", "8"], [7, 8, 9, 8]),
        ([1.0, 2.0], [1.0, 2.5], ["1.0", "2.0", "1.0", "2.5"]),
        ([-7, 300], [300, 5], [-7, 300, 300, 5]),
        ([True, False], [True, True], [1, 0, 1, 1]),
    ],
)
def test_labels_are_numbers_only_if_all_are(tmp_path, first, second, labels):
    for number, kinds in enumerate([first, second]):
        write(tmp_path / "rows" / f"{number}.parquet", {"x": [1, 2], "kind": kinds})
    assert open_data(tmp_path / "rows", label="kind").labels.tolist() == labels


def test_file_that_has_become_a_pipe_raises(tmp_path):
    path = write(tmp_path / "x.parquet", {"x": [1, 2]})
    source = open_parquet(path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(FileError, match=r"^x.parquet: expected a file, found a pipe$"):
        source[:]


def test_lists_as_labels_raise(tmp_path):
    path = write(tmp_path / "x.parquet", {"x": [1, 2], "kind": [[1], [2, 3]]})
    with pytest.raises(DataError, match=r"^x.parquet, column kind: expected labels, found list<"):
        open_parquet(path, "kind")


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
    assert open_parquet(path, "kind").labels.tolist() == ["a", "caf\\xe9"]


def test_columns_of_a_file_without_rows_are_ignored(tmp_path):
    write(tmp_path / "rows" / "1.parquet", {"x": pa.nulls(0), "kind": pa.nulls(0)})
    write(tmp_path / "rows" / "2.parquet", {"x": [1.5], "kind": ["a"]})
    source = open_data(tmp_path / "rows", label="kind")
    assert source[:].tolist() == [[1.5]]


def test_message_names_a_later_file_with_text(tmp_path):
    write(tmp_path / "rows" / "1.parquet", {"x": [1.5]})
    write(tmp_path / "rows" / "2.parquet", {"x": ["a"]})
    with pytest.raises(DataError, match=r"^2.parquet, column x: expected numbers, found string"):
        open_data(tmp_path / "rows")


def test_columns_may_come_in_another_order(tmp_path):
    write(tmp_path / "rows" / "1.parquet", {"x": [1], "y": [1.5]})
    write(tmp_path / "rows" / "2.parquet", {"y": [2.5], "x": [2]})
    assert open_data(tmp_path / "rows")[:].tolist() == [[1, 1.5], [2, 2.5]]


@pytest.mark.parametrize("cut", [0, 20, -4, -60])
def test_truncated_files(tmp_path, cut):
    path = write(tmp_path / "x.parquet", {"x": np.arange(1000)})
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(FileError, match=r"^x.parquet: cannot be read as a Parquet file"):
        open_parquet(path)


def test_damaged_pages(tmp_path):
    path = write(tmp_path / "x.parquet", {"x": np.random.default_rng(0).random(1000)})
    content = bytearray(path.read_bytes())
    content[4:2000] = b"\xff" * 1996
    path.write_bytes(content)
    with pytest.raises(FileError, match=r"^x.parquet: cannot be read as a Parquet file"):
        open_parquet(path)[:]


def test_no_rows_and_unknown_label(tmp_path):
    path = write(tmp_path / "x.parquet", {"x": pa.array([], pa.int64())})
    with pytest.raises(DataError, match=r"^x.parquet: expected at least one row, found none$"):
        open_parquet(path)
    path = write(tmp_path / "y.parquet", {"x": [1], "kind": ["a"]})
    with pytest.raises(UnknownNameError, match="unknown column 'knd', did you mean 'kind'"):
        open_parquet(path, "knd")


def test_memory_is_checked_before_a_group_is_read(tmp_path, monkeypatch, reads):
    source = open_parquet(write(tmp_path / "x.parquet", {"x": np.arange(1000)}))
    monkeypatch.setattr("latentmap.data.memory.available_bytes", lambda: 15_000)
    with pytest.raises(TooLargeError, match=r"^x.parquet: needs"):
        source[0:1]
    assert reads == []


def test_one_footer_is_in_memory_at_a_time(tmp_path, monkeypatch):
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
