import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from latentmap.data import Table
from latentmap.data.data_frames import is_frame
from latentmap.errors import DataError, UnknownNameError


def test_is_frame_distinguishes_frames_from_arrays():
    assert is_frame(pd.DataFrame({"a": [1]}))
    assert is_frame(pa.table({"a": [1]}))
    assert not is_frame(np.zeros((2, 2)))
    assert not is_frame(pd.Series([1]))


@pytest.mark.parametrize("make", [pd.DataFrame, pa.table])
def test_numbers_names_and_labels(make):
    frame = make({"a": [1, 2], "kind": ["x", "y"], "b": [0.5, 1.5]})
    table = Table(frame, label="kind")
    assert table.feature_names == ["a", "b"]
    assert table.numbers()[:].tolist() == [[1.0, 0.5], [2.0, 1.5]]
    assert table.numbers().dtype == np.float64
    assert table.labels.tolist() == ["x", "y"]


def test_integers_stay_integers():
    frame = pd.DataFrame({"a": np.array([1, 2], np.uint8), "b": np.array([3, -4], np.int16)})
    assert Table(frame).numbers().dtype == np.int16
    assert Table(pd.DataFrame({"a": pd.array([1, 2], dtype="Int64")})).numbers().dtype == np.int64


def test_column_numbers_are_not_feature_names():
    table = Table(pd.DataFrame(np.zeros((2, 3))))
    assert not table.table_schema.has_string_names
    assert table.numbers().feature_names is None


def test_taken_rows_are_an_arrow_table():
    rows = Table(pd.DataFrame({"a": [1, 2, 3], "b": ["x", None, "z"]})).take([2, 0])
    assert rows.to_pydict() == {"a": [3, 1], "b": ["z", "x"]}


@pytest.mark.parametrize("indices", [[], [0, 1, 2], [1, 2], [2], [0, 2], [1, 0], [1, 1]])
def test_taken_rows_are_those_at_the_indices(indices):
    rows = Table(pd.DataFrame({"a": [10, 11, 12]})).take(indices)
    assert rows.column("a").to_pylist() == [[10, 11, 12][i] for i in indices]


def test_a_column_of_several_types_is_read_as_text():
    table = Table(pd.DataFrame({"a": [1, "x", None, 2.5]}))
    assert table[:].column("a").to_pylist() == ["1", "x", None, "2.5"]


def test_columns_and_drop_select_columns():
    frame = pd.DataFrame({"a": [1], "b": [2], "c": [3]})
    assert Table(frame, columns=["a", "c"]).feature_names == ["a", "c"]
    assert Table(frame, drop=["a"]).feature_names == ["b", "c"]


def test_a_column_with_the_role_label_holds_the_labels():
    table = Table(pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}), roles={"b": "label"})
    assert table.labels.tolist() == ["x", "y"]
    assert table.feature_names == ["a"]


@pytest.mark.parametrize(
    ("frame", "sentence"),
    [
        (pd.DataFrame({"a": [1 + 2j]}), "column a: expected real numbers, found complex"),
        (pd.DataFrame({"a": []}, dtype=float), "expected at least one row, found none"),
        (pd.DataFrame(index=[0, 1]), "expected at least one column, found none"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "columns of different names, found 'a' twice"),
    ],
)
def test_message_names_an_invalid_table(frame, sentence):
    with pytest.raises(DataError, match="^the data frame.*" + sentence):
        Table(frame)


def test_unknown_names_are_errors():
    frame = pd.DataFrame({"a": [1], "kind": ["x"]})
    with pytest.raises(UnknownNameError, match="unknown column 'knd', did you mean 'kind'"):
        Table(frame, label="knd")
    with pytest.raises(UnknownNameError, match="unknown column 'knd'"):
        Table(frame, roles={"knd": "category"})
    with pytest.raises(UnknownNameError, match="unknown role 'categori', did you mean 'category'"):
        Table(frame, roles={"kind": "categori"})
