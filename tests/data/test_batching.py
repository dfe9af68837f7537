import numpy as np
import pytest

from latentmap.data import batching


@pytest.mark.parametrize("size", [1, 3, 4, 7, 100])
def test_rebatch_keeps_rows_and_order(size):
    rows = np.arange(23)
    pieces = np.split(rows, [0, 5, 6, 6, 19])
    batches = list(batching.rebatch(pieces, size))
    assert np.array_equal(np.concatenate(batches), rows)
    assert all(len(batch) == size for batch in batches[:-1])
    assert 0 < len(batches[-1]) <= size


def test_rebatch_of_nothing_is_nothing():
    assert list(batching.rebatch([], 3)) == []
    assert list(batching.rebatch([np.zeros(0)], 3)) == []


def test_permuted_is_uniform():
    rng, rows = np.random.default_rng(0), np.arange(4)
    firsts = [next(batching.permuted(rows.take, 4, 1, rng))[0] for _ in range(2000)]
    assert np.bincount(firsts).min() > 2000 / 4 * 0.8


def test_buffered_mixes_rows_of_several_blocks():
    rows, rng = np.arange(1000), np.random.default_rng(0)
    bounds = np.arange(0, 1001, 100)
    batch = next(batching.buffered(rows.take, bounds, 50, rng, blocks_at_once=5))
    assert len(np.unique(batch // 100)) == 5
