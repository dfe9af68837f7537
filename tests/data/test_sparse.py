import numpy as np
import pytest
from scipy import sparse

from latentmap.data.sparse import SparseSource, is_sparse
from latentmap.errors import DataError

ROWS = np.where(np.random.default_rng(0).random((50, 8)) < 0.3, np.arange(400.0).reshape(50, 8), 0)


def source(rows=ROWS, **options):
    return SparseSource(sparse.csr_array(rows), **options)


@pytest.mark.parametrize("kind", ["csr", "csc", "coo", "bsr", "lil", "dok", "dia"])
@pytest.mark.parametrize("make", [sparse.csr_array, sparse.csr_matrix])
def test_all_sparse_formats_give_the_same_rows(kind, make):
    sparse_rows = SparseSource(make(ROWS).asformat(kind))
    assert (len(sparse_rows), sparse_rows.row_shape, sparse_rows.dtype) == (50, (8,), np.float64)
    assert np.array_equal(sparse_rows[:], ROWS)
    assert sparse_rows.n_stored == np.count_nonzero(ROWS)


def test_sparse_rows_are_read_like_an_array():
    sparse_rows = source()
    assert np.array_equal(sparse_rows[3:40:7], ROWS[3:40:7])
    assert np.array_equal(sparse_rows[[5, 2, 5]], ROWS[[5, 2, 5]])
    assert np.array_equal(sparse_rows[-1], ROWS[-1])
    assert sparse_rows[[]].shape == (0, 8)
    assert np.array_equal(np.concatenate(list(sparse_rows.batches(7))), ROWS)
    shuffled = np.concatenate(list(sparse_rows.batches(7, rng=np.random.default_rng(0))))
    assert not np.array_equal(shuffled, ROWS)
    assert np.array_equal(np.unique(shuffled, axis=0), np.unique(ROWS, axis=0))


def test_duplicates_are_summed_without_changing_the_matrix():
    twice = sparse.csr_array((np.array([1.0, 2.0, 4.0]), [1, 0, 1], [0, 3, 3]), shape=(2, 3))
    assert SparseSource(twice)[:].tolist() == [[2, 5, 0], [0, 0, 0]]
    assert twice.data.tolist() == [1, 2, 4]
    assert twice.indices.tolist() == [1, 0, 1]


def test_duplicate_bools_are_not_summed():
    twice = sparse.csr_array((np.array([True, True]), [1, 1], [0, 2]), shape=(1, 3))
    assert SparseSource(twice)[:].tolist() == [[0, 1, 0]]


def test_csr_is_not_copied():
    rows = sparse.csr_array(ROWS)
    assert np.shares_memory(source(rows)._matrix.data, rows.data)


@pytest.mark.parametrize(
    ("found", "read"), [("?", "uint8"), ("i2", "int16"), ("f4", "float32"), ("g", "float64")]
)
def test_sparse_rows_have_standard_types(found, read):
    sparse_rows = SparseSource(sparse.csr_array(np.eye(3)).astype(found))
    assert sparse_rows.dtype == np.dtype(read)
    assert sparse_rows[:].dtype == np.dtype(read)
    assert sparse_rows[:].tolist() == np.eye(3).tolist()


def test_only_taken_rows_are_made_dense():
    sparse_rows = SparseSource(sparse.eye_array(10**7, dtype="f4", format="csr"))  # dense, 400 TB
    assert sparse_rows.load() is sparse_rows
    assert sparse_rows.nbytes == 4 * 10**14  # callers tell from it how large a batch will be
    fitted, held_out = sparse_rows.split(5, seed=0)
    assert held_out[:].sum() == 5
    assert len(fitted) == 10**7 - 5


def test_subsets_share_stored_numbers_and_know_their_rows():
    sparse_rows = source(labels=np.arange(50), feature_names=list("abcdefgh"))
    part = sparse_rows.subset(np.arange(10, 40)).subset([3, 20])
    assert isinstance(part, SparseSource)
    assert np.array_equal(part[:], ROWS[[13, 30]])
    assert part.n_stored == np.count_nonzero(ROWS[[13, 30]])
    assert part.labels.tolist() == [13, 30]
    assert part.original_index(1) == 30
    assert part.feature_names == sparse_rows.feature_names
    assert part._matrix is sparse_rows._matrix
    assert len(sparse_rows) == 50
    with pytest.raises(DataError, match="an empty selection"):
        sparse_rows.subset(np.zeros(50, bool))


def test_taken_rows_are_copies():
    sparse_rows = source()
    sparse_rows.take_sparse(np.arange(50)).data[:] = 0
    assert np.array_equal(sparse_rows[:], ROWS)


@pytest.mark.parametrize("numbers", [1, 10, 10**6])
def test_sparse_batches_hold_every_row_once_in_order(numbers):
    batches = list(source().sparse_batches(numbers))
    assert np.array_equal(sparse.vstack(batches).toarray(), ROWS)
    assert len(batches) == {1: 50, 10: 13, 10**6: 1}[numbers]


@pytest.mark.parametrize("bad", [np.nan, -np.inf, 1e39])
def test_message_names_an_invalid_number_in_dense_and_sparse_batches(bad):
    rows = ROWS.copy()
    rows[31, 5] = bad
    part = source(rows, name="words.npz").subset(np.arange(20, 50))
    for batch in (part[8:], part.take_sparse(np.arange(8, 30))):
        with pytest.raises(DataError, match=r"words.npz, row 31, column 5: expected"):
            part.check(batch, 8)
    part.check(part.take_sparse(np.arange(11)), 0)


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (sparse.csr_array((0, 4)), "expected at least one row, found none"),
        (sparse.csr_array((4, 0)), "expected at least one number in each row"),
        (sparse.coo_array(np.ones(3)), "expected rows in two or more dimensions"),
        (sparse.coo_array(np.ones((3, 4, 5))), r"expected sparse rows .* found shape \(3, 4, 5\)"),
        (sparse.csr_array(np.eye(3) * 1j), "expected real numbers, found complex numbers"),
    ],
)
def test_invalid_sparse_rows_raise(matrix, message):
    with pytest.raises(DataError, match=message):
        SparseSource(matrix)


def test_labels_are_one_per_row():
    with pytest.raises(DataError, match=r"expected labels of shape \(50,\), found \(2,\)"):
        source(labels=[1, 2])


def test_is_sparse():
    assert is_sparse(sparse.coo_matrix(ROWS))
    assert not any(map(is_sparse, (ROWS, ROWS.tolist(), "rows.npz", None)))
