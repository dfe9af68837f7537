"""Tests of the checks of index arrays. Without them, most of these inputs crash the process."""

import io

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet
from scipy import sparse

from latentmap import AutoEncoder
from latentmap.data import open_data
from latentmap.data.cells import make_cells
from latentmap.data.index_checks import check_indices, check_offsets, check_sparse
from latentmap.data.sparse import SparseSource
from latentmap.data.tables import Table
from latentmap.errors import DataError, FileError, TooLargeError
from latentmap.explorer.uploads import read_upload

HUGE = 2**30
ROWS = np.where(np.random.default_rng(0).random((8, 6)) < 0.5, np.arange(48.0).reshape(8, 6), 0)


@pytest.mark.parametrize("indices", [[-1], [5], [0.5], [True], ["a"], np.array([2**63], np.uint64)])
def test_invalid_indices_raise(indices):
    with pytest.raises(DataError, match="rows: expected integers"):
        check_indices("rows", indices, 5)


def test_valid_indices_are_returned():
    assert check_indices("rows", [[-1, 4]], 5, low=-1).tolist() == [[-1, 4]]
    assert check_indices("rows", [], 5).dtype == np.intp


@pytest.mark.parametrize(
    ("offsets", "message"),
    [
        ([0, 1], "expected 3 offsets"),
        ([1, 1, 2], "start at 0, found 1"),
        ([0, 3, 2], "never decrease, found 3 before 2"),
        ([0, 9, 2], "from 0 to 4, found 9"),
        ([0, -3, 2], "found -3"),
        ([0, 1, 5], "found 5"),
    ],
)
def test_invalid_offsets_raise(offsets, message):
    with pytest.raises(DataError, match=message):
        check_offsets("words", offsets, 2, 4)


def change(kind, array, position, value):
    """Return ROWS in a sparse format, with one value of an index array replaced."""
    matrix = sparse.csr_array(ROWS).asformat(kind)
    matrix = matrix.copy()
    getattr(matrix, array)[position] = value
    return matrix


HOSTILE = {
    f"{kind} {array} {position} {value}": (kind, array, position, value)
    for kind, array, position, value in [
        *(
            (k, a, 2, v)
            for k in ("csr", "csc", "bsr")
            for a in ("indices", "indptr")
            for v in (HUGE, -HUGE)
        ),
        ("csr", "indptr", 3, 1),
        ("csc", "indptr", 0, 1),
        ("csr", "indptr", -1, HUGE),
        ("coo", "row", 2, HUGE),
        ("coo", "col", 2, -1),
        ("lil", "rows", 2, [HUGE]),
        ("lil", "rows", 2, [0] * 100_000),
        ("lil", "data", 2, [1.0] * 100_000),
    ]
}


@pytest.mark.parametrize("kind", sorted(HOSTILE))
def test_invalid_matrices_raise_before_they_are_converted(kind):
    matrix = change(*HOSTILE[kind])
    with pytest.raises(DataError, match=r"^the sparse matrix.*expected"):
        SparseSource(matrix)
    with pytest.raises(DataError, match=r"^X.*expected"):
        AutoEncoder(2).fit(matrix)
    with pytest.raises(DataError, match=r"^the cells.*expected"):
        make_cells(matrix, [*"abcdef"], pd.DataFrame(index=range(8)), None, "the cells")


LISTS = sparse.lil_array(ROWS).rows
WRONG_ARRAYS = [
    ("csr", "data", np.array(1.0), "data: expected an array with 1 axes"),
    ("csr", "indices", np.zeros((24, 1), int), "indices: expected an array with 1 axes"),
    ("csc", "data", np.ones(3), "one value for each index"),
    ("bsr", "data", np.ones((4, 0, 2)), "expected blocks that divide the shape"),
    ("bsr", "data", np.ones((4, 3, 2)), "expected blocks that divide the shape"),
    ("bsr", "data", np.ones(4), "data: expected an array with 3 axes"),
    ("coo", "data", np.array(1.0), "data: expected an array with 1 axes"),
    ("coo", "coords", (np.array([0]),), "the indices of two axes, found 1"),
    ("dia", "data", np.ones((1, 6)), "one value for each index"),
    ("dia", "data", np.array(1.0), "data: expected an array with 2 axes"),
    ("dia", "offsets", np.array([2**40]), "offsets: expected integers"),
    ("dok", "_dict", {(HUGE, 0): 1.0}, "axis 0: expected integers from 0 to 7"),
    ("dok", "_dict", {(0,): 1.0}, "a row and a column as the key"),
    ("dok", "_dict", {5: 1.0}, "a row and a column as the key"),
    ("lil", "rows", LISTS[:3], "rows: expected an array of 8 lists"),
    ("lil", "data", np.array([None] * 8), "data: expected an array of 8 lists"),
    ("lil", "_shape", (100, 6), "rows: expected an array of 100 lists"),
    ("lil", "data", np.array([["one"] * len(x) for x in LISTS] + [0], object)[:-1], "valid sparse"),
]


