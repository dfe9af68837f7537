import numpy as np
import pytest

from latentmap.data.sources import Source
from latentmap.distributed.data_parallel import DataParallel
from latentmap.training.targets import RowsWithTargets


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
    taken = shard.take(np.arange(len(shard)))
    assert np.array_equal((taken[0] if has_targets else taken)[:, 0], np.arange(100, 200))
