import re

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from latentmap.data import ArraySource, SparseSource, as_source
from latentmap.errors import DataError, FileError, SettingError, UnknownNameError


def test_source_is_returned_unchanged():
    source = ArraySource(np.zeros((2, 2)))
    assert as_source(source) is source


def test_arrays_lists_frames_and_paths_give_the_same_rows(tmp_path):
    rows = np.arange(6).reshape(3, 2)
    np.save(tmp_path / "rows.npy", rows)
    for data in (
        rows,
        rows.tolist(),
        tmp_path / "rows.npy",
        str(tmp_path / "rows.npy"),
    ):
        source = as_source(data)
        assert np.array_equal(source[:], rows)
        assert source.dtype == np.int64


def test_arrays_are_not_copied():
    rows = np.zeros((3, 4))
    assert as_source(rows).array is rows


def test_sparse_matrices_stay_sparse():
    source = as_source(csr_array(np.eye(3)))
    assert isinstance(source, SparseSource)
    assert source.n_stored == 3


def test_memory_maps_stay_on_disk(tmp_path):
    np.save(tmp_path / "rows.npy", np.zeros((3, 4)))
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")
    assert as_source(mapped).block_starts is not None


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ([[1, 2], [3]], "the array: expected rows of equal length, found ragged rows"),
        ([1, 2, 3], "the array: expected rows in two or more dimensions, found shape (3,)"),
        ([], "the array: expected rows in two or more dimensions, found shape (0,)"),
        ([["a", 1]], "the array: expected real numbers, found text"),
        (np.zeros((0, 3)), "the array: expected at least one row, found none"),
        (object(), "the array: expected rows of numbers, found an object of type object"),
        (pd.Series([1, 2]), "the array: expected rows in two or more dimensions, found shape (2,)"),
    ],
)
def test_invalid_data_raises(data, sentence):
    with pytest.raises(DataError, match="^" + re.escape(sentence)):
        as_source(data)


def test_names_and_missing_files():
    with pytest.raises(UnknownNameError, match="unknown data set 'mnits', did you mean 'mnist'"):
        as_source("mnits")
    with pytest.raises(FileError, match=r"^absent.npy: no such file or folder$"):
        as_source("absent.npy")


def test_label_of_an_array_raises():
    with pytest.raises(SettingError, match="label 'kind': expected a table"):
        as_source(np.zeros((2, 2)), label="kind")
