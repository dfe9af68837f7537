import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from latentmap.data import Table, TableOptions, open_data
from latentmap.errors import DataError
from latentmap.preprocessing.table_encoder import TableEncoder

EMBEDDINGS = {
    "title": ["a", "b", "c"],
    "year": [1, 2, 3],
    "x": [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]],
}


@pytest.fixture
def write(tmp_path):
    def write(columns, **options):
        path = tmp_path / "x.parquet"
        try:
            parquet.write_table(pa.table(columns), path, **options)
        except pa.ArrowNotImplementedError:
            pytest.skip("pyarrow before version 26 does not write missing vectors")
        return path

    return write


def test_vectors_of_the_only_column_are_rows(write):
    pixels = pa.FixedSizeListArray.from_arrays(pa.array(np.arange(12, dtype=np.uint8)), 4)
    path = write({"pixels": pixels, "digit": [7, 8, 9]}, row_group_size=2)
    source = open_data(path, label="digit")
    assert (source.row_shape, source.dtype, source.feature_names) == ((4,), np.uint8, None)
    assert np.array_equal(source[:], np.arange(12).reshape(3, 4))
    assert source.labels.tolist() == [7, 8, 9]


def test_columns_beside_vectors_are_metadata(write):
    source = open_data(write(EMBEDDINGS), label="title")
    assert source[:].tolist() == EMBEDDINGS["x"]
    assert source.metadata[:].to_pydict() == {"year": [1, 2, 3]}
    part = source.subset([2, 0])
    assert part.metadata[:].to_pydict() == {"year": [3, 1]} and part.labels.tolist() == ["c", "a"]


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (TableOptions(roles={"year": "number"}), ["title", "year", "x"]),
        (TableOptions(columns=("year", "x")), ["year", "x"]),
        (TableOptions(roles={"x": "identifier"}), ["title", "year", "x"]),
        (TableOptions(drop=("x",)), ["title", "year"]),
    ],
)
def test_options_for_other_columns_make_a_table(write, options, names):
    table = open_data(write(EMBEDDINGS), options=options)
    assert isinstance(table, Table)
    assert table.feature_names == names


@pytest.mark.parametrize("in_memory", [True, False])
def test_only_columns_with_a_role_are_fitted_beside_vectors(write, monkeypatch, in_memory):
    monkeypatch.setattr("latentmap.data.parquet_tables.fits_in_memory", lambda *_: in_memory)
    path = write({**EMBEDDINGS, "score": [0.5, 0.1, 0.7]})
    table = open_data(path, options=TableOptions(roles={"score": "number"}))
    encoder = TableEncoder.fit(table)
    assert encoder.names == ["x", "score"]
    assert encoder.ignored == {"title": "metadata", "year": "metadata"}


def test_only_columns_with_a_role_are_fitted_beside_vectors_of_a_data_frame():
    frame = pd.DataFrame({**EMBEDDINGS, "date": ["2024-01-02", "2024-01-03", "2024-01-04"]})
    encoder = TableEncoder.fit(Table(frame, roles={"year": "number", "title": "label"}))
    assert encoder.names == ["year", "x"] and encoder.ignored == {"date": "metadata"}


def test_two_columns_of_vectors_make_a_table(write):
    assert isinstance(open_data(write({"a": [[1.0]], "b": [[2.0]]})), Table)


@pytest.mark.parametrize(
    ("vectors", "sentence"),
    [
        ([[1, 2], None, [3, 4]], "row 1, column x: expected a vector, found null"),
        ([[1, 2], [3, 4], [5, None]], "row 2, column x: expected a number, found null"),
    ],
)
@pytest.mark.parametrize("length", [2, -1])
def test_message_names_a_missing_value(write, vectors, sentence, length):
    path = write({"x": pa.array(vectors, pa.list_(pa.int32(), length))})
    with pytest.raises(DataError, match=f"^x.parquet, {sentence}; remove such rows"):
        open_data(path)[:]


def test_message_names_a_vector_of_another_length(write):
    path = write({"x": [[1.0, 2.0], [3.0, 4.0], [5.0]]}, row_group_size=1)
    sentence = "row 2, column x: expected a vector of 2 numbers, found one of 1"
    with pytest.raises(DataError, match=f"^x.parquet, {sentence}; remove such rows"):
        open_data(path)[:]


def test_the_expected_length_of_vectors_is_the_most_frequent_one(write):
    path = write({"x": [[], [5.0], [1.0, 2.0], [3.0, 4.0]]})
    with pytest.raises(DataError, match="row 0, column x: expected a vector of 2 numbers"):
        open_data(path)[:]


def test_only_empty_vectors_raise(write):
    path = write({"x": pa.array([None, []], pa.list_(pa.float32()))})
    with pytest.raises(DataError, match=r"^x.parquet, column x: expected vectors, found none$"):
        open_data(path)
