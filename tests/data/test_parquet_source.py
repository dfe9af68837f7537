import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from latentmap.data import open_data
from latentmap.data.parquet_source import ParquetSource
from latentmap.errors import DataError, TooLargeError


def write(path, columns, **options):
    path.parent.mkdir(exist_ok=True)
    try:
        parquet.write_table(pa.table(columns), path, **options)
    except pa.ArrowNotImplementedError:
        pytest.skip("pyarrow before version 26 does not write missing vectors")
    return path


@pytest.fixture(autouse=True)
def streamed(monkeypatch):
    """Tables do not fit in memory, and a chunk has 100 rows of two columns."""
    monkeypatch.setattr("latentmap.data.parquet_tables.fits_in_memory", lambda *_: False)
    monkeypatch.setattr("latentmap.data.parquet_footers._value_bytes", lambda kind: 8)
    monkeypatch.setattr("latentmap.data.parquet_source._CHUNK_BYTES", 16 * 100)


@pytest.fixture
def folder(tmp_path):
    """Three files, ten row groups, 1,000 rows: x counts from 0, y is its tenfold."""
    bounds = [(0, 300), (300, 400), (400, 1000)]
    for i, (first, last) in enumerate(bounds):
        x = np.arange(first, last)
        columns = {"x": x, "y": x * 10.0, "kind": [f"k{v % 3}" for v in x]}
        options = {"row_group_size": 100, "use_dictionary": False, "compression": "zstd"}
        write(tmp_path / "rows" / f"part-{i + 9}.parquet", columns, **options)
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
    assert source[150:152].to_pydict() == {"x": [150, 151], "y": [1500, 1510]}
    assert reads == [(0, 1)]


def test_folder_is_read_in_natural_order(folder):
    source = open_data(folder, label="kind")
    assert source.feature_names == ["x", "y"]
    assert np.array_equal(source[:]["x"], np.arange(1000))
    assert source.labels[:4].tolist() == ["k0", "k1", "k2", "k0"]
    assert source[[999, 5, 350]]["y"].to_pylist() == [9990, 50, 3500]
    assert source[np.array([], int)].num_rows == 0


def test_batches_in_order_read_each_group_once(folder, reads):
    source = open_data(folder, label="kind")
    reads.clear()
    rows = pa.concat_tables(source.batches(33))
    assert np.array_equal(rows["x"], np.arange(1000))
    assert len(reads) == 10
    assert len(set(reads)) == 10


@pytest.mark.parametrize("part", ["whole", "fitted"])
def test_shuffled_batches_read_each_group_once(folder, reads, part, set_memory_use):
    set_memory_use(shuffle_buffer=5000)
    source = open_data(folder, label="kind")
    source = source if part == "whole" else source.split(0.3)[0]
    expected = source[:]["x"].to_numpy()
    source[999 if part == "whole" else 0]  # leaves a group in the cache that a pass reads anyway
    reads.clear()
    order = pa.concat_tables(source.batches(33, rng=np.random.default_rng(1)))["x"].to_numpy()
    assert np.array_equal(np.sort(order), expected)
    assert np.mean(np.diff(order) == 1) < 0.1
    assert 9 <= len(reads) <= 10


def test_one_chunk_of_a_group_is_in_memory_at_a_time(tmp_path, reads):
    columns = {"x": np.arange(950), "y": np.arange(950) * 10}
    source = open_data(write(tmp_path / "one.parquet", columns))
    for size in (50, 130):
        reads.clear()
        found = []
        for batch in source.batches(size):
            assert len(source._last_chunk[1]) <= 100
            found.append(batch)
        assert np.array_equal(pa.concat_tables(found)["y"], columns["y"])
        assert reads == [(0, 0)]  # once, though it is ten chunks
    assert source[[940, 3, 500, 3]]["x"].to_pylist() == [940, 3, 500, 3]


def test_message_gives_the_row_of_a_missing_value_in_a_group(tmp_path):
    vectors = [None if i == 777 else [i, i] for i in range(950)]
    columns = {"x": pa.array(vectors, pa.list_(pa.int64(), 2))}
    source = open_data(write(tmp_path / "one.parquet", columns))
    assert source[600:610][:, 0].tolist() == list(range(600, 610))
    with pytest.raises(DataError, match="row 777, column x: expected a vector, found null"):
        source[:]
    assert source[:100][:, 0].tolist() == list(range(100))


def test_small_groups_are_read_together(tmp_path, reads, monkeypatch):
    monkeypatch.setattr("latentmap.data.parquet_source._CHUNK_BYTES", 16 * 300)
    for i in range(2):
        columns = {"x": np.arange(i * 1000, i * 1000 + 1000), "y": np.zeros(1000)}
        write(tmp_path / "rows" / f"{i}.parquet", columns, row_group_size=70)
    source = open_data(tmp_path / "rows")
    assert source.block_starts.tolist() == [0, 280, 560, 840, 1000, 1280, 1560, 1840]
    assert source[:]["x"].to_pylist() == list(range(2000))
    together = [(0, 3), (4, 7), (8, 11), (12, 14)]
    assert reads == [(file, *groups) for file in range(2) for groups in together]
    assert source[[1999, 279, 280, 1000]]["x"].to_pylist() == [1999, 279, 280, 1000]


def test_message_gives_the_row_of_a_missing_value_in_small_groups(tmp_path):
    vectors = pa.array([None if i == 777 else [i] for i in range(950)], pa.list_(pa.int64(), 1))
    path = write(tmp_path / "one.parquet", {"x": vectors}, row_group_size=10)
    with pytest.raises(DataError, match="row 777, column x: expected a vector, found null"):
        open_data(path)[:]


def test_file_is_opened_once_if_read_in_order(folder, monkeypatch):
    source, opened, real = open_data(folder, label="kind"), [], parquet.ParquetFile
    monkeypatch.setattr(parquet, "ParquetFile", lambda path: opened.append(path) or real(path))
    source[:]
    assert len(opened) == 3


def test_memory_is_checked_before_a_group_is_read(tmp_path, monkeypatch, reads):
    source = open_data(write(tmp_path / "x.parquet", {"x": np.arange(1000)}))
    monkeypatch.setattr("latentmap.data.memory.available_bytes", lambda: 3_000)
    with pytest.raises(TooLargeError, match=r"^x.parquet: needs"):
        source[0:1]
    assert reads == []


def test_texts_in_chunks_are_typed(tmp_path):
    columns = {
        "price": [f"{i},5 €" for i in range(300)],
        "late": [*(str(i) for i in range(299)), "1.5"],
        "member": [None, *["yes", "no"] * 149, "yes"],
        "kind": [f"k{i % 3}" for i in range(300)],
    }
    source = open_data(write(tmp_path / "x.parquet", columns, row_group_size=50))
    assert isinstance(source, ParquetSource)
    assert [str(kind) for kind in source.table_schema.schema.types] == [
        *("double", "double", "bool", "string")
    ]
    assert source.table_schema.units == {"price": "€"}
    assert source.table_schema.boolean_strings == {"member": ("no", "yes")}
    assert source[[299, 0]].to_pydict() == {
        "price": [299.5, 0.5],
        "late": [1.5, 0],
        "member": [True, None],
        "kind": ["k2", "k0"],
    }
