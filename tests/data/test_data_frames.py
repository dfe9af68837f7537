import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from latentmap.data.data_frames import is_frame, read_frame
from latentmap.errors import DataError, UnknownNameError


def test_is_frame_distinguishes_frames_from_arrays():
    assert is_frame(pd.DataFrame({"a": [1]}))
    assert is_frame(pa.table({"a": [1]}))
    assert not is_frame(np.zeros((2, 2)))
    assert not is_frame(pd.Series([1]))


@pytest.mark.parametrize("make", [pd.DataFrame, pa.table])
def test_numbers_names_and_labels(make):
    frame = make({"a": [1, 2], "kind": ["x", "y"], "b": [0.5, 1.5]})
    source = read_frame(frame, "kind")
    assert source.feature_names == ["a", "b"]
    assert source[:].tolist() == [[1.0, 0.5], [2.0, 1.5]]
    assert source.dtype == np.float64
    assert source.labels.tolist() == ["x", "y"]


def test_integers_stay_integers():
    frame = pd.DataFrame({"a": np.array([1, 2], np.uint8), "b": np.array([3, -4], np.int16)})
    assert read_frame(frame).dtype == np.int16
    assert read_frame(pd.DataFrame({"a": pd.array([1, 2], dtype="Int64")})).dtype == np.int64
    assert read_frame(pd.DataFrame({"a": [True, False]})).dtype == np.uint8


def test_column_numbers_are_not_feature_names():
    assert read_frame(pd.DataFrame(np.zeros((2, 3)))).feature_names is None


@pytest.mark.parametrize(
    ("frame", "sentence"),
    [
        (pd.DataFrame({"a": [1], "b": ["n/a"]}), "column b: expected a number, found 'n/a'"),
        (
            pd.DataFrame({"a": np.array([1, None], dtype=object)}),
            "row 1, column a: expected a number, found 'None'",
        ),
        (pd.DataFrame({"a": [1 + 2j]}), "column a: expected real numbers, found complex"),
        (pd.DataFrame({"a": pd.to_datetime(["2020-01-01"])}), "column a: .* found dates"),
        (pd.DataFrame({"a": []}, dtype=float), "column a: expected at least one row, found none"),
        (pd.DataFrame(index=[0, 1]), "expected at least one column of numbers, found none"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "columns of different names, found 'a' twice"),
    ],
)
def test_message_names_an_invalid_column(frame, sentence):
    with pytest.raises(DataError, match="^the data frame.*" + sentence):
        read_frame(frame)


def test_unknown_label():
    with pytest.raises(UnknownNameError, match="unknown column 'knd', did you mean 'kind'"):
        read_frame(pd.DataFrame({"a": [1], "kind": ["x"]}), "knd")
