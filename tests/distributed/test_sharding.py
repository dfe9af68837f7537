import itertools

import numpy as np
import pytest

from latentmap.data import ArraySource
from latentmap.distributed.sharding import parts_of, share_of
from latentmap.training.targets import Paired

ROWS = ArraySource(np.arange(103)[:, None])


def in_blocks(count, size):
    source = ArraySource(np.arange(count)[:, None])
    source.block_starts = np.arange(0, count, size)
    return source


def seen(rows, batch, workers, seed=0):
    """What each worker reads in an epoch, cut into steps: shape (workers, steps, own)."""
    read = []
    for number in range(workers):
        share, own = share_of(rows, batch, number, workers)
        chunks = list(share.batches(3 * own, rng=np.random.RandomState(seed)))
        whole = np.concatenate(chunks)[:, 0]
        steps = len(share) // own
        assert len(whole) >= steps * own
        read.append(whole[: steps * own].reshape(steps, own))
    return np.array(read)


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_steps_are_those_of_one_process(workers):
    order = np.concatenate(list(ROWS.batches(24, rng=np.random.RandomState(0))))[:, 0]
    steps = order[: 103 // 8 * 8].reshape(-1, 8)
    together = np.concatenate(list(seen(ROWS, 8, workers)), axis=1)
    assert np.array_equal(together, steps)


def test_a_batch_that_cannot_be_shared_evenly_grows():
    shares = seen(ROWS, 8, 3)
    assert shares.shape == (3, 103 // 9, 3)
    assert len(np.unique(shares)) == shares.size


def test_more_workers_than_a_batch_has_rows():
    assert share_of(ROWS, 2, 3, 5)[1] == 1


def test_targets_stay_beside_their_rows():
    share, own = share_of(Paired(ROWS, 10 * np.arange(103)), 8, 1, 2)
    rows, beside = next(share.batches(own, rng=np.random.RandomState(0)))
    assert np.array_equal(10 * rows[:, 0], beside)


@pytest.mark.parametrize("size", [1, 7, 50, 200])
def test_blocks_are_dealt_once_and_evenly(size):
    shares = seen(in_blocks(103, size), 8, 2)
    assert shares.shape == (2, 51 // 4, 4)
    assert np.array_equal(np.unique(shares[0] < 51), [True])
    assert np.array_equal(np.unique(shares[1] >= 51), [True])
    assert len(np.unique(shares)) == shares.size


def test_a_stretch_keeps_its_blocks():
    share, _ = share_of(in_blocks(100, 10), 8, 1, 2)
    assert share.block_starts.tolist() == [0, 10, 20, 30, 40]


def test_targets_stay_beside_rows_in_blocks():
    share, own = share_of(Paired(in_blocks(103, 10), 10 * np.arange(103)), 8, 1, 2)
    pairs = list(share.batches(own, rng=np.random.RandomState(0)))
    assert all(np.array_equal(10 * rows[:, 0], beside) for rows, beside in pairs)
    assert sorted(np.concatenate([rows for rows, _ in pairs])[:, 0]) == list(range(51, 102))


@pytest.mark.parametrize("source", [ROWS, in_blocks(5000, 37), in_blocks(5000, 4000)])
@pytest.mark.parametrize("workers", [1, 3])
def test_parts_are_all_rows_once_in_order(source, workers):
    parts = parts_of(source, workers)
    assert [parts[0][0], parts[-1][1]] == [0, len(source)]
    assert all(first < end for first, end in parts)
    assert all(one[1] == other[0] for one, other in itertools.pairwise(parts))


def test_parts_begin_where_blocks_do():
    source = in_blocks(50_000, 100)
    starts = [first for first, _ in parts_of(source, 2)]
    assert len(starts) == 8
    assert set(starts) <= set(source.block_starts.tolist())


def test_parts_are_small_enough_to_hold():
    wide = ArraySource(np.lib.stride_tricks.as_strided(np.zeros(1), (1 << 20, 1024), (0, 0)))
    assert max(end - first for first, end in parts_of(wide, 1)) * 8 * 1024 <= 1 << 28
