import itertools

import numpy as np
import pytest

from latentmap.data import ArraySource
from latentmap.distributed.sharding import partition, worker_shard
from latentmap.training.targets import RowsWithTargets

ROWS = ArraySource(np.arange(103)[:, None])


def in_blocks(count, size):
    source = ArraySource(np.arange(count)[:, None])
    source.block_starts = np.arange(0, count, size)
    return source


def rows_of_steps(source, batch, n_workers, seed=0):
    """Return what each worker reads in an epoch, shape (workers, steps, rows per worker)."""
    shards = []
    for worker in range(n_workers):
        shard, size = worker_shard(source, batch, worker, n_workers)
        chunks = list(shard.batches(3 * size, rng=np.random.RandomState(seed)))
        rows = np.concatenate(chunks)[:, 0]
        steps = len(shard) // size
        assert len(rows) >= steps * size
        shards.append(rows[: steps * size].reshape(steps, size))
    return np.array(shards)


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_batches_are_those_of_a_single_process(workers):
    order = np.concatenate(list(ROWS.batches(24, rng=np.random.RandomState(0))))[:, 0]
    steps = order[: 103 // 8 * 8].reshape(-1, 8)
    together = np.concatenate(list(rows_of_steps(ROWS, 8, workers)), axis=1)
    assert np.array_equal(together, steps)


def test_a_batch_size_that_is_no_multiple_is_rounded_up():
    shards = rows_of_steps(ROWS, 8, 3)
    assert shards.shape == (3, 103 // 9, 3)
    assert len(np.unique(shards)) == shards.size


def test_each_worker_takes_at_least_one_row():
    assert worker_shard(ROWS, 2, 3, 5)[1] == 1


def test_targets_stay_with_their_rows():
    shard, size = worker_shard(RowsWithTargets(ROWS, 10 * np.arange(103)), 8, 1, 2)
    rows, targets = next(shard.batches(size, rng=np.random.RandomState(0)))
    assert np.array_equal(10 * rows[:, 0], targets)


@pytest.mark.parametrize("size", [1, 7, 50, 200])
def test_blocks_are_divided_evenly_without_overlap(size):
    shards = rows_of_steps(in_blocks(103, size), 8, 2)
    assert shards.shape == (2, 51 // 4, 4)
    assert np.array_equal(np.unique(shards[0] < 51), [True])
    assert np.array_equal(np.unique(shards[1] >= 51), [True])
    assert len(np.unique(shards)) == shards.size


def test_a_shard_keeps_its_blocks():
    shard, _ = worker_shard(in_blocks(100, 10), 8, 1, 2)
    assert shard.block_starts.tolist() == [0, 10, 20, 30, 40]


def test_targets_stay_with_rows_in_blocks():
    shard, size = worker_shard(RowsWithTargets(in_blocks(103, 10), 10 * np.arange(103)), 8, 1, 2)
    pairs = list(shard.batches(size, rng=np.random.RandomState(0)))
    assert all(np.array_equal(10 * rows[:, 0], targets) for rows, targets in pairs)
    assert sorted(np.concatenate([rows for rows, _ in pairs])[:, 0]) == list(range(51, 102))


@pytest.mark.parametrize("source", [ROWS, in_blocks(5000, 37), in_blocks(5000, 4000)])
@pytest.mark.parametrize("workers", [1, 3])
def test_parts_contain_each_row_once_in_order(source, workers):
    parts = partition(source, workers)
    assert [parts[0][0], parts[-1][1]] == [0, len(source)]
    assert all(first < end for first, end in parts)
    assert all(one[1] == other[0] for one, other in itertools.pairwise(parts))


def test_parts_start_at_block_borders():
    source = in_blocks(50_000, 100)
    starts = [first for first, _ in partition(source, 2)]
    assert len(starts) == 8
    assert set(starts) <= set(source.block_starts.tolist())


def test_parts_have_at_most_256_megabytes():
    wide = ArraySource(np.lib.stride_tricks.as_strided(np.zeros(1), (1 << 20, 1024), (0, 0)))
    assert max(end - first for first, end in partition(wide, 1)) * 8 * 1024 <= 1 << 28
