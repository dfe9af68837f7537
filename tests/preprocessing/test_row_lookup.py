import numpy as np
import pytest

from latentmap.preprocessing.neighbors import RowLookup

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_the_first_equal_row_is_found(dtype):
    rows = RNG.integers(0, 3, (200, 3)).astype(dtype)
    queries = RNG.integers(0, 4, (100, 3)).astype(dtype)
    equal = (queries[:, None] == rows).all(axis=2)
    expected = np.where(equal.any(axis=1), equal.argmax(axis=1), -1)
    assert np.array_equal(RowLookup(rows).find(queries), expected)
    assert (expected < 0).any()
    assert (expected >= 0).any()


def test_negative_zero_equals_zero():
    assert RowLookup(np.array([[-0.0, 1.0]])).find(np.array([[0.0, 1.0]])).tolist() == [0]
    assert RowLookup(np.array([[0.0, 1.0]])).find(np.array([[-0.0, 1.0]])).tolist() == [0]


def test_no_rows_and_views_of_columns():
    rows = np.arange(12.0).reshape(3, 4)
    assert RowLookup(rows[:, ::2]).find(rows[1:, ::2]).tolist() == [1, 2]
    assert RowLookup(rows).find(rows[:0]).shape == (0,)
