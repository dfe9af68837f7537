import threading
import time

import numpy as np
import pytest

from latentmap.data import ArraySource, batching
from latentmap.data.memory import limit_bytes, memory_limit
from latentmap.errors import DataError


@pytest.mark.parametrize("size", [1, 3, 4, 7, 100])
def test_rebatch_keeps_rows_and_order(size):
    rows = np.arange(23)
    chunks = np.split(rows, [0, 5, 6, 6, 19])
    batches = list(batching.rebatch(chunks, size))
    assert np.array_equal(np.concatenate(batches), rows)
    assert all(len(batch) == size for batch in batches[:-1])
    assert 0 < len(batches[-1]) <= size


def test_rebatch_without_rows():
    assert list(batching.rebatch([], 3)) == []
    assert list(batching.rebatch([np.zeros(0)], 3)) == []


def test_shuffled_order_is_uniform():
    rng, rows = np.random.default_rng(0), np.arange(4)
    firsts = [next(batching.shuffled_batches(rows.take, 4, 1, rng))[0] for _ in range(2000)]
    assert np.bincount(firsts).min() > 2000 / 4 * 0.8


def test_shuffled_in_blocks_mixes_rows_of_several_blocks():
    rows, rng = np.arange(1000), np.random.default_rng(0)
    bounds = np.arange(0, 1001, 100)
    batch = next(batching.block_shuffled_batches(rows.take, bounds, 50, rng, blocks_in_buffer=5))
    assert len(np.unique(batch // 100)) == 5


def test_next_batch_is_read_while_the_caller_uses_one():
    read = []

    def batches():
        for i in range(4):
            read.append(i)
            yield np.array([i])

    coming = batching.read_ahead(batches())
    first = next(coming)
    for _ in range(1000):
        if len(read) == 2:
            break
        time.sleep(0.001)
    assert first.tolist() == [0]
    assert read == [0, 1]  # one ahead, and no more
    assert [batch.tolist() for batch in coming] == [[1], [2], [3]]


def test_error_in_reading_is_raised_instead_of_the_batch():
    def batches():
        yield np.zeros(1)
        raise DataError("row 7: a hole")

    coming = batching.read_ahead(batches())
    next(coming)
    with pytest.raises(DataError, match="row 7"):
        next(coming)


def test_reading_stops_when_the_caller_stops():
    coming = batching.read_ahead(np.array([i]) for i in range(10))
    next(coming)
    coming.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("reading")]


def test_read_batches_yields_positions_and_shows_progress(capsys):
    rows = ArraySource(np.arange(10.0).reshape(5, 2), name="them")
    parts = list(batching.read_batches(rows, 2, task="counting"))
    assert [(where.start, where.stop) for where, _ in parts] == [(0, 2), (2, 4), (4, 5)]
    assert np.array_equal(np.concatenate([batch for _, batch in parts]), rows[:])
    assert "counting" in capsys.readouterr().err
    list(batching.read_batches(rows, 2, task="counting", verbose=False))
    list(batching.read_batches(rows))
    assert capsys.readouterr().err == ""


def test_read_batches_names_the_row_of_an_invalid_number():
    array = np.zeros((9, 2))
    array[6, 1] = np.inf
    rows = ArraySource(array, name="them").subset(np.arange(3, 9))
    with pytest.raises(DataError, match=r"^them, row 6, column 1: expected a finite number"):
        list(batching.read_batches(rows, 2))


def test_memory_limit_holds_in_the_reading_thread():
    def limits():
        yield limit_bytes()

    with memory_limit("3GB"):
        assert list(batching.read_ahead(limits())) == [3_000_000_000]
