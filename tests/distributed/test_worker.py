from types import SimpleNamespace

import numpy as np
import pytest

from latentmap.data.sources import Source
from latentmap.distributed.worker import Member
from latentmap.training.targets import Paired


class Decoded(Source):
    """Rows in blocks that cost something each time they are read."""

    def __init__(self, count):
        self.row_shape, self.dtype, self.name = (1,), np.dtype(np.int64), "them"
        self.block_starts, self.read, self.count = np.arange(0, count, 10), 0, count

    def __len__(self):
        return self.count

    def take(self, indices):
        self.read += len(indices)
        return np.asarray(indices)[:, None]


@pytest.fixture
def second(tmp_path, monkeypatch):
    """The second of two workers, with a disk of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    told = []
    desk = SimpleNamespace(tell=SimpleNamespace(remote=lambda *news: told.append(news)))
    return Member({"desk": desk, "seconds": 60}, 1, 2)


@pytest.mark.parametrize("paired", [False, True])
def test_what_must_be_decoded_is_decoded_once_however_many_epochs(second, paired):
    rows = Decoded(200)
    share, own = second.share(Paired(rows, np.arange(200)) if paired else rows, 8)
    assert own == 4
    for _ in range(3):
        for batch in share.batches(own, rng=np.random.RandomState(0)):
            assert not paired or np.array_equal(batch[0][:, 0], batch[1])
    assert rows.read == 100
    found = share.take(np.arange(len(share)))
    assert np.array_equal((found[0] if paired else found)[:, 0], np.arange(100, 200))
