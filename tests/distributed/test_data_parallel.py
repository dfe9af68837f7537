import numpy as np
import pytest

from latentmap.data import ArraySource
from latentmap.data.sources import Source
from latentmap.distributed.data_parallel import DataParallel
from latentmap.training.task import RowsWithTargets

ROWS = ArraySource(np.arange(103)[:, None])


def in_blocks(count, size):
    source = ArraySource(np.arange(count)[:, None])
    source.block_starts = np.arange(0, count, size)
    return source


def rows_of_steps(source, batch, n_workers, seed=0):
    """Return what each worker reads in an epoch, shape (workers, steps, rows per worker)."""
    shards = []
    for worker in range(n_workers):
        shard, size = DataParallel(worker, n_workers).shard(source, batch)
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
    combined = np.concatenate(list(rows_of_steps(ROWS, 8, workers)), axis=1)
    assert np.array_equal(combined, steps)


def test_a_batch_size_is_rounded_up_to_a_multiple():
    shards = rows_of_steps(ROWS, 8, 3)
    assert shards.shape == (3, 103 // 9, 3)
    assert len(np.unique(shards)) == shards.size


def test_each_worker_takes_at_least_one_row():
    assert DataParallel(3, 5).shard(ROWS, 2)[1] == 1


def test_targets_stay_with_their_rows():
    shard, size = DataParallel(1, 2).shard(RowsWithTargets(ROWS, 10 * np.arange(103)), 8)
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
    shard, _ = DataParallel(1, 2).shard(in_blocks(100, 10), 8)
    assert shard.block_starts.tolist() == [0, 10, 20, 30, 40]


def test_targets_stay_with_rows_in_blocks():
    shard, size = DataParallel(1, 2).shard(
        RowsWithTargets(in_blocks(103, 10), 10 * np.arange(103)), 8
    )
    pairs = list(shard.batches(size, rng=np.random.RandomState(0)))
    assert all(np.array_equal(10 * rows[:, 0], targets) for rows, targets in pairs)
    assert sorted(np.concatenate([rows for rows, _ in pairs])[:, 0]) == list(range(51, 102))


class EncodedRows(Source):
    """Rows in blocks that must be decoded each time they are read."""

    def __init__(self, count):
        self.row_shape, self.dtype, self.name = (1,), np.dtype(np.int64), "rows"
        self.block_starts, self.rows_read, self.count = np.arange(0, count, 10), 0, count

    def __len__(self):
        return self.count

    def take(self, indices):
        self.rows_read += len(indices)
        return np.asarray(indices)[:, None]


@pytest.fixture
def second_worker(tmp_path, monkeypatch):
    """The second of two workers, with a cache folder of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return DataParallel(1, 2)


@pytest.mark.parametrize("has_targets", [False, True])
def test_rows_are_decoded_once_for_all_epochs(second_worker, has_targets):
    rows = EncodedRows(200)
    shard, size = second_worker.shard(
        RowsWithTargets(rows, np.arange(200)) if has_targets else rows, 8
    )
    assert size == 4
    for _ in range(3):
        for batch in shard.batches(size, rng=np.random.RandomState(0)):
            assert not has_targets or np.array_equal(batch[0][:, 0], batch[1])
    assert rows.rows_read == 100
    rows_taken = shard.take(np.arange(len(shard)))
    assert np.array_equal((rows_taken[0] if has_targets else rows_taken)[:, 0], np.arange(100, 200))
