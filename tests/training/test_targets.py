import numpy as np
import pytest
from scipy.sparse import csr_array

from latentmap.data.sources import ArraySource
from latentmap.data.sparse import SparseSource
from latentmap.training.config import Training
from latentmap.training.preparation import prepare_data
from latentmap.training.targets import RowsWithTargets

ROWS = np.arange(1.0, 241.0, dtype="float32").reshape(80, 3)
BESIDE = np.stack([ROWS[:, 0], -ROWS[:, 0]], axis=1)


class Blocks(ArraySource):
    """Rows best read block by block, as those of a Parquet file."""

    block_starts = np.array([0, 10, 25, 60])


SOURCES = {
    "array": ArraySource(ROWS),
    "blocks": Blocks(ROWS),
    "sparse": SparseSource(csr_array(ROWS)),
    "part": ArraySource(np.repeat(ROWS, 2, axis=0)).subset(np.arange(0, 160, 2)),
    "part of blocks": Blocks(np.repeat(ROWS, 2, axis=0)).subset(np.arange(0, 160, 2)),
}
SOURCES["blocks"].block_starts = Blocks.block_starts


@pytest.fixture(autouse=True)
def small_buffer(set_memory_use):
    """So that blocks are shuffled two at a time."""
    set_memory_use(shuffle_buffer=1)


@pytest.mark.parametrize("kind", sorted(SOURCES))
@pytest.mark.parametrize("size", [1, 7, 80, 200])
@pytest.mark.parametrize("make", [None, np.random.default_rng, np.random.RandomState])
def test_rows_come_as_they_would_alone_with_their_own_targets(kind, size, make):
    rows = SOURCES[kind]
    pairs = RowsWithTargets(rows, BESIDE)
    rngs = [None, None] if make is None else [make(3), make(3)]
    for _ in range(2):  # the second epoch goes on where the first one ended
        alone = list(rows.batches(size, rng=rngs[0]))
        targets = list(pairs.batches(size, rng=rngs[1]))
        assert len(alone) == len(targets)
        for row, (same, place) in zip(alone, targets, strict=True):
            assert np.array_equal(row, same)
            assert np.array_equal(place, np.stack([row[:, 0], -row[:, 0]], axis=1))
        assert sorted(np.concatenate(alone)[:, 0]) == ROWS[:, 0].tolist()


def test_epochs_differ():
    pairs, rng = RowsWithTargets(SOURCES["array"], BESIDE), np.random.RandomState(0)
    first, second = (next(pairs.batches(80, rng=rng)) for _ in range(2))
    assert not np.array_equal(first[0], second[0])


@pytest.mark.parametrize("kind", sorted(SOURCES))
def test_pairs_by_number(kind):
    rows, places = RowsWithTargets(SOURCES[kind], BESIDE).take([5, 0, 5])
    assert np.array_equal(rows, ROWS[[5, 0, 5]])
    assert np.array_equal(places, BESIDE[[5, 0, 5]])


def test_it_tells_what_the_rows_tell():
    pairs = RowsWithTargets(SOURCES["blocks"], BESIDE)
    assert len(pairs) == 80
    assert pairs.row_shape == (3,)
    assert pairs.dtype == np.float32
    assert pairs.nbytes == ROWS.nbytes
    assert pairs.block_starts is SOURCES["blocks"].block_starts


@pytest.mark.parametrize("share", [0, 0.25])
@pytest.mark.parametrize("kind", sorted(SOURCES))
def test_held_out_rows_keep_their_own_too(kind, share):
    data = prepare_data(SOURCES[kind], "auto", 1, Training(held_out=share), 0)
    task = data.task.with_targets(BESIDE)
    rows, places = task.rows.take(np.arange(len(task.rows)))
    if share:
        assert len(task.validation_rows[0]) == 20
        rows, places = (
            np.concatenate(both) for both in zip((rows, places), task.validation_rows, strict=True)
        )
    assert np.array_equal(places[:, 0], rows[:, 0])
    assert sorted(places[:, 0]) == ROWS[:, 0].tolist()