@pytest.mark.parametrize(("kind", "array", "value", "message"), WRONG_ARRAYS)
def test_matrices_whose_arrays_do_not_fit_one_another_raise(kind, array, value, message):
    matrix = sparse.csr_array(ROWS).asformat(kind).copy()
    setattr(matrix, array, value)
    with pytest.raises(DataError, match=f"the sparse matrix.*{message}"):
        SparseSource(matrix)
    with pytest.raises(DataError, match=f"X.*{message}"):
        AutoEncoder(2).fit(matrix)


@pytest.mark.parametrize("shape", [(8, 2**50), (2**50, 6)])
def test_shapes_larger_than_memory_raise(shape):
    matrix = sparse.coo_array(([1.0, 2.0], ([0, 1], [0, 1])), shape=shape)
    with pytest.raises(TooLargeError, match="the sparse matrix: needs"):
        SparseSource(matrix)[:]


@pytest.mark.parametrize("kind", ["csr", "csc", "bsr", "coo", "lil", "dok", "dia"])
def test_valid_matrices_pass(kind):
    assert np.array_equal(SparseSource(sparse.csr_array(ROWS).asformat(kind))[:], ROWS)
    check_sparse("no values", sparse.csr_array((3, 2)).asformat(kind))


@pytest.mark.parametrize(
    "offsets", [[0, 4, 2, 4, 4, 4, 4, 4, 4], [0, -HUGE, 2, 4, 4, 4, 4, 4, 4], [0, HUGE, *[0] * 7]]
)
def test_hostile_sparse_files_raise_also_when_uploaded(offsets, tmp_path):
    """The last value of the third list makes SciPy leave out its own check."""
    file = io.BytesIO()
    matrix = sparse.csr_array(ROWS)
    arrays = {"format": np.array(b"csr"), "shape": np.array(matrix.shape), "data": np.ones(4)}
    np.savez(file, **arrays, indices=np.arange(4), indptr=np.array(offsets))
    (tmp_path / "words.npz").write_bytes(file.getvalue())
    with pytest.raises(FileError, match=r"words\.npz, indptr: expected"):
        open_data(tmp_path / "words.npz")
    with pytest.raises(FileError, match=r"words\.npz, indptr: expected"):
        read_upload("words.npz", file.getvalue(), None)


# -- tables ----------------------------------------------------------------------------------------


def invalid_columns():
    offsets = pa.py_buffer(np.array([0, HUGE, 1, 3], np.int32))
    letters, lists = pa.py_buffer(b"abc"), pa.list_(pa.float64())
    indices = pa.array([0, HUGE, 1], pa.int32())
    return {
        "dictionary": pa.DictionaryArray.from_arrays(indices, pa.array(["a", "b"]), safe=False),
        "list": pa.ListArray.from_buffers(
            lists, 3, [None, offsets], children=[pa.array([1.0, 2.0, 3.0])]
        ),
        "string": pa.StringArray.from_buffers(3, offsets, letters),
        "text": pa.StringArray.from_buffers(
            3, pa.py_buffer(np.arange(4, dtype=np.int32)), pa.py_buffer(b"a\xffb")
        ),
    }


@pytest.mark.parametrize("kind", sorted(invalid_columns()))
def test_invalid_arrow_columns_raise(kind):
    table = pa.table({"x": [1.0, 2.0, 3.0], "y": invalid_columns()[kind]})
    with pytest.raises(DataError, match="the data frame, column y: expected a valid Arrow array"):
        Table(table)
    with pytest.raises(DataError, match="column y: expected a valid Arrow array"):
        Table(table, label="y")


def test_text_of_a_parquet_file_that_is_not_utf_8_raises(tmp_path, set_memory_use):
    path = tmp_path / "rows.parquet"
    parquet.write_table(pa.table({"x": [1.0, 2.0, 3.0], "y": invalid_columns()["text"]}), path)
    with pytest.raises(FileError, match=r"rows\.parquet, column y: expected a valid Arrow array"):
        open_data(path)
    set_memory_use(loaded_rows=0)
    with pytest.raises(FileError, match=r"rows\.parquet, column y: expected a valid Arrow array"):
        open_data(path)


def test_invalid_codes_of_pandas_categories_raise():
    values = pd.Categorical(["a", "b", "a"])
    values._codes.flags.writeable = True
    values._codes[1] = 100
    frame = pd.DataFrame({"x": [1.0, 2.0, 3.0], "kind": pd.Series(values)})
    with pytest.raises(DataError, match="column kind: expected integers from -1 to 1, found 100"):
        Table(frame)
