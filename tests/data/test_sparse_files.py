import numpy as np
import pytest
from scipy import sparse

from latentmap.data.arrays import open_npz
from latentmap.data.sparse import SparseSource
from latentmap.errors import DataError, FileError, LatentmapError, TooLargeError

ROWS = np.where(np.random.default_rng(0).random((6, 5)) < 0.5, np.arange(30.0).reshape(6, 5), 0)


@pytest.fixture
def saved(tmp_path):
    """Save rows as SciPy does, some arrays being changed or, where None, left out."""

    def saved(kind="csr", rows=ROWS, **changed):
        path = tmp_path / "words.npz"
        sparse.save_npz(path, sparse.csr_array(rows).asformat(kind))
        with np.load(path) as arrays:
            arrays = {**arrays, **changed}
        np.savez(path, **{key: array for key, array in arrays.items() if array is not None})
        return path

    return saved


def placed(name, place, value, dtype=np.int32):
    """Give one of the arrays of ROWS in CSR, with another number at a place."""
    array = getattr(sparse.csr_array(ROWS), name).astype(dtype)
    array[place] = value
    return {name: array}


@pytest.mark.parametrize("make", [sparse.csr_array, sparse.csr_matrix])
@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("kind", ["csr", "csc", "coo"])
def test_file_of_scipy_is_opened_sparse(tmp_path, kind, compressed, make):
    sparse.save_npz(tmp_path / "words.npz", make(ROWS).asformat(kind), compressed)
    source = open_npz(tmp_path / "words.npz")
    assert isinstance(source, SparseSource)
    assert np.array_equal(source[:], ROWS)
    assert source.name == "words.npz"
    assert source.labels is None


def test_sparse_file_may_hold_labels(saved):
    assert open_npz(saved(y=np.arange(6))).labels.tolist() == [0, 1, 2, 3, 4, 5]
    assert open_npz(saved(kind_=np.array(list("abcdef"))), "kind_").labels.tolist() == [*"abcdef"]
    assert open_npz(saved(y=np.arange(5))).labels is None
    with pytest.raises(DataError, match="array y: expected one label for each of 6 rows"):
        open_npz(saved(y=np.arange(5)), "y")


@pytest.mark.parametrize("kind", ["csr", "csc", "coo"])
@pytest.mark.parametrize("dtype", [">f4", "f2", ">i8", "g", "?"])
def test_all_types_of_numbers(saved, kind, dtype):
    data = sparse.csr_array(ROWS).asformat(kind).data.astype(dtype)
    source = open_npz(saved(kind, data=data))
    assert source.dtype.isnative
    assert np.array_equal(source[:], ROWS.astype(dtype))


@pytest.mark.parametrize("dtype", [">i8", "u1", "i2"])
def test_all_types_of_indices(saved, dtype):
    rows = sparse.csr_array(ROWS)
    places = {name: getattr(rows, name).astype(dtype) for name in ("indices", "indptr")}
    assert np.array_equal(open_npz(saved(**places))[:], ROWS)


def test_older_versions_of_scipy_wrote_the_format_as_text(saved):
    assert np.array_equal(open_npz(saved(format=np.array("csr")))[:], ROWS)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (placed("indices", 3, 99), "indices: expected integers from 0 to 4, found 99"),
        (placed("indices", 3, -1), "indices: expected integers from 0 to 4, found -1"),
        (placed("indices", 3, 2**63 + 5, np.uint64), "indices: expected integers from 0 to 4"),
        (placed("indices", 3, 2**40, np.int64), "indices: expected integers from 0 to 4"),
        (placed("indptr", 2, 8), "indptr: expected offsets that never decrease"),
        (placed("indptr", 0, 1), "indptr: expected offsets that start at 0"),
        (placed("indptr", -1, 10**6), "indptr: expected integers"),
        ({"indptr": np.zeros(3, int)}, "indptr: expected 7 offsets"),
        ({"data": np.ones(2)}, "one value for each index"),
        ({"data": np.ones((2, 2))}, "array data: expected an array of a sparse matrix"),
        ({"data": np.ones(2) * 1j}, "array data: expected an array .* found complex128"),
        ({"indices": np.ones(2)}, "array indices: expected an array .* found float64"),
        ({"shape": np.array([6.0, 5.0])}, "array shape: expected an array"),
        ({"shape": np.array([6, 5, 1])}, "expected a sparse matrix of two dimensions, found 3"),
        ({"indptr": None}, "no item named 'indptr.npy'"),
        ({"format": np.array(b"dia")}, "expected a sparse format of csr, csc, coo, found 'dia'"),
        ({"format": np.array(b"\xff\xfe")}, "can't decode"),
        ({"format": np.array([b"csr"])}, "array format: expected an array"),
    ],
)
def test_inconsistent_arrays_raise(saved, changed, message):
    with pytest.raises(FileError, match=f"^words.npz.*{message}") as caught:
        open_npz(saved(**changed))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("row", [[0, 6, 2], [0, -1, 2], [0, 1]])
def test_inconsistent_coordinates_raise(saved, row):
    with pytest.raises(
        FileError, match=r"^words.npz.*expected (integers from 0 to 5|one value for each)"
    ):
        open_npz(saved("coo", data=np.ones(3), row=np.array(row), col=np.array([0, 1, 2])))


@pytest.mark.parametrize("shape", [(0, 5), (-6, 5), (6, 0)])
def test_shapes_without_rows(saved, shape):
    with pytest.raises(DataError, match="expected at least one"):
        open_npz(saved(shape=np.array(shape)))


@pytest.mark.parametrize("kind", ["csr", "csc", "coo"])
@pytest.mark.parametrize("shape", [(2**60, 5), (6, 2**60), (6, 2**64 - 1)])
def test_memory_is_checked_for_the_claimed_shape(saved, kind, shape):
    with pytest.raises(TooLargeError, match=r"^words.npz: needs"):
        open_npz(saved(kind, shape=np.array(shape, np.uint64)))


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was executed",))


@pytest.mark.parametrize("key", ["format", "shape", "data", "indices", "indptr"])
def test_pickles_are_never_loaded(saved, key):
    with pytest.raises(LatentmapError):
        open_npz(saved(**{key: np.array([Bomb()], dtype=object)}))
