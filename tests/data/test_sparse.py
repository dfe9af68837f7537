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
def test_all_formats_are_the_same_rows(kind, make):
    given = SparseSource(make(ROWS).asformat(kind))
    assert (len(given), given.row_shape, given.dtype) == (50, (8,), np.float64)
    assert np.array_equal(given[:], ROWS)
    assert given.n_stored == np.count_nonzero(ROWS)


def test_rows_are_read_like_those_of_an_array():
    given = source()
    assert np.array_equal(given[3:40:7], ROWS[3:40:7])
    assert np.array_equal(given[[5, 2, 5]], ROWS[[5, 2, 5]])
    assert np.array_equal(given[-1], ROWS[-1])
    assert given[[]].shape == (0, 8)
    assert np.array_equal(np.concatenate(list(given.batches(7))), ROWS)
    shuffled = np.concatenate(list(given.batches(7, rng=np.random.default_rng(0))))
    assert not np.array_equal(shuffled, ROWS)
    assert np.array_equal(np.unique(shuffled, axis=0), np.unique(ROWS, axis=0))


def test_numbers_stored_twice_are_added_up_and_the_matrix_is_left_alone():
    twice = sparse.csr_array((np.array([1.0, 2.0, 4.0]), [1, 0, 1], [0, 3, 3]), shape=(2, 3))
    assert SparseSource(twice)[:].tolist() == [[2, 5, 0], [0, 0, 0]]
    assert twice.data.tolist() == [1, 2, 4]
    assert twice.indices.tolist() == [1, 0, 1]


def test_bools_stored_twice_are_no_sum():
    twice = sparse.csr_array((np.array([True, True]), [1, 1], [0, 2]), shape=(1, 3))
    assert SparseSource(twice)[:].tolist() == [[0, 1, 0]]


def test_csr_is_not_copied():
    rows = sparse.csr_array(ROWS)
    assert np.shares_memory(source(rows)._matrix.data, rows.data)


@pytest.mark.parametrize(
    ("found", "read"), [("?", "uint8"), ("i2", "int16"), ("f4", "float32"), ("g", "float64")]
)
def test_numbers_are_read_in_plain_types(found, read):
    given = SparseSource(sparse.csr_array(np.eye(3)).astype(found))
    assert given.dtype == np.dtype(read)
    assert given[:].dtype == np.dtype(read)
    assert given[:].tolist() == np.eye(3).tolist()


def test_nothing_but_what_is_taken_is_made_dense():
    given = SparseSource(sparse.eye_array(10**7, dtype="f4", format="csr"))  # dense, 400 TB
    assert given.load() is given
    assert given.nbytes == 4 * 10**14  # callers tell from it how large a batch will be
    fitted, held_out = given.split(5, seed=0)
    assert held_out[:].sum() == 5
    assert len(fitted) == 10**7 - 5


def test_parts_know_their_rows_and_share_their_numbers():
    given = source(labels=np.arange(50), feature_names=list("abcdefgh"))
    part = given.subset(np.arange(10, 40)).subset([3, 20])
    assert isinstance(part, SparseSource)
    assert np.array_equal(part[:], ROWS[[13, 30]])
    assert part.n_stored == np.count_nonzero(ROWS[[13, 30]])
    assert part.labels.tolist() == [13, 30]
    assert part.original_index(1) == 30
    assert part.feature_names == given.feature_names
    assert part._matrix is given._matrix
    assert len(given) == 50
    with pytest.raises(DataError, match="none chosen"):
        given.subset(np.zeros(50, bool))


def test_what_is_taken_is_the_callers_own():
    given = source()
    given.take_sparse(np.arange(50)).data[:] = 0
    assert np.array_equal(given[:], ROWS)


@pytest.mark.parametrize("numbers", [1, 10, 10**6])
def test_sparse_batches_hold_every_row_once_in_order(numbers):
    batches = list(source().sparse_batches(numbers))
    assert np.array_equal(sparse.vstack(batches).toarray(), ROWS)
    assert len(batches) == {1: 50, 10: 13, 10**6: 1}[numbers]


@pytest.mark.parametrize("bad", [np.nan, -np.inf, 1e39])
def test_the_place_of_a_bad_number_is_named_in_dense_and_sparse_batches(bad):
    rows = ROWS.copy()
    rows[31, 5] = bad
    part = source(rows, name="words.npz").subset(np.arange(20, 50))
    for batch in (part[8:], part.take_sparse(np.arange(8, 30))):
        with pytest.raises(DataError, match=r"words.npz, row 31, column 5: expected"):
            part.check(batch, 8)
    part.check(part.take_sparse(np.arange(11)), 0)


@pytest.mark.parametrize(
    ("matrix", "told"),
    [
        (sparse.csr_array((0, 4)), "expected at least one row, found none"),
        (sparse.csr_array((4, 0)), "expected at least one number a row"),
        (sparse.coo_array(np.ones(3)), "expected rows in two or more dimensions"),
        (sparse.coo_array(np.ones((3, 4, 5))), r"expected sparse rows .* found shape \(3, 4, 5\)"),
        (sparse.csr_array(np.eye(3) * 1j), "expected real numbers, found complex numbers"),
    ],
)
def test_what_are_no_rows(matrix, told):
    with pytest.raises(DataError, match=told):
        SparseSource(matrix)


def test_one_label_a_row():
    with pytest.raises(DataError, match=r"expected a label for 50 rows, found \(2,\)"):
        source(labels=[1, 2])


def test_what_is_sparse():
    assert is_sparse(sparse.coo_matrix(ROWS))
    assert not any(map(is_sparse, (ROWS, ROWS.tolist(), "rows.npz", None)))
