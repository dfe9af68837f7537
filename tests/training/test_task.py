import numpy as np
import pytest
from scipy.sparse import csr_array

from latentmap.data.sources import ArraySource
from latentmap.data.sparse import SparseSource
from latentmap.training.config import Training
from latentmap.training.preparation import prepare_data
from latentmap.training.task import RowsWithTargets

ROWS = np.arange(1.0, 241.0, dtype="float32").reshape(80, 3)
TARGETS = np.stack([ROWS[:, 0], -ROWS[:, 0]], axis=1)


class BlockSource(ArraySource):
    """Source in blocks, like a Parquet file."""

    block_starts = np.array([0, 10, 25, 60])


SOURCES = {
    "array": ArraySource(ROWS),
    "blocks": BlockSource(ROWS),
    "sparse": SparseSource(csr_array(ROWS)),
    "subset": ArraySource(np.repeat(ROWS, 2, axis=0)).subset(np.arange(0, 160, 2)),
    "subset of blocks": BlockSource(np.repeat(ROWS, 2, axis=0)).subset(np.arange(0, 160, 2)),
}
SOURCES["blocks"].block_starts = BlockSource.block_starts


@pytest.fixture(autouse=True)
def small_buffer(set_memory_use):
    """Limit the shuffle buffer, so that two blocks are shuffled at a time."""
    set_memory_use(shuffle_buffer=1)


@pytest.mark.parametrize("kind", sorted(SOURCES))
@pytest.mark.parametrize("size", [1, 7, 80, 200])
@pytest.mark.parametrize("make_rng", [None, np.random.default_rng, np.random.RandomState])
def test_batches_equal_those_of_the_rows_and_have_their_targets(kind, size, make_rng):
    rows = SOURCES[kind]
    pairs = RowsWithTargets(rows, TARGETS)
    rngs = [None, None] if make_rng is None else [make_rng(3), make_rng(3)]
    for _ in range(2):  # The second epoch continues with the state of the generator.
        batches = list(rows.batches(size, rng=rngs[0]))
        pair_batches = list(pairs.batches(size, rng=rngs[1]))
        assert len(batches) == len(pair_batches)
        for batch, (pair_rows, pair_targets) in zip(batches, pair_batches, strict=True):
            assert np.array_equal(batch, pair_rows)
            assert np.array_equal(pair_targets, np.stack([batch[:, 0], -batch[:, 0]], axis=1))
        assert sorted(np.concatenate(batches)[:, 0]) == ROWS[:, 0].tolist()


def test_each_epoch_has_a_new_order():
    pairs, rng = RowsWithTargets(SOURCES["array"], TARGETS), np.random.RandomState(0)
    first, second = (next(pairs.batches(80, rng=rng)) for _ in range(2))
    assert not np.array_equal(first[0], second[0])


@pytest.mark.parametrize("kind", sorted(SOURCES))
def test_take_returns_rows_and_targets(kind):
    rows, targets = RowsWithTargets(SOURCES[kind], TARGETS).take([5, 0, 5])
    assert np.array_equal(rows, ROWS[[5, 0, 5]])
    assert np.array_equal(targets, TARGETS[[5, 0, 5]])


def test_rows_with_targets_have_the_attributes_of_the_rows():
    pairs = RowsWithTargets(SOURCES["blocks"], TARGETS)
    assert len(pairs) == 80
    assert pairs.row_shape == (3,)
    assert pairs.dtype == np.float32
    assert pairs.nbytes == ROWS.nbytes
    assert pairs.block_starts is SOURCES["blocks"].block_starts


@pytest.mark.parametrize("held_out_share", [0, 0.25])
@pytest.mark.parametrize("kind", sorted(SOURCES))
def test_validation_rows_keep_their_targets(kind, held_out_share):
    data = prepare_data(SOURCES[kind], "auto", 1, Training(held_out=held_out_share), 0)
    task = data.task.with_targets(TARGETS)
    rows, targets = task.rows.take(np.arange(len(task.rows)))
    if held_out_share:
        assert len(task.validation_rows[0]) == 20
        rows, targets = (
            np.concatenate(parts)
            for parts in zip((rows, targets), task.validation_rows, strict=True)
        )
    assert np.array_equal(targets[:, 0], rows[:, 0])
    assert sorted(targets[:, 0]) == ROWS[:, 0].tolist()
