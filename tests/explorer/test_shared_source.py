from __future__ import annotations

import threading

import numpy as np
import pytest

from latentmap.data import ArraySource
from latentmap.errors import DataError
from latentmap.explorer.shared_source import SharedSource, map_batches


def test_every_row_is_seen_once_with_its_columns_names():
    rows = np.arange(30_000.0).reshape(10_000, 3)
    seen = []

    def double(some):
        seen.append(some.feature_names)
        return some[:] * 2

    source = ArraySource(rows, feature_names=["a", "b", "c"])
    assert (map_batches(double, source, "doubling") == 2 * rows).all()
    assert len(seen) > 1
    assert set(map(tuple, seen)) == {("a", "b", "c")}


def test_a_bad_number_is_named():
    rows = np.zeros((5000, 2))
    rows[4500, 1] = np.nan
    with pytest.raises(DataError, match="row 4500"):
        map_batches(len, ArraySource(rows), "reading")


def test_words_come_only_when_asked_for(capsys):
    map_batches(lambda rows: rows[:], ArraySource(np.eye(3)), "Looking", verbose=False)
    assert capsys.readouterr().err == ""
    map_batches(lambda rows: rows[:], ArraySource(np.eye(3)), "Looking", verbose=True)
    assert capsys.readouterr().err == "Looking…\n"


class Touchy(ArraySource):
    """A reader that two cannot use at a time."""

    busy = False

    def take(self, indices):
        assert not self.busy
        self.busy = True
        rows = [super(Touchy, self).take(indices) for _ in range(50)]
        self.busy = False
        return rows[0]


def test_readers_take_turns():
    shared, wrong = SharedSource(Touchy(np.eye(300))), []

    def read():
        try:
            for _ in range(20):
                shared[:]
        except AssertionError as error:
            wrong.append(error)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_shared_sample_tells_where_its_rows_stand():
    sample = SharedSource(ArraySource(np.arange(100.0)[:, None]).sample(10))
    assert [sample.original_index(i) for i in range(10)] == sample[:].ravel().tolist()
